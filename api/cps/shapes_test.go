package cps_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	certificateKeys = "@id:s,@type:s,auto_renew:b,certificate_authority:s,certificate_label:s,created:s,created_by:{identity_id:s,identity_type:s,portal_type_id:s,user_id:null}," +
		"dcv_method:s,deployments:[],description:s,domains:[{active_date:null,created:s,id:n,is_common_name:b,name:s,status:s}],expiration_date:s,id:n,last_modified:s,modified_by:null,"
	certificateRest  = "request_type:s,thumbprint:null,validation_type:s,workflow_error_message:null"
	organizationKeys = "{additional_contacts:[{contact_type:s,email:s,first_name:s,id:n,last_name:s,phone:s,title:s}],city:s,company_address2:s,company_address:s,company_name:s,contact_email:s," +
		"contact_first_name:s,contact_last_name:s,contact_phone:s,contact_title:s,country:s,id:n,organizational_unit:s,state:s,zip_code:s}"
	noticeKeys = "{@id:s,@type:s,items:[{emails:[],enabled:b,notification_type:s}]}"
)

// Every answer has exactly the documented keys, null where a value is absent,
// and its headers.
func TestShapes(t *testing.T) {
	w := newWorld(t)
	dv, _ := w.ask("dv", "DV", "DnsTxtToken", "shop.example.com", "example.net")
	ov, _ := w.ask("ov", "OV", "DnsCnameToken", "example.org")
	mail, _ := w.ask("mail", "EV", "Email", "example.edu")
	full := func(org string) string {
		return "{" + certificateKeys + "organization:" + org + "," + certificateRest + "}"
	}
	list := "{@id:s,@links:{first:{href:s},last:{href:s}},@type:s,items:[{" + certificateKeys + certificateRest + "}],total_items:n}"
	for _, row := range []struct{ method, path, body, shape, cache string }{
		{"GET", certOf(dv, ""), "", full("null"), "private"},
		{"GET", certOf(ov, ""), "", full(organizationKeys), "private"},
		{"GET", "/certificates", "", list, "private"},
		{"GET", dcvOf(dv, ""), "", "{@id:s,@type:s,items:[{dcv_method:s,dcv_token:{token:s},domain_id:null,emails:null}]}", "private"},
		{"GET", dcvOf(ov, ""), "", "{@id:s,@type:s,items:[{dcv_method:s,dcv_token:{token:s},domain_id:n,emails:null}]}", "private"},
		{"GET", dcvOf(mail, ""), "", "{@id:s,@type:s,items:[{dcv_method:s,dcv_token:null,domain_id:n,emails:[s]}]}", "private"},
		{"PUT", dcvOf(ov, "/token"), "", "{@id:s,@type:s,items:[{dcv_method:s,dcv_token:{token:s},domain_id:n}]}", "private"},
		{"GET", certOf(dv, "/notifications"), "", noticeKeys, "private"},
		{"PUT", certOf(dv, "/cancel"), "", "{@id:s,@type:s,action:s}", "private"},
		{"GET", "/organizations/default", "", strings.Replace(organizationKeys, "[{contact_type:s,email:s,first_name:s,id:n,last_name:s,phone:s,title:s}]", "[]", 1), "private"},
		{"GET", "/organizations/0?name=Example+Hosting+GmbH", "", organizationKeys, "private"},
		{"GET", "/organizations/name/GmbH", "", "{@id:s,@type:s,items:[{city:s,company_address2:s,company_address:s,company_name:s,country:s,id:n,state:s,zip_code:s}]}", "private"},
		{"GET", "/customers/commits", "", "{@id:s,@type:s,amount:n}", "no-cache"},
		{"GET", "/customers/notifications", "", noticeKeys, "no-cache"},
		{"GET", "/appendix/dcv-types", "", "{@id:s,@type:s,items:[{id:n,name:s}],total_items:n}", "no-cache"},
		{"GET", "/appendix/product-types", "", "{@id:s,@type:s,items:[],total_items:n}", "no-cache"},
		{"GET", "/appendix/country-codes", "", "{@id:s,@type:s,items:[{country:s,two_letter_code:s}],total_items:n}", "no-cache"},
		{"PUT", dcvOf(dv, "/method"), `{"dcv_method":"DnsTxtToken"}`, "", "private"},
		{"PUT", dcvOf(dv, "/check"), "", "", "private"},
		{"POST", dcvOf(mail, "/emails/resend"), "", "", "private"},
		{"PUT", certOf(dv, "/retrigger"), "", "", "private"},
		{"PUT", certOf(dv, "/cancel?apply=true"), "", "", "private"},
	} {
		want := 200
		if row.shape == "" {
			want = 204
		}
		r := w.call(want, row.method, row.path, row.body)
		if r.header.Get("Cache-Control") != row.cache {
			t.Errorf("%s: Cache-Control %q", r.what, r.header.Get("Cache-Control"))
		}
		if want == 200 {
			r.is(row.shape)
			if id := r.text("@id"); id != "" && strings.HasPrefix(id, "/sec") {
				t.Errorf("%s: @id %s", r.what, id)
			}
		}
	}
	w.dates(t, dv)
}

// dates: UTC, six digits of a second, and the year one for what is not known.
func (w *world) dates(t *testing.T, id int64) {
	c := w.call(200, "GET", certOf(id, ""), "")
	if c.text("created") != "2026-11-24T03:30:00.000000Z" || c.text("domains", 0, "created") != "2026-11-24T03:30:00.000000Z" || c.text("expiration_date") != "0001-01-01T00:00:00Z" {
		t.Errorf("dates: %s", c.body)
	}
	if c.text("@id") != fmt.Sprintf("/v2.0/certificates/%d", id) || c.text("@type") != "Certificate" || c.value("modified_by", "identity_type") != "Client" {
		t.Errorf("%s", c.body)
	}
}

// No path is redirected, whatever its slashes: a client would repeat the call
// as GET. Who has no token learns nothing of the addresses.
func TestPathsAreNeverRedirected(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask("shop", "DV", "DnsTxtToken", "example.com")
	for path, want := range map[string]int{
		dcvOf(id, "/token/"):          200,
		dcvOf(id, "//token"):          404,
		"//certificates":              404,
		dcvOf(id, "/../1/token"):      404,
		dcvOf(id, "/token/more"):      404,
		"/dcv/certificates/":          404,
		"/certificates/cdnprovided":   405,
		"/appendix/dcv-types/":        405,
		"/tasks":                      404,
		"/organizations/name/a%2Fb/c": 405,
	} {
		r := w.send("PUT", w.url+path, w.token, "")
		if r.status != want {
			t.Errorf("PUT %s: %d %s, want %d", path, r.status, r.body, want)
		}
		if want == 405 && r.header.Get("Allow") == "" {
			t.Errorf("PUT %s: no Allow", path)
		}
		if none := w.send("PUT", w.url+path, "", ""); none.status != http.StatusUnauthorized {
			t.Errorf("PUT %s without a token: %d", path, none.status)
		}
	}
	if r := w.send("GET", w.origin+"/sec/cps", w.token, ""); r.status != 404 {
		t.Errorf("/sec/cps: %d", r.status)
	}
}

func TestListPagesSortsAndSearches(t *testing.T) {
	w := newWorld(t)
	for i := range 45 {
		w.ask(fmt.Sprintf("label-%02d", i), "DV", "DnsTxtToken", fmt.Sprintf("d%d.example.com", i), "shared.example.net")
	}
	labels := func(query string) (list []string, r reply) {
		r = w.call(200, "GET", "/certificates"+query, "")
		for i := range r.value("items").([]any) {
			list = append(list, r.text("items", i, "certificate_label"))
		}
		return list, r
	}
	for _, row := range []struct {
		name, query    string
		n              int
		first, last    string
		total          int64
		next, previous bool
	}{
		{"the newest first, 20 of them", "", 20, "label-44", "label-25", 45, true, false},
		{"a page in the middle", "?page=2", 20, "label-24", "label-05", 45, true, true},
		{"the last page", "?page=3", 5, "label-04", "label-00", 45, false, true},
		{"a page beyond the end is empty", "?page=9", 0, "", "", 45, false, true},
		{"more than 20 are never given", "?page_size=1000", 20, "label-44", "label-25", 45, true, false},
		{"a hyphen is ascending", "?sort=-id&page_size=2", 2, "label-00", "label-01", 45, true, false},
		{"plain is descending", "?sort=certificate_label&page_size=2", 2, "label-44", "label-43", 45, true, false},
		{"a label exactly", "?query=certificate_label:label-07", 1, "label-07", "label-07", 1, false, false},
		{"a label's beginning", "?query=certificate_label:label-0*", 10, "label-09", "label-00", 10, false, false},
		{"an underscore is no wildcard", "?query=certificate_label:label_07", 0, "", "", 0, false, false},
		{"a percent sign is no wildcard", "?query=certificate_label:%25", 0, "", "", 0, false, false},
		{"names of the request", "?query=domain_names:*.example.net&page_size=1", 1, "label-44", "label-44", 45, true, false},
		{"one name", "?query=domain_names:d7.example.com", 1, "label-07", "label-07", 1, false, false},
		{"a part of a name is not the name", "?query=domain_names:example.com", 0, "", "", 0, false, false},
		{"an id", "?query=id:8", 1, "label-07", "label-07", 1, false, false},
	} {
		got, r := labels(row.query)
		if len(got) != row.n || r.number("total_items") != row.total || (row.n > 0 && (got[0] != row.first || got[len(got)-1] != row.last)) {
			t.Errorf("%s: %v of %d", row.name, got, r.number("total_items"))
		}
		if (r.value("@links", "next") != nil) != row.next || (r.value("@links", "previous") != nil) != row.previous {
			t.Errorf("%s: %s", row.name, r.body[len(r.body)-300:])
		}
	}
	// A link leads to the page that it names.
	_, r := labels("?sort=-id&page_size=7")
	if next := w.send("GET", w.origin+"/sec/cps"+r.text("@links", "next", "href"), w.token, ""); next.text("items", 0, "certificate_label") != "label-07" {
		t.Errorf("next: %s", next.body)
	}
	// Another account's are not there, nor counted.
	w.token = newTenant(t, w)
	if got, r := labels(""); len(got) != 0 || r.number("total_items") != 0 {
		t.Errorf("another account sees %v", got)
	}
}
