package cps_test

import (
	"fmt"
	"testing"

	"deed/api/certcentral"
)

// certcentral sends a request of the other dialect, by the account's API key.
func (w *world) certcentral(want int, method, path, body string) reply {
	w.t.Helper()
	r := w.request(method, w.origin+certcentral.Prefix+path, body, "X-DC-DEVKEY", w.key, "Content-Type", "application/json")
	if r.status != want {
		w.t.Fatalf("%s: %d %s, want %d", r.what, r.status, r.body, want)
	}
	return r
}

// provenInCertCentral adds a domain there and proves it.
func (w *world) provenInCertCentral(name, method string) int64 {
	w.t.Helper()
	added := w.certcentral(201, "POST", "/domain", fmt.Sprintf(`{"name":%q,"organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":%q}`, name, w.org, method))
	token := added.text("dcv_token", "token")
	switch method {
	case "http-token":
		w.request("PUT", w.box+"/web", fmt.Sprintf(`{"host":%q,"path":"/.well-known/pki-validation/fileauth.txt","body":%q}`, name, token))
	case "dns-txt-token":
		w.dns("_dnsauth."+name, "TXT", token)
	}
	w.certcentral(200, "PUT", fmt.Sprintf("/domain/%d/dcv/validate-token", added.number("id")), "")
	return added.number("id")
}

// A domain proven through one dialect is proven in the other, and it is the
// same domain: it has the same id in both.
func TestProvenInEitherDialectIsProvenInBoth(t *testing.T) {
	for _, typ := range []string{"DV", "OV", "EV"} {
		t.Run("CertCentral, then CPS "+typ, func(t *testing.T) {
			w := newWorld(t)
			domain := w.provenInCertCentral("example.com", "dns-txt-token")
			id, d := w.ask("shop", typ, "DnsCnameToken", "example.com", "www.example.com", "*.example.com")
			if d[0] != domain {
				t.Errorf("domain %d in CertCentral is %d in CPS", domain, d[0])
			}
			s := w.status(id)
			for i := range d {
				if s.text("order_validation", "domain_validations", i, "status") != "Approved" {
					t.Errorf("domain %d: %s", i, s.body)
				}
			}
			if s.text("status") != "OtherValidation" {
				t.Errorf("status: %s", s.body)
			}
			// What is proven there stays as it was, its method too.
			info := w.certcentral(200, "GET", fmt.Sprintf("/domain/%d", domain), "")
			if info.text("dcv_method") != "dns-txt-token" || info.text("status") != "approved" {
				t.Errorf("the domain: %s", info.body)
			}
		})
		t.Run("CPS "+typ+", then CertCentral", func(t *testing.T) {
			w := newWorld(t)
			id, d := w.ask("shop", typ, "DnsTxtToken", "example.com")
			w.dns("example.com", "TXT", w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token"))
			w.call(204, "PUT", dcvOf(id, "/check"), "")
			info := w.certcentral(200, "GET", fmt.Sprintf("/domain/%d?include_dcv=true&include_validation=true", d[0]), "")
			if info.text("name") != "example.com" || info.text("status") != "approved" || info.text("validations", 0, "dcv_status") != "complete" || info.text("dcv_method") != "dns-txt-token" {
				t.Errorf("the domain: %s", info.body)
			}
			order := w.certcentral(201, "POST", "/order/certificate/ssl_plus", fmt.Sprintf(`{"certificate":{"common_name":"www.example.com"},"organization":{"id":%d},"dcv_method":"dns-cname-token"}`, w.org))
			got := w.certcentral(200, "GET", fmt.Sprintf("/order/certificate/%d", order.number("id")), "")
			if got.text("dcv_status") != "valid" {
				t.Errorf("an order for a name below: %s", got.body)
			}
		})
	}
}

// What a proof covers is never widened by the other dialect: a file on a web
// site speaks for its own host alone (BR 3.2.2.4.18), and nothing speaks for a
// name above or beside it.
func TestAProofCoversInCPSOnlyWhatItCovers(t *testing.T) {
	w := newWorld(t)
	w.provenInCertCentral("example.com", "http-token")
	w.provenInCertCentral("shop.example.net", "dns-txt-token")
	id, _ := w.ask("shop", "OV", "DnsTxtToken", "example.com", "www.example.com", "*.example.com", "shop.example.net", "a.shop.example.net", "example.net", "shops.example.net")
	s := w.status(id)
	for i, want := range []string{"Approved", "Pending", "Pending", "Approved", "Approved", "Pending", "Pending"} {
		if got := s.text("order_validation", "domain_validations", i, "status"); got != want {
			t.Errorf("%v is %s, want %s", s.value("order_validation", "domain_validations", i, "domain_names"), got, want)
		}
	}
	if s.text("status") != "DomainControlValidation" {
		t.Errorf("%s", s.body)
	}
	// Nor does another account's proof.
	w.token = newTenant(t, w)
	other, _ := w.ask("shop", "DV", "DnsTxtToken", "shop.example.net")
	if s := w.status(other); s.text("order_validation", "domain_validations", 0, "status") != "Pending" {
		t.Errorf("another account: %s", s.body)
	}
}

// A domain that waits in CertCentral by one method and is named by a DV request
// with another keeps its value there; the request's own value proves it too,
// also on the schedule.
func TestADVRequestLeavesAWaitingDomainItsMethod(t *testing.T) {
	for _, method := range []string{"dns-cname-token", "http-token", "email"} {
		t.Run(method, func(t *testing.T) { leavesMethod(t, method) })
	}
}

// leavesMethod is one method's turn.
func leavesMethod(t *testing.T, method string) {
	w := newWorld(t)
	added := w.certcentral(201, "POST", "/domain", fmt.Sprintf(`{"name":"example.com","organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":%q}`, w.org, method))
	id, d := w.ask("shop", "DV", "DnsTxtToken", "example.com")
	info := w.certcentral(200, "GET", fmt.Sprintf("/domain/%d?include_dcv=true", d[0]), "")
	if info.text("dcv_method") != method || info.text("dcv_token", "token") != added.text("dcv_token", "token") {
		t.Errorf("the domain: %s", info.body)
	}
	w.dns("_dnsauth.example.com", "TXT", w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token"))
	w.advance(2 * 60e9)
	w.mails()
	if s := w.status(id); s.text("status") != "OtherValidation" {
		t.Errorf("the schedule did not look by the request's method: %s", s.body)
	}
}

// A request is an order in the other dialect too: it can be read and checked
// there, but not given what its own dialect has no words for.
func TestARequestIsAnOrderInTheOtherDialect(t *testing.T) {
	w := newWorld(t)
	dv, _ := w.ask("dv", "DV", "DnsTxtToken", "example.com")
	ov, _ := w.ask("ov", "OV", "DnsTxtToken", "example.net")
	path := func(id int64, rest string) string { return fmt.Sprintf("/order/certificate/%d%s", id, rest) }
	if r := w.certcentral(200, "PUT", path(dv, "/dcv-random-value"), ""); r.text("dcv_random_value") != w.call(200, "GET", dcvOf(dv, ""), "").text("items", 0, "dcv_token", "token") {
		t.Errorf("the order's value: %s", r.body)
	}
	before := w.state()
	w.certcentral(400, "PUT", path(ov, "/dcv-random-value"), "")
	for _, id := range []int64{dv, ov} {
		w.certcentral(400, "PUT", path(id, "/dcv-method"), `{"dcv_method":"http-token"}`)
		w.certcentral(200, "GET", path(id, ""), "")
	}
	if w.state() != before {
		t.Error("what was refused changed something")
	}
	w.dns("example.net", "TXT", w.call(200, "GET", dcvOf(ov, ""), "").text("items", 0, "dcv_token", "token"))
	w.certcentral(200, "PUT", path(ov, "/check-dcv"), "")
	if s := w.status(ov); s.text("status") != "OtherValidation" {
		t.Errorf("checked there: %s", s.body)
	}
}

// However many requests name a domain, each can be proven by its own token.
func TestEveryRequestOfADomainIsProvenByItsOwnToken(t *testing.T) {
	w := newWorld(t)
	first, _ := w.ask("first", "DV", "DnsTxtToken", "example.com")
	for i := range 40 {
		w.ask(fmt.Sprintf("later-%d", i), "DV", "DnsTxtToken", "example.com")
	}
	w.dns("example.com", "TXT", w.call(200, "GET", dcvOf(first, ""), "").text("items", 0, "dcv_token", "token"))
	w.call(204, "PUT", dcvOf(first, "/check"), "")
	if s := w.status(first); s.text("status") != "OtherValidation" {
		t.Errorf("%s", s.body)
	}
}
