package cps_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Bad input is answered with the envelope and changes nothing: the database is
// the same to the byte.
func TestBadInputChangesNothing(t *testing.T) {
	w := newWorld(t)
	dv, _ := w.ask("dv", "DV", "DnsTxtToken", "example.com")
	ov, ovDomains := w.ask("ov", "OV", "DnsTxtToken", "example.net", "www.example.net")
	mail, _ := w.ask("mail", "DV", "Email", "example.org")
	w.mails()
	gone, _ := w.ask("gone", "DV", "DnsTxtToken", "gone.example.com")
	w.call(204, "PUT", certOf(gone, "/cancel?apply=true"), "")

	_, _, _ = w.tenant("Another")
	other := newTenant(t, w)
	mine := w.token
	w.token = other
	foreign, foreignDomains := w.ask("theirs", "OV", "DnsTxtToken", "example.edu")
	w.token = mine

	thousand := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%d,", ovDomains[0]), 1000), ",")
	create := func(change ...string) string {
		body := wanted("fresh", "OV", "DnsTxtToken", "fresh.example.com")
		for i := 0; i < len(change); i += 2 {
			if !strings.Contains(body, change[i]) {
				t.Fatalf("%q is not in %s", change[i], body)
			}
			body = strings.Replace(body, change[i], change[i+1], 1)
		}
		return body
	}
	before := w.state()
	for _, row := range []struct {
		name, method, path, body string
		status                   int
		code, source             string
	}{
		{"a domain id of another account is no id of this request", "PUT", dcvOf(ov, fmt.Sprintf("/token?domain_ids=%d", foreignDomains[0])), "", 400, "invalid_input", "/domain_ids"},
		{"one foreign id among good ones refuses the whole call", "PUT", dcvOf(ov, fmt.Sprintf("/token?domain_ids=%d,%d", ovDomains[0], foreignDomains[0])), "", 400, "invalid_input", "/domain_ids"},
		{"a domain of another request of the account is none of this one", "PUT", dcvOf(dv, fmt.Sprintf("/token?domain_ids=%d", ovDomains[0])), "", 400, "invalid_input", "/domain_ids"},
		{"an unknown domain id", "PUT", dcvOf(ov, "/token?domain_ids=999999"), "", 400, "invalid_input", "/domain_ids"},
		{"a thousand domain ids, though all good", "PUT", dcvOf(ov, "/token?domain_ids="+thousand), "", 400, "invalid_input", "/domain_ids"},
		{"words as domain ids", "PUT", dcvOf(ov, "/token?domain_ids=all"), "", 400, "invalid_input", "/domain_ids"},
		{"an empty place in domain_ids is no id", "PUT", dcvOf(ov, fmt.Sprintf("/token?domain_ids=%d,,", ovDomains[0])), "", 400, "invalid_input", "/domain_ids"},
		{"only a comma is not all domains", "PUT", dcvOf(ov, "/token?domain_ids=,"), "", 400, "invalid_input", "/domain_ids"},
		{"a negative domain id", "PUT", dcvOf(ov, "/token?domain_ids=-1"), "", 400, "invalid_input", "/domain_ids"},
		{"a domain id beyond 64 bits", "PUT", dcvOf(ov, "/token?domain_ids=99999999999999999999"), "", 400, "invalid_input", "/domain_ids"},
		{"a query that cannot be read is not an empty one", "PUT", dcvOf(ov, "/token?domain_ids=%zz"), "", 400, "invalid_input", ""},
		{"a token for e-mail validation", "PUT", dcvOf(mail, "/token"), "", 400, "invalid_input", "/dcv_method"},
		{"a check of e-mail validation", "PUT", dcvOf(mail, "/check"), "", 400, "invalid_input", "/dcv_method"},
		{"messages again for a DNS method", "POST", dcvOf(dv, "/emails/resend"), "", 400, "invalid_input", "/dcv_method"},
		{"a token of a cancelled request", "PUT", dcvOf(gone, "/token"), "", 400, "invalid_operation", ""},
		{"a check of a cancelled request", "PUT", dcvOf(gone, "/check"), "", 400, "invalid_operation", ""},
		{"a method for a cancelled request", "PUT", dcvOf(gone, "/method"), `{"dcv_method":"DnsCnameToken"}`, 400, "invalid_operation", ""},
		{"cancelling twice", "PUT", certOf(gone, "/cancel?apply=true"), "", 409, "invalid_operation", ""},
		{"showing what cancelling twice would do", "PUT", certOf(gone, "/cancel?apply=false"), "", 409, "invalid_operation", ""},
		{"cancel with a word that is neither", "PUT", certOf(dv, "/cancel?apply=1"), "", 400, "invalid_input", "/apply"},
		{"patching a cancelled request", "PATCH", certOf(gone, ""), `{"description":"x"}`, 400, "invalid_operation", ""},
		{"deleting what was never issued", "DELETE", certOf(dv, ""), "", 400, "invalid_operation", ""},
		{"renewing what was never issued", "PUT", certOf(dv, "/renew"), "", 400, "invalid_operation", ""},
		{"submitting a cancelled request again", "PUT", certOf(gone, "/retrigger"), "", 400, "invalid_operation", ""},
		{"another organization before issuance", "PUT", certOf(ov, "/organization"), organization, 400, "invalid_operation", ""},
		{"an organization for DV", "PUT", certOf(dv, "/organization"), organization, 400, "invalid_input", "/organization"},
		{"another account's request: token", "PUT", dcvOf(foreign, "/token"), "", 404, "not_found", ""},
		{"another account's request: details", "GET", dcvOf(foreign, ""), "", 404, "not_found", ""},
		{"another account's request: check", "PUT", dcvOf(foreign, "/check"), "", 404, "not_found", ""},
		{"another account's request: method", "PUT", dcvOf(foreign, "/method"), `{"dcv_method":"DnsCnameToken"}`, 404, "not_found", ""},
		{"another account's request: resend", "POST", dcvOf(foreign, "/emails/resend"), "", 404, "not_found", ""},
		{"another account's request: get", "GET", certOf(foreign, ""), "", 404, "not_found", ""},
		{"another account's request: status", "GET", certOf(foreign, "/status"), "", 404, "not_found", ""},
		{"another account's request: patch", "PATCH", certOf(foreign, ""), `{"description":"x"}`, 404, "not_found", ""},
		{"another account's request: cancel", "PUT", certOf(foreign, "/cancel?apply=true"), "", 404, "not_found", ""},
		{"another account's request: delete", "DELETE", certOf(foreign, ""), "", 404, "not_found", ""},
		{"another account's request: notifications", "GET", certOf(foreign, "/notifications"), "", 404, "not_found", ""},
		{"another account's request: set notifications", "PATCH", certOf(foreign, "/notifications"), `[]`, 404, "not_found", ""},
		{"another account's request: renew", "PUT", certOf(foreign, "/renew"), "", 404, "not_found", ""},
		{"another account's request: retrigger", "PUT", certOf(foreign, "/retrigger"), "", 404, "not_found", ""},
		{"another account's request: organization", "PUT", certOf(foreign, "/organization"), organization, 404, "not_found", ""},
		{"an unknown request", "PUT", dcvOf(4711, "/token"), "", 404, "not_found", ""},
		{"a request id that is no number", "PUT", "/dcv/certificates/abc/token", "", 400, "invalid_input", ""},
		{"a request id beyond 64 bits", "GET", "/certificates/99999999999999999999", "", 400, "invalid_input", ""},
		{"a method in another spelling", "PUT", dcvOf(dv, "/method"), `{"dcv_method":"dnsTxtToken"}`, 400, "invalid_input", "/dcv_method"},
		{"a method of the other dialect", "PUT", dcvOf(dv, "/method"), `{"dcv_method":"http-token"}`, 400, "invalid_input", "/dcv_method"},
		{"no method", "PUT", dcvOf(dv, "/method"), `{}`, 400, "invalid_input", "/dcv_method"},
		{"a number for a method", "PUT", dcvOf(dv, "/method"), `{"dcv_method":1}`, 400, "invalid_input", ""},
		{"no body where one is needed", "PUT", dcvOf(dv, "/method"), ``, 400, "invalid_input", ""},
		{"a body that is no JSON", "POST", "/certificates/cdnprovided", `{"certificate_label":`, 400, "invalid_input", ""},
		{"two bodies", "POST", "/certificates/cdnprovided", create() + create(), 400, "invalid_input", ""},
		{"a list for an object", "POST", "/certificates/cdnprovided", `[]`, 400, "invalid_input", ""},
		{"a body nested without end", "POST", "/certificates/cdnprovided", strings.Repeat("[", 100_000), 400, "invalid_input", ""},
		{"a body above 1 MiB", "POST", "/certificates/cdnprovided", `{"description":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "payload_too_large", ""},
		{"a label that is taken", "POST", "/certificates/cdnprovided", create(`"fresh"`, `"ov"`), 400, "invalid_input", "/certificate_label"},
		{"a label taken by a cancelled request", "POST", "/certificates/cdnprovided", create(`"fresh"`, `"gone"`), 400, "invalid_input", "/certificate_label"},
		{"no label", "POST", "/certificates/cdnprovided", create(`"fresh"`, `""`), 400, "invalid_input", "/certificate_label"},
		{"a label with other signs", "POST", "/certificates/cdnprovided", create(`"fresh"`, `"a/b"`), 400, "invalid_input", "/certificate_label"},
		{"an authority that is none", "POST", "/certificates/cdnprovided", create(`"DigiCert"`, `"Nobody"`), 400, "invalid_input", "/certificate_authority"},
		{"a validation type that cannot be asked for", "POST", "/certificates/cdnprovided", create(`"OV"`, `"None"`), 400, "invalid_input", "/validation_type"},
		{"no domains", "POST", "/certificates/cdnprovided", create(`[{"name":"fresh.example.com"}]`, `[]`), 400, "invalid_input", "/domains"},
		{"null for domains", "POST", "/certificates/cdnprovided", create(`[{"name":"fresh.example.com"}]`, `null`), 400, "invalid_input", "/domains"},
		{"more domains than a request may have", "POST", "/certificates/cdnprovided", create(`[{"name"`, `[`+strings.Repeat(`{"name":"x.example.com"},`, 100)+`{"name"`), 400, "invalid_input", "/domains"},
		{"a domain named twice", "POST", "/certificates/cdnprovided", create(`[{`, `[{"name":"FRESH.example.com."},{`), 400, "invalid_input", "/domains/1/name"},
		{"two common names", "POST", "/certificates/cdnprovided", create(`[{"name":"fresh.example.com"}]`, `[{"name":"a.example.com","is_common_name":true},{"name":"b.example.com","is_common_name":true}]`), 400, "invalid_input", "/domains/1/is_common_name"},
		{"a public suffix", "POST", "/certificates/cdnprovided", create(`fresh.example.com`, `co.uk`), 400, "invalid_input", "/domains/0/name"},
		{"an address", "POST", "/certificates/cdnprovided", create(`fresh.example.com`, `192.0.2.1`), 400, "invalid_input", "/domains/0/name"},
		{"a number for a domain", "POST", "/certificates/cdnprovided", create(`"fresh.example.com"`, `1`), 400, "invalid_input", ""},
		{"OV without an organization", "POST", "/certificates/cdnprovided", create(organization, `null`), 400, "invalid_input", "/organization"},
		{"an organization without its city", "POST", "/certificates/cdnprovided", create(`"city":"Berlin",`, ``, `Hosting GmbH`, `New`), 400, "invalid_input", "/organization/city"},
		{"an organization of the US without its state", "POST", "/certificates/cdnprovided", create(`"DE"`, `"US"`, `Hosting GmbH`, `New`), 400, "invalid_input", "/organization/state"},
		{"a country that is none", "POST", "/certificates/cdnprovided", create(`"DE"`, `"XX"`, `Hosting GmbH`, `New`), 400, "invalid_input", "/organization/country"},
		{"a contact's address that is none", "POST", "/certificates/cdnprovided", create(`erika@example.de`, `erika`, `Hosting GmbH`, `New`), 400, "invalid_input", "/organization/contact_email"},
		{"a contact type that is none", "POST", "/certificates/cdnprovided", create(`"EvApprover"`, `"Boss"`, `Hosting GmbH`, `New`), 400, "invalid_input", "/organization/additional_contacts/0/contact_type"},
		{"another account's organization", "POST", "/certificates/cdnprovided", create(`{"company_name"`, `{"id":3,"company_name"`), 400, "invalid_input", "/organization/id"},
		{"other domains than the request has", "PATCH", certOf(dv, ""), `{"domains":[{"name":"other.example.com"}]}`, 400, "invalid_operation", "/domains"},
		{"a patch to a label that is taken changes nothing else", "PATCH", certOf(dv, ""), `{"description":"x","dcv_method":"DnsCnameToken","certificate_label":"ov"}`, 400, "invalid_input", "/certificate_label"},
		{"text for a boolean", "PATCH", certOf(dv, ""), `{"auto_renew":"yes"}`, 400, "invalid_input", ""},
		{"a notification that is none", "PATCH", certOf(dv, "/notifications"), `[{"notification_type":"Birthday","enabled":true,"emails":["a@example.com"]}]`, 400, "invalid_input", "/0/notification_type"},
		{"enabled without an address", "PATCH", certOf(dv, "/notifications"), `[{"notification_type":"CertificateRenewal","enabled":true,"emails":null}]`, 400, "invalid_input", "/0/emails"},
		{"an address that is none", "PATCH", "/customers/notifications", `[{"notification_type":"CertificateRenewal","enabled":true,"emails":["x"]}]`, 400, "invalid_input", "/0/emails"},
		{"an object for the bare array", "PATCH", "/customers/notifications", `{"items":[]}`, 400, "invalid_input", ""},
		{"the page nought", "GET", "/certificates?page=0", "", 400, "invalid_input", "/page"},
		{"a page that is no number", "GET", "/certificates?page=x", "", 400, "invalid_input", "/page"},
		{"a search without a field", "GET", "/certificates?query=shop", "", 400, "invalid_input", "/query"},
		{"a search of a field that is none", "GET", "/certificates?query=secret:x", "", 400, "invalid_input", "/query"},
		{"a search of nothing but wildcards", "GET", "/certificates?query=id:" + strings.Repeat("*", 50), "", 400, "invalid_input", "/query"},
		{"an order that is none", "GET", "/certificates?sort=created", "", 400, "invalid_input", "/sort"},
		{"an appendix that is none", "GET", "/appendix/colours", "", 404, "not_found", ""},
		{"tasks are of the network that Deed is not", "GET", "/tasks", "", 404, "not_found", ""},
		{"a task", "DELETE", "/tasks/1", "", 404, "not_found", ""},
		{"another account's organization by its id", "GET", "/organizations/3", "", 404, "not_found", ""},
		{"the wrong verb", "POST", dcvOf(dv, "/token"), "", 405, "method_not_allowed", ""},
		{"no such address", "GET", "/nothing", "", 404, "not_found", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := w.send(row.method, w.url+row.path, w.token, row.body)
			r.t = t
			r.refused(row.status, row.code)
			if row.source != "" && r.text("details", 0, "source") != row.source {
				t.Errorf("source %v, want %s: %s", r.value("details", 0, "source"), row.source, r.body)
			}
			if now := w.state(); now != before {
				t.Errorf("the database changed")
				before = now
			}
		})
	}
	if w.logs.Len() > 0 {
		t.Errorf("refusals were logged as our failures: %s", &w.logs)
	}
}

// newTenant makes another account and gives an access token of its.
func newTenant(t *testing.T, w *world) string {
	t.Helper()
	acc, _, _ := w.tenant("A third")
	id, secret, err := w.authority.CreateClient(t.Context(), acc)
	must(t, err)
	return w.grant(id, secret)
}

func TestOnlyAValidTokenWithTheScopeGetsIn(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask("shop", "DV", "DnsTxtToken", "example.com")
	parts := strings.Split(w.token, ".")
	for _, row := range []struct{ name, header string }{
		{"no header", ""},
		{"an empty token", "Bearer "},
		{"the legacy token of another product", "TOK:abc"},
		{"Basic", "Basic YTpi"},
		{"no token at all", "Bearer x"},
		{"a token cut short", "Bearer " + w.token[:len(w.token)-2]},
		{"a token whose signature is left out", "Bearer " + parts[0] + "." + parts[1] + "."},
		{"a token that says it needs no signature", "Bearer eyJhbGciOiJub25lIn0." + parts[1] + "."},
		{"a token without end", "Bearer " + strings.Repeat("x", 10_000)},
		{"the client's secret", "Bearer " + w.secret},
		{"an API key", "Bearer " + w.key},
	} {
		for _, path := range []string{"/certificates", dcvOf(id, "/token"), "/nothing", "/appendix/dcv-types"} {
			r := w.request("PUT", w.url+path, "", "Authorization", row.header)
			if path != dcvOf(id, "/token") {
				r = w.request("GET", w.url+path, "", "Authorization", row.header)
			}
			r.what = row.name + ": " + r.what
			r.refused(http.StatusUnauthorized, "unauthorized")
		}
		if a := w.request("GET", w.origin+"/v1/attempts/x", "", "Authorization", row.header); a.status != 401 {
			t.Errorf("%s: /v1 answers %d", row.name, a.status)
		}
	}
	// Either way of writing the scheme.
	if r := w.request("GET", w.url+"/certificates", "", "Authorization", "bearer "+w.token); r.status != 200 {
		t.Errorf("bearer: %d", r.status)
	}
	// Used to its last second and a little beyond, not longer.
	w.advance(329e9)
	w.call(200, "GET", "/certificates", "")
	w.advance(2e9)
	w.send("GET", w.url+"/certificates", w.token, "").refused(401, "unauthorized")
	w.token = w.grant(w.id, w.secret)
	w.call(200, "GET", "/certificates", "")
	// Revoked: at once, and no new one.
	must(t, w.authority.RevokeClient(t.Context(), w.id))
	w.send("GET", w.url+"/certificates", w.token, "").refused(401, "unauthorized")
	if r := w.form("grant_type=client_credentials&scope=sec.cps.certificates&client_id=" + w.id + "&client_secret=" + w.secret); r.status != 400 || r.text("error") != "invalid_client" {
		t.Errorf("revoked: %d %s", r.status, r.body)
	}
}
