package certcentral_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const validationShape = `{dcv_status:s,description:s,name:s,org_status:s,status:s,type:s}`
const provenShape = `{date_created:s,dcv_status:s,description:s,name:s,org_status:s,status:s,type:s,validated_until:s}`

// info is the exact shape of domain info: what is always there, and more.
func info(more ...string) string {
	keys := append([]string{containerShape, "date_created:s", "dcv_method:s", "id:n", "is_active:b", "is_pending_validation:b", "name:s", orgShape, "status:s"}, more...)
	return object(keys)
}

// prove publishes the value and has it checked.
func (w *world) prove(path, name, token string) {
	w.t.Helper()
	w.dns(name, "TXT", token)
	w.call(200, "PUT", path+"/dcv/validate-token", "")
}

func TestDomainInfoShowsWhatIsAskedFor(t *testing.T) { // contract 3.2
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	mailed, _ := w.add("mail.example.com", "email")
	for _, row := range []struct{ name, path, shape string }{
		{"nothing more by default", path, info()},
		{"false is the default", path + "?include_dcv=false&include_validation=False", info()},
		{"validations", path + "?include_validation=true", info("validations:[" + validationShape + "]")},
		{"the token, nothing proven yet", path + "?include_dcv=True&include_validation_reuse_status=true", info("dcv_token:" + tokenShape)},
		{"e-mail has no token", mailed + "?include_dcv=true", info()},
		{"unknown parameters are ignored", path + "?x=1&name=y", info()},
		{"a trailing slash is the same address", path + "/", info()},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := w.call(200, "GET", row.path, "").is(row.shape)
			if r.value("is_pending_validation") != true || r.text("status") != "pending" || r.text("organization", "is_active") != "1" || r.value("is_active") != true {
				t.Error(r.body)
			}
		})
	}
	w.send("GET", w.url+path+"?include_dcv=maybe", w.key, "").refused(400, "invalid_parameter|include_dcv")

	w.advance(time.Hour)
	w.prove(path, "example.com", added.text("dcv_token", "token"))
	all := w.call(200, "GET", path+"?include_dcv=true&include_validation=true&include_validation_reuse_status=true", "").is(info(
		"dcv_approval_datetime:s", "dcv_expiration:{dcv_approval_date:s,ev:s,ev_status:s,ov:s,ov_shortened:b,ov_status:s}", "dcv_expiration_datetime:s",
		"dcv_token:"+tokenShape, "validations:["+provenShape+"]"))
	for _, row := range []struct{ path, want string }{
		{"status", "approved"}, {"dcv_approval_datetime", "2026-11-24T04:30:00+00:00"},
	} {
		if got := all.text(row.path); got != row.want {
			t.Errorf("%s = %q, want %q", row.path, got, row.want)
		}
	}
	if all.value("is_pending_validation") != false || all.text("dcv_token", "status") != "active" || all.text("dcv_token", "token") != added.text("dcv_token", "token") {
		t.Error(all.body)
	}
	// Denver was a day behind when the check began, and is when the proof ends.
	until, err := time.Parse("2006-01-02T15:04:05-07:00", all.text("dcv_expiration_datetime"))
	must(t, err)
	if want := until.Add(-7 * time.Hour).Format(time.DateOnly); all.text("dcv_expiration", "ov") != want || all.text("dcv_expiration", "dcv_approval_date") != "2026-11-23" {
		t.Errorf("%s, want ov %s", all.body, want)
	}
	for i, want := range []string{"ov OV Normal Organization Validation", "ev EV Extended Organization Validation (EV)"} {
		v := func(k string) string { return all.text("validations", i, k) }
		if got := v("type") + " " + v("name") + " " + v("description"); got != want || v("status") != "active" || v("dcv_status") != "complete" || v("org_status") != "complete" {
			t.Errorf("validation %d: %s", i, all.shape())
		}
	}
	t.Run("a method that needs no token, once proven", func(t *testing.T) {
		w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"email","send_dcv_email_flag":false}`)
		w.call(200, "GET", path+"?include_dcv=true", "").is(info("dcv_approval_datetime:s", "dcv_expiration:{ev:s,ov:s}", "dcv_expiration_datetime:s"))
	})
	t.Run("an unexpired proof survives while another check is pending", func(t *testing.T) {
		w.call(204, "POST", path+"/validation", `{"validations":[{"type":"ov"}]}`)
		r := w.call(200, "GET", path+"?include_validation=true", "")
		if r.value("is_pending_validation") != true || r.text("status") != "pending" || r.text("validations", 0, "status") != "active" {
			t.Error(r.body)
		}
	})
}

func TestValidationDetails(t *testing.T) { // contract 3.5, section 9
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	status := func(want string) {
		t.Helper()
		r := w.call(200, "GET", path+"/validation", "")
		for i := range 2 {
			if got := r.text("validations", i, "status") + "/" + r.text("validations", i, "dcv_status"); got != want {
				t.Errorf("validation %d: %s, want %s", i, got, want)
			}
		}
	}
	w.call(200, "GET", path+"/validation", "").is("{validations:[" + validationShape + "]}")
	status("pending/pending")
	w.prove(path, "example.com", added.text("dcv_token", "token"))
	r := w.call(200, "GET", path+"/validation", "").is("{validations:[" + provenShape + "]}")
	status("active/complete")
	until, err := time.Parse("2006-01-02T15:04:05-07:00", r.text("validations", 0, "validated_until"))
	must(t, err)
	w.advance(until.Add(-time.Second).Sub(w.now()))
	status("active/complete")
	w.advance(time.Second)
	status("expired/expired")
	if info := w.call(200, "GET", path+"?include_dcv=true", ""); info.text("status") != "expired" || info.text("dcv_token", "status") != "pending" {
		t.Error(info.body)
	}
	w.call(204, "POST", path+"/validation", `{"validations":[{"type":"ov"},{"type":"ev"}]}`)
	status("pending/pending")
}

func TestOnlySubmittedTypesAreShown(t *testing.T) { // section 9.1
	w := newWorld(t)
	r := w.call(201, "POST", "/domain", fmt.Sprintf(`{"name":"example.com","organization":{"id":%d},"validations":[{"type":"ev"},{"type":"ev"}],"dcv_method":"dns-txt-token"}`, w.org))
	got := w.call(200, "GET", fmt.Sprintf("/domain/%d/validation", r.number("id")), "")
	if l := got.value("validations").([]any); len(l) != 1 || got.text("validations", 0, "type") != "ev" {
		t.Error(got.body)
	}
}

func TestActivateDeactivateDelete(t *testing.T) { // contract 3.11
	w := newWorld(t)
	path, _ := w.add("example.com", "dns-txt-token")
	listed := func(filter string) int64 {
		return w.call(200, "GET", "/domain?filters[status]="+filter, "").number("page", "total")
	}
	for range 2 { // setting what is set is no error
		w.call(204, "PUT", path+"/deactivate", `{"left":"over"}`)
	}
	if listed("active") != 0 || listed("inactive") != 1 || w.call(200, "GET", path, "").value("is_active") != false {
		t.Error("deactivate")
	}
	w.call(204, "PUT", path+"/activate", "")
	if listed("active") != 1 || listed("inactive") != 0 {
		t.Error("activate")
	}
	w.call(204, "DELETE", path, "")
	w.send("GET", w.url+path, w.key, "").refused(404, "not_found|domain")
	w.send("DELETE", w.url+path, w.key, "").refused(404, "not_found|domain")
	if strings.Contains(w.state(), "random_values 1|") {
		t.Error("its value is still there")
	}
}

func TestTypesAndCounts(t *testing.T) { // contract 3.12, 3.13, section 10
	w := newWorld(t)
	types := w.call(200, "GET", "/domain/validation-type", "")
	if want := `{"validation_types":[{"type":"ov","name":"OV","description":"Normal Organization Validation","requires_user":false,"requires_dcv":true},` +
		`{"type":"ev","name":"EV","description":"Extended Organization Validation (EV)","requires_user":true,"requires_dcv":true}]}`; types.body != want {
		t.Errorf("%s", types.body)
	}
	w.call(200, "GET", "/domain/dcv/method", "").is("{methods:[{default:b,description:s,display_name:s,name:s}]}")
	const counts = "{number_of_domains_affected_by_mozilla_policy:s,number_of_domains_expiring_from_31_to_60_days:s,number_of_domains_expiring_from_61_to_90_days:s," +
		"number_of_domains_expiring_within_30_days:s,number_of_domains_recent_expired:s,number_of_expired_domains:s,number_of_expiry_soon_domains:s}"
	w.call(200, "GET", "/domain/expiration-count", "").is(counts)
	r := w.call(201, "POST", "/domain", fmt.Sprintf(`{"name":"ev.example.com","organization":{"id":%d},"validations":[{"type":"ev"}],"dcv_method":"dns-txt-token"}`, w.org))
	path := fmt.Sprintf("/domain/%d", r.number("id"))
	w.prove(path, "ev.example.com", r.text("dcv_token", "token"))
	until, err := time.Parse("2006-01-02T15:04:05-07:00", w.call(200, "GET", path+"?include_dcv=true", "").text("dcv_expiration_datetime"))
	must(t, err)
	day := 24 * time.Hour
	for _, row := range []struct {
		name  string
		left  time.Duration
		count []string // the keys that are 1
	}{
		{"in 90 days", 90 * day, []string{"number_of_domains_expiring_from_61_to_90_days"}},
		{"in 60 days", 60 * day, []string{"number_of_domains_expiring_from_31_to_60_days", "number_of_expiry_soon_domains"}},
		{"in 30 days", 30 * day, []string{"number_of_domains_expiring_within_30_days", "number_of_expiry_soon_domains"}},
		{"yesterday", -day, []string{"number_of_expired_domains", "number_of_domains_recent_expired"}},
		{"eight days ago", -8 * day, []string{"number_of_expired_domains"}},
	} {
		t.Run("an EV proof that ends "+row.name, func(t *testing.T) {
			w.advance(until.Add(-row.left).Sub(w.now()))
			r := w.call(200, "GET", "/domain/expiration-count", "").is(counts)
			for k, v := range r.value().(map[string]any) {
				want := "0"
				for _, c := range row.count {
					if c == k {
						want = "1"
					}
				}
				if v != want {
					t.Errorf("%s = %v, want %s", k, v, want)
				}
			}
		})
	}
}

func TestOrganizationAccountUser(t *testing.T) { // contract section 4
	w := newWorld(t)
	const org = `{` + containerShape + `,display_name:s,id:n,is_active:b,name:s,status:s}`
	list := w.call(200, "GET", "/organization/?container_id=1&include_validation=true", "").is("{organizations:[" + org + "],page:{limit:n,offset:n,total:n}}")
	if list.value("organizations", 0, "is_active") != true || list.text("organizations", 0, "status") != "active" {
		t.Error(list.body)
	}
	path := fmt.Sprintf("/organization/%d", w.org)
	w.call(200, "GET", path, "").is(org)
	w.call(200, "GET", path+"/validation", "").is("{validations:[]}")
	added := w.call(201, "POST", "/organization", `{"name":"Zweite GmbH","address":"Weg 1","zip":"10115","city":"Berlin","country":"de"}`).is("{id:n}")
	w.call(200, "GET", fmt.Sprintf("/organization/%d", added.number("id")), "").is(`{address:s,city:s,` + containerShape + `,country:s,display_name:s,id:n,is_active:b,name:s,status:s,zip:s}`)
	acc := w.call(200, "GET", "/account", "").is("{display_name:s,id:n,make_renewal_calls:b,primary_organization_id:n,rep_name:s}")
	if acc.number("id") != w.account || acc.number("primary_organization_id") != w.org {
		t.Error(acc.body)
	}
	w.call(200, "GET", "/user/me", "").is(`{access_roles:[{id:n,name:s}],account:{id:n},` + containerShape + `,id:n,is_cert_central:b,status:s,username:s}`)
}
