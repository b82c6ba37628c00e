package v1_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "deed/api/v1"
	"deed/store"
)

const (
	acmeToken = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
	keyauth   = acmeToken + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	three     = `{"name":"shop.example.com","methods":[{"method":"dns-txt-token"},{"method":"http-token"},{"method":"dns-01","key_authorization":"` + keyauth + `"}]}`
)

func TestSeveralMethodsAreArmedAndTheFirstToPassWins(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", three)
	if p.Domain.Method != "dns-txt-token" || !p.Domain.Pending || p.Domain.NextCheck == nil || len(p.Methods) != 4 || w.armed(p.Domain.ID) != 2 {
		t.Fatalf("%+v", p)
	}
	// The record that serves every renewal leads, though it is only recommended.
	if first := p.Methods[0]; first.Method != "dns-txt-persistent" || first.Armed || !first.Recommended ||
		*first.Record != (v1.Record{Name: "_validation-persist.shop.example.com", Type: "TXT", Value: "deed.example; accounturi=acct:1@deed.example"}) {
		t.Errorf("%+v", first)
	}
	txt, file, acme := method(t, p, "dns-txt-token"), method(t, p, "http-token"), method(t, p, "dns-01")
	if !txt.Own || file.Own || txt.Record.Value == file.Content || file.URL != "http://shop.example.com/.well-known/pki-validation/fileauth.txt" {
		t.Errorf("%+v %+v", txt, file)
	}
	if *acme.Record != (v1.Record{Name: "_acme-challenge.shop.example.com", Type: "TXT", Value: "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo"}) {
		t.Errorf("%+v", acme.Record)
	}
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	checked := call[v1.Checked](w, http.StatusOK, "POST", path+"/check", "")
	if checked.Proven || len(checked.Attempts) != 3 {
		t.Fatalf("%+v", checked)
	}
	for i, m := range []string{"dns-txt-token", "http-token", "dns-01"} {
		if a := checked.Attempts[i]; a.Method != m || a.Outcome != "not_proven" || a.Problem == nil {
			t.Errorf("%+v", a)
		}
	}
	w.publish(acme.Record)
	w.advance(time.Minute)
	w.tick()
	d := call[v1.Domain](w, http.StatusOK, "GET", path, "")
	if d.Pending || d.ProvenBy != "dns-01" || d.Method != "dns-txt-token" || d.NextCheck != nil || w.armed(d.ID) != 0 {
		t.Errorf("%+v", d)
	}
	// The attempt that passed can be read, and its capsule replayed.
	a := call[v1.Attempt](w, http.StatusOK, "GET", d.Last, "")
	if a.Outcome != "proven" || a.Section != "3.2.2.4.7" || a.Trigger != "scheduled" {
		t.Errorf("%+v", a)
	}
	// A proven domain is not looked at again.
	again := call[v1.Checked](w, http.StatusOK, "POST", path+"/check", "")
	if !again.Proven || len(again.Attempts) != 1 || again.Attempts[0].ID != a.ID {
		t.Errorf("%+v", again)
	}
}

// Rule T7: a value never proves by another method, and a value that was
// superseded or disarmed proves nothing.
func TestAValueProvesByItsOwnMethodOnly(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", `{"name":"shop.example.com","methods":[{"method":"dns-txt-token"},{"method":"http-token"},{"method":"dns-cname-token"}]}`)
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	file, old := method(t, p, "http-token"), method(t, p, "dns-cname-token")
	no := func(what string) {
		t.Helper()
		if c := call[v1.Checked](w, http.StatusOK, "POST", path+"/check", ""); c.Proven {
			t.Fatalf("%s: %+v", what, c)
		}
	}
	w.publish(&v1.Record{Name: "_dnsauth.shop.example.com", Type: "TXT", Value: file.Content})
	no("the file's value in a TXT record")
	w.withdraw(&v1.Record{Name: "_dnsauth.shop.example.com", Type: "TXT"})

	p = call[v1.Plan](w, http.StatusOK, "POST", path+"/methods/dns-cname-token/value", "")
	if method(t, p, "dns-cname-token").Record.Value == old.Record.Value || method(t, p, "http-token").Content != file.Content {
		t.Error("a new value is that method's only")
	}
	w.publish(old.Record)
	no("the value before the new one")
	w.withdraw(old.Record)

	now := method(t, p, "dns-cname-token")
	call[none](w, http.StatusNoContent, "DELETE", path+"/methods/dns-cname-token", "")
	w.publish(now.Record)
	no("a disarmed method")
	p = call[v1.Plan](w, http.StatusOK, "POST", path+"/methods", `{"methods":[{"method":"dns-cname-token"}]}`)
	if method(t, p, "dns-cname-token").Record.Value == now.Record.Value {
		t.Error("what was disarmed came back")
	}
	no("the value from before it was disarmed")
	w.withdraw(now.Record)
	w.publish(method(t, p, "dns-cname-token").Record)
	if c := call[v1.Checked](w, http.StatusOK, "POST", path+"/check?method=dns-cname-token", ""); !c.Proven || len(c.Attempts) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestArmedValuesEndAfterThirtyDays(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", `{"name":"shop.example.com","methods":[{"method":"dns-01","key_authorization":"`+keyauth+`"}]}`)
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	m := method(t, p, "dns-01")
	if !m.Own || !m.Expires.Equal(start.Add(30*24*time.Hour)) {
		t.Errorf("%+v", m)
	}
	w.publish(m.Record)
	w.advance(30*24*time.Hour + time.Microsecond)
	if status, _, body := w.send(w.key, "POST", path+"/check", ""); status != http.StatusConflict {
		t.Errorf("%d %s", status, body)
	}
	w.advance(-time.Microsecond) // at the very end it counts (rule T4)
	if c := call[v1.Checked](w, http.StatusOK, "POST", path+"/check", ""); !c.Proven {
		t.Errorf("%+v", c)
	}
}

// The one record serves every renewal: it is looked at again before the 10
// days of BR 3.2.2.4.22 are over, and no longer once it is gone.
func TestAPersistentRecordRenewsItsProof(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", `{"name":"*.example.com","methods":[{"method":"dns-txt-persistent"}]}`)
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	record := p.Methods[0].Record
	w.publish(record)
	w.advance(time.Minute)
	w.tick()
	d := call[v1.Domain](w, http.StatusOK, "GET", path, "")
	if d.Pending || d.ProvenBy != "dns-txt-persistent" || d.Until.Sub(w.now()) > 10*24*time.Hour || d.NextCheck == nil || !d.NextCheck.Equal(d.Until.Add(-3*24*time.Hour)) {
		t.Fatalf("%+v", d)
	}
	for range 5 {
		before := *d.Until
		w.advance(d.NextCheck.Sub(w.now()))
		w.tick()
		d = call[v1.Domain](w, http.StatusOK, "GET", path, "")
		if d.Pending || !d.Until.After(before) || d.Until.Sub(w.now()) > 10*24*time.Hour {
			t.Fatalf("not renewed: %+v", d)
		}
	}
	if a := call[v1.Attempt](w, http.StatusOK, "GET", d.Last, ""); a.Trigger != "renewal" {
		t.Errorf("%+v", a)
	}
	w.withdraw(record)
	end, looks := *d.Until, 0
	for d.NextCheck != nil {
		w.advance(d.NextCheck.Sub(w.now()))
		w.tick()
		looks++
		d = call[v1.Domain](w, http.StatusOK, "GET", path, "")
		if !d.Until.Equal(end) || looks > 20 {
			t.Fatalf("%d looks, %+v", looks, d)
		}
	}
	if looks != 12 { // every 6 hours of the last 3 days
		t.Errorf("%d looks", looks)
	}
}

func TestEmailArmedBesideARecord(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", `{"name":"example.com","methods":[{"method":"dns-txt-token"},{"method":"email","recipients":["admin@example.com"]}]}`)
	if m := method(t, p, "email"); len(m.Recipients) != 1 || m.Recipients[0] != "admin@example.com" {
		t.Errorf("%+v", m)
	}
	w.publish(method(t, p, "dns-txt-token").Record)
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	if c := call[v1.Checked](w, http.StatusOK, "POST", path+"/check", ""); !c.Proven || len(c.Attempts) != 1 {
		t.Fatalf("%+v", c)
	}
	must(t, w.db.Read(t.Context(), func(r store.Reader) error {
		if mails, err := r.MailsOfDomain(p.Domain.ID); err != nil || len(mails) != 0 {
			t.Errorf("the message outlives the proof: %v %v", mails, err)
		}
		return nil
	}))
}

// The CertCentral dialect sees the domain's own method, and its changes leave
// what is armed beside it alone.
func TestBothDialectsOnOneDomain(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", three)
	path, other := fmt.Sprintf("/v1/domains/%d", p.Domain.ID), fmt.Sprintf("/services/v2/domain/%d", p.Domain.ID)
	info := call[map[string]any](w, http.StatusOK, "GET", other+"?include_dcv=true", "")
	if info["dcv_method"] != "dns-txt-token" || info["dcv_token"].(map[string]any)["token"] != method(t, p, "dns-txt-token").Record.Value {
		t.Errorf("%v", info)
	}
	call[any](w, http.StatusOK, "PUT", other+"/dcv/method", `{"dcv_method":"http-token"}`)
	p = call[v1.Plan](w, http.StatusOK, "GET", path+"/methods", "")
	if m := method(t, p, "http-token"); !m.Own || w.armed(p.Domain.ID) != 1 {
		t.Errorf("%+v", p.Methods)
	}
	changed := call[map[string]any](w, http.StatusOK, "PUT", other+"/dcv/method", `{"dcv_method":"dns-txt-persistent"}`)
	record, _ := json.Marshal(changed["persistent_record"])
	if string(record) != `{"name":"_validation-persist.shop.example.com","type":"TXT","value":"deed.example; accounturi=acct:1@deed.example"}` || changed["dcv_token"] != nil {
		t.Errorf("%v", changed)
	}
	call[any](w, http.StatusBadRequest, "PUT", other+"/dcv/validate-token", "")
	call[any](w, http.StatusBadRequest, "PUT", other+"/dcv/method", `{"dcv_method":"dns-01"}`)
	w.publish(p.Methods[0].Record)
	call[any](w, http.StatusOK, "PUT", other+"/dcv/validate-token", "")
	d := call[v1.Domain](w, http.StatusOK, "GET", path, "")
	if d.ProvenBy != "dns-txt-persistent" || d.NextCheck == nil || w.armed(d.ID) != 0 {
		t.Errorf("%+v", d)
	}
	// Submitted again without a method: the record stands, nothing is made.
	call[none](w, http.StatusNoContent, "POST", other+"/validation", `{"validations":[{"type":"ov"}]}`)
	call[any](w, http.StatusOK, "PUT", other+"/dcv/validate-token", "")
	added := call[map[string]any](w, http.StatusCreated, "POST", "/services/v2/domain", `{"name":"b.example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-persistent"}`)
	if added["persistent_record"] == nil || added["dcv_token"] != nil {
		t.Errorf("%v", added)
	}
}

// Bad input is refused with RFC 9457, and changes nothing.
func TestRefusalsChangeNothing(t *testing.T) {
	w := newWorld(t)
	p := call[v1.Plan](w, http.StatusCreated, "POST", "/v1/domains", three)
	path := fmt.Sprintf("/v1/domains/%d", p.Domain.ID)
	_, _, strange, err := w.authority.CreateAccount(t.Context(), "a stranger")
	must(t, err)
	_, view, err := w.authority.CreateKey(t.Context(), w.account, "eyes", store.RoleViewOnly)
	must(t, err)
	_, _, before := w.send(w.key, "GET", path+"/methods", "")
	arm := func(m string) string { return `{"methods":[` + m + `]}` }
	for _, row := range []struct {
		name, key, method, path, body string
		status                        int
	}{
		{"no key", "", "POST", "/v1/domains", three, 401},
		{"a key that may only read adds nothing", view, "POST", "/v1/domains", strings.Replace(three, "shop", "x", 1), 403},
		{"nor arms", view, "POST", path + "/methods", arm(`{"method":"email"}`), 403},
		{"nor disarms", view, "DELETE", path + "/methods/http-token", "", 403},
		{"nor makes a value", view, "POST", path + "/methods/http-token/value", "", 403},
		{"nor checks", view, "POST", path + "/check", "", 403},
		{"nor deletes", view, "DELETE", path, "", 403},
		{"a stranger's domain is none: plan", strange, "GET", path + "/methods", "", 404},
		{"arm", strange, "POST", path + "/methods", arm(`{"method":"http-token"}`), 404},
		{"disarm", strange, "DELETE", path + "/methods/http-token", "", 404},
		{"value", strange, "POST", path + "/methods/http-token/value", "", 404},
		{"check", strange, "POST", path + "/check", "", 404},
		{"delete", strange, "DELETE", path, "", 404},
		{"the name is there", w.key, "POST", "/v1/domains", three, 409},
		{"no methods", w.key, "POST", path + "/methods", arm(""), 422},
		{"a method named twice", w.key, "POST", path + "/methods", arm(`{"method":"email"},{"method":"email"}`), 422},
		{"a method that there is not", w.key, "POST", path + "/methods", arm(`{"method":"dns-persist-01"}`), 422},
		{"one good, one bad: neither", w.key, "POST", path + "/methods", arm(`{"method":"dns-txt-persistent"},{"method":"http-01"}`), 422},
		{"no key authorization", w.key, "POST", path + "/methods", arm(`{"method":"http-01"}`), 422},
		{"a token that cannot hold 128 bits (RFC 8555 section 8)", w.key, "POST", path + "/methods", arm(`{"method":"http-01","key_authorization":"abc` + keyauth[len(acmeToken):] + `"}`), 422},
		{"a key authorization that leaves the directory", w.key, "POST", path + "/methods", arm(`{"method":"http-01","key_authorization":"../` + keyauth + `"}`), 422},
		{"a key authorization for a method that takes none", w.key, "POST", path + "/methods", arm(`{"method":"dns-txt-token","key_authorization":"` + keyauth + `"}`), 422},
		{"dns-account-01 without an account", w.key, "POST", path + "/methods", arm(`{"method":"dns-account-01","key_authorization":"` + keyauth + `"}`), 422},
		{"an account that is no https URL", w.key, "POST", path + "/methods", arm(`{"method":"dns-account-01","account_url":"acct:1","key_authorization":"` + keyauth + `"}`), 422},
		{"an account with a semicolon, which no CAA record could name", w.key, "POST", path + "/methods", arm(`{"method":"dns-account-01","account_url":"https://a.example/;x","key_authorization":"` + keyauth + `"}`), 422},
		{"a wildcard by a file (BR 3.2.2.4.18)", w.key, "POST", "/v1/domains", `{"name":"*.example.net","methods":[{"method":"http-token"}]}`, 422},
		{"a wildcard by http-01 (BR 3.2.2.4.19)", w.key, "POST", "/v1/domains", `{"name":"*.example.net","methods":[{"method":"http-01","key_authorization":"` + keyauth + `"}]}`, 422},
		{"a wildcard by tls-alpn-01 (BR 3.2.2.4.20)", w.key, "POST", "/v1/domains", `{"name":"*.example.net","methods":[{"method":"tls-alpn-01","key_authorization":"` + keyauth + `"}]}`, 422},
		{"an internal name", w.key, "POST", "/v1/domains", `{"name":"server.local","methods":[{"method":"dns-txt-token"}]}`, 422},
		{"an organization of another", w.key, "POST", "/v1/domains", `{"name":"example.net","organization_id":2,"methods":[{"method":"dns-txt-token"}]}`, 404},
		{"a validation type that there is not", w.key, "POST", "/v1/domains", `{"name":"example.net","validations":["dv"],"methods":[{"method":"dns-txt-token"}]}`, 422},
		{"a field that there is not", w.key, "POST", path + "/methods", arm(`{"method":"email","token":"chosen-by-the-client"}`), 422},
		{"no JSON", w.key, "POST", path + "/methods", `{`, 400},
		{"the own method disarmed", w.key, "DELETE", path + "/methods/dns-txt-token", "", 409},
		{"what is not armed disarmed", w.key, "DELETE", path + "/methods/email", "", 404},
		{"a value for a method that has none", w.key, "POST", path + "/methods/dns-01/value", "", 422},
		{"a value for what is not armed", w.key, "POST", path + "/methods/dns-cname-token/value", "", 409},
		{"a look by what is not armed", w.key, "POST", path + "/check?method=http-01", "", 409},
		{"a look by e-mail", w.key, "POST", path + "/check?method=email", "", 422},
		{"a domain that there is not", w.key, "GET", "/v1/domains/999/methods", "", 404},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, kind, body := w.send(row.key, row.method, row.path, row.body)
			var problem struct {
				Title  string `json:"title"`
				Status int    `json:"status"`
				Detail string `json:"detail"`
			}
			if status != row.status || kind != "application/problem+json" || json.Unmarshal([]byte(body), &problem) != nil || problem.Status != status || problem.Detail == "" {
				t.Errorf("%d %s %s, want %d", status, kind, body, row.status)
			}
			if _, _, after := w.send(w.key, "GET", path+"/methods", ""); after != before {
				t.Errorf("changed:\n%s\n%s", before, after)
			}
		})
	}
	for _, name := range []string{"example.net", "x.example.com", "server.local"} {
		if _, err := w.authority.DomainIDByName(t.Context(), actorOf(w), name); err == nil {
			t.Errorf("%s was added", name)
		}
	}
}
