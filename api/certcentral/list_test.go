package certcentral_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// object is the shape of keys, sorted.
func object(keys []string) string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return "{" + strings.Join(keys, ",") + "}"
}

// names of the rows of a list, in their order.
func (r reply) names() []string {
	out := []string{}
	for i := range r.value("domains").([]any) {
		out = append(out, r.text("domains", i, "name"))
	}
	return out
}

var row = []string{containerShape, "date_created:s", "dcv_method:s", "id:n", "is_active:b", "last_submitted_datetime:s", "name:s", orgShape}

func TestListRows(t *testing.T) { // contract 3.1
	w := newWorld(t)
	if r := w.call(200, "GET", "/domain", ""); r.body != `{"domains":[],"page":{"total":0,"limit":1000,"offset":0}}` {
		t.Errorf("an empty account: %s", r.body)
	}
	path, added := w.add("example.com", "dns-txt-token")
	const page = "page:{limit:n,offset:n,total:n}"
	pending := object(append(row, "validations:[{description:s,name:s,status:s,type:s}]"))
	w.call(200, "GET", "/domain/?container_id=5&include_validation=true&include_dcv=true", "").is("{domains:[" + pending + "]," + page + "}")
	w.prove(path, "example.com", added.text("dcv_token", "token"))
	proven := func(expiration string) string {
		return "{domains:[" + object(append(row, "dcv_approval_datetime:s", "dcv_expiration:"+expiration,
			"validations:[{date_created:s,description:s,name:s,status:s,type:s,validated_until:s}]")) + "]," + page + "}"
	}
	dated := w.call(200, "GET", "/domain", "").is(proven("{ev:s,ov:s}"))
	timed := w.call(200, "GET", "/domain?include_dcv_expiration_time=TRUE", "").is(proven("{ev:s,ov:s}"))
	w.call(200, "GET", "/domain?filters[include_validation_reuse_status]=true", "").is(proven("{dcv_approval_date:s,ev:s,ev_status:s,ov:s,ov_shortened:b,ov_status:s}"))
	for _, typ := range []string{"ov", "ev"} {
		// Midnight in UTC is the evening before in Denver.
		if at, day := timed.text("domains", 0, "dcv_expiration", typ), dated.text("domains", 0, "dcv_expiration", typ); at != "2027-03-15T00:00:00+00:00" || day != "2027-03-14" {
			t.Errorf("%s: %s and %s", typ, at, day)
		}
	}
	for at, want := range map[string]string{
		"2027-01-10T06:30:00Z": "2027-01-09", "2027-01-10T07:00:00Z": "2027-01-10", // seven hours behind in winter
		"2027-07-10T05:59:59Z": "2027-07-09", "2027-07-10T06:00:00Z": "2027-07-10", // six in summer
	} {
		instant, err := time.Parse(time.RFC3339, at)
		must(t, err)
		w := newWorld(t)
		w.advance(instant.Sub(w.now()))
		path, added := w.add("example.com", "dns-txt-token")
		w.prove(path, "example.com", added.text("dcv_token", "token"))
		if got := w.call(200, "GET", "/domain?filters[include_validation_reuse_status]=true", "").text("domains", 0, "dcv_expiration", "dcv_approval_date"); got != want {
			t.Errorf("proven at %s: %s, want %s", at, got, want)
		}
	}
	w.send("GET", w.url+"/domain?include_dcv_expiration_time=2", w.key, "").refused(400, "invalid_parameter|include_dcv_expiration_time")
}

func TestListFilters(t *testing.T) { // contract 3.1
	w := newWorld(t)
	w.add("b.example.com", "dns-txt-token")
	w.add("a.example.com", "http-token")
	w.add("example.org", "email")
	off, _ := w.add("c.example.net", "dns-cname-token")
	w.call(204, "PUT", off+"/deactivate", "")
	for _, row := range []struct{ name, query, want string }{
		{"no filter: by id", "", "b.example.com a.example.com example.org c.example.net"},
		{"active", "filters[status]=active", "b.example.com a.example.com example.org"},
		{"inactive", "filters[status]=inactive", "c.example.net"},
		{"both", "filters[status][0]=inactive&filters[status][1]=active", "b.example.com a.example.com example.org c.example.net"},
		{"by method", "filters[dcv_method]=http-token", "a.example.com"},
		{"http-token-static is the file method", "filters[dcv_method]=http-token-static", "a.example.com"},
		{"several methods", "filters[dcv_method][0]=email&filters[dcv_method][1]=http-token", "a.example.com example.org"},
		{"several methods, encoded", "filters%5Bdcv_method%5D%5B0%5D=email&filters%5Bdcv_method%5D%5B1%5D=dns-txt-token", "b.example.com example.org"},
		{"search is exact", "filters[search]=example.org", "example.org"},
		{"search is exact: no part", "filters[search]=example", ""},
		{"search in any case", "filters[search]=EXAMPLE.ORG", "example.org"},
		{"a leading % means contains", "filters[search]=%25example.com", "b.example.com a.example.com"},
		{"contains in the middle", "filters[search]=%25.example.", "b.example.com a.example.com c.example.net"},
		{"_ and % stand for themselves", "filters[search]=%25exa_ple", ""},
		{"a search and a filter", "filters[search]=%25example.com&filters[dcv_method]=http-token", "a.example.com"},
		{"an empty filter is none", "filters[status]=&filters[search]=", "b.example.com a.example.com example.org c.example.net"},
		{"by name", "sort=name", "a.example.com b.example.com c.example.net example.org"},
		{"by name, descending", "sort=-name", "example.org c.example.net b.example.com a.example.com"},
		{"by id, descending", "sort=-id", "c.example.net example.org a.example.com b.example.com"},
		{"by several", "sort=date_created,-name", "example.org c.example.net b.example.com a.example.com"},
		{"a page", "limit=2&offset=1", "a.example.com example.org"},
		{"a page beyond the end", "limit=2&offset=9", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := w.call(200, "GET", "/domain?"+row.query, "")
			if got := strings.Join(r.names(), " "); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			if !strings.Contains(row.query, "limit") && r.number("page", "total") != int64(len(strings.Fields(row.want))) {
				t.Errorf("total %d", r.number("page", "total"))
			}
		})
	}
	for _, row := range []struct{ query, code string }{
		{"filters[status]=gone", "invalid_parameter|filters[status]"},
		{"filters[dcv_method]=dns", "invalid_parameter|filters[dcv_method]"},
		{"filters[validation]=soon", "invalid_parameter|filters[validation]"},
		{"filters[validation][0]=ov_expired&filters[validation][1]=ev_expired", "invalid_parameter|filters[validation]"},
		{"filters[search][0]=a&filters[search][1]=b", "invalid_parameter|filters[search]"},
		{"filters[search]=" + strings.Repeat("a", 254), "invalid_parameter|filters[search]"},
		{"sort=organization", "invalid_parameter|sort"}, {"sort=name,name,name,name", "invalid_parameter|sort"}, {"sort=name;DROP", "bad_request_format"}, {"filters[search]=%zz", "bad_request_format"},
		{"limit=x", "invalid_parameter|limit"}, {"limit=-1", "invalid_parameter|limit"}, {"limit=99999999999999999999", "invalid_parameter|limit"},
		{"offset=-1", "invalid_parameter|offset"}, {"offset=1.5", "invalid_parameter|offset"},
	} {
		t.Run(row.query[:min(len(row.query), 60)], func(t *testing.T) {
			w.send("GET", w.url+"/domain?"+row.query, w.key, "").refused(400, row.code)
		})
	}
}

func TestListPagesEndExactly(t *testing.T) { // contract 3.1: a client counts until it has total
	w := newWorld(t)
	for i := range 7 {
		w.add(fmt.Sprintf("d%d.example.com", i), "dns-txt-token")
	}
	var got []string
	for offset := 0; ; offset += 3 {
		r := w.call(200, "GET", fmt.Sprintf("/domain?limit=3&offset=%d", offset), "")
		if r.number("page", "limit") != 3 || r.number("page", "offset") != int64(offset) || r.number("page", "total") != 7 {
			t.Fatalf("page %s", r.shape("page"))
		}
		got = append(got, r.names()...)
		if len(got) >= 7 || len(r.names()) == 0 {
			break
		}
	}
	if len(got) != 7 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != 7 {
		t.Errorf("pages gave %q", got)
	}
	for query, limit := range map[string]int64{"limit=1000": 1000, "limit=5000": 1000, "limit=0": 1000, "": 1000} {
		if r := w.call(200, "GET", "/domain?"+query, ""); r.number("page", "limit") != limit {
			t.Errorf("%q: limit %d", query, r.number("page", "limit"))
		}
	}
}

func TestListByValidation(t *testing.T) { // contract 3.1: filters[validation]
	w := newWorld(t)
	path, added := w.add("proven.example.com", "dns-txt-token")
	w.add("waits.example.com", "dns-txt-token")
	w.prove(path, "proven.example.com", added.text("dcv_token", "token"))
	until, err := time.Parse("2006-01-02T15:04:05-07:00", w.call(200, "GET", path+"?include_dcv=true", "").text("dcv_expiration_datetime"))
	must(t, err)
	day := 24 * time.Hour
	both := func(what ...string) (out []string) {
		for _, s := range what {
			out = append(out, "ov_"+s, "ev_"+s)
		}
		return out
	}
	all := append(both("expired", "expiring", "expired_in_last_7_days", "expiring_within_7_days", "expiring_within_30_days", "expiring_from_31_to_60_days", "expiring_from_61_to_90_days"),
		"completed", "shortened_by_industry_changes")
	for _, row := range []struct {
		name string
		left time.Duration
		in   []string
	}{
		{"100 days left", 100 * day, []string{"completed"}},
		{"90 days left", 90 * day, append(both("expiring_from_61_to_90_days"), "completed")},
		{"61 days left", 61 * day, append(both("expiring_from_61_to_90_days"), "completed")},
		{"60 days left", 60 * day, append(both("expiring_from_31_to_60_days", "expiring"), "completed")},
		{"31 days left", 31 * day, append(both("expiring_from_31_to_60_days", "expiring"), "completed")},
		{"30 days left", 30 * day, append(both("expiring_within_30_days", "expiring"), "completed")},
		{"7 days left", 7 * day, append(both("expiring_within_7_days", "expiring_within_30_days", "expiring"), "completed")},
		{"the last second", time.Second, append(both("expiring_within_7_days", "expiring_within_30_days", "expiring"), "completed")},
		{"at its end: today does not count as the last 7 days", 0, both("expired")},
		{"a day later", -day, both("expired", "expired_in_last_7_days")},
		{"7 days later", -7 * day, both("expired", "expired_in_last_7_days")},
		{"8 days later", -8 * day, both("expired")},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.advance(until.Add(-row.left).Sub(w.now()))
			for _, f := range all {
				want := []string{}
				if slices.Contains(row.in, f) {
					want = append(want, "proven.example.com")
				}
				r := w.call(200, "GET", "/domain?"+url.Values{"filters[validation]": {f}}.Encode(), "")
				if got := r.names(); !slices.Equal(got, want) || r.number("page", "total") != int64(len(want)) {
					t.Errorf("%s: %q, want %q", f, got, want)
				}
			}
			if got := w.call(200, "GET", "/domain?filters[validation]=pending", "").names(); !slices.Equal(got, []string{"waits.example.com"}) {
				t.Errorf("pending: %q", got)
			}
		})
	}
}
