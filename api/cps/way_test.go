package cps_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// organization is complete for OV and EV.
const organization = `{"company_name":"Example Hosting GmbH","company_address":"Hauptstr. 1","city":"Berlin","country":"DE","contact_first_name":"Erika","contact_last_name":"Muster",
	"contact_email":"erika@example.de","contact_phone":"+49 30 1","additional_contacts":[{"contact_type":"EvApprover","first_name":"Max","last_name":"Muster","email":"max@example.de"}]}`

// ask makes a request and gives its path below /certificates and its domains' ids.
func (w *world) ask(label, typ, method string, names ...string) (id int64, domains []int64) {
	w.t.Helper()
	r := w.call(201, "POST", "/certificates/cdnprovided", wanted(label, typ, method, names...))
	for i := range names {
		domains = append(domains, r.number("domains", i, "id"))
	}
	return r.number("id"), domains
}

func wanted(label, typ, method string, names ...string) string {
	var list []map[string]any
	for _, n := range names {
		list = append(list, map[string]any{"name": n})
	}
	domains, _ := json.Marshal(list)
	org := "null"
	if typ != "DV" {
		org = organization
	}
	return fmt.Sprintf(`{"certificate_label":%q,"certificate_authority":"DigiCert","validation_type":%q,"dcv_method":%q,"domains":%s,"organization":%s}`, label, typ, method, domains, org)
}

func dcvOf(id int64, rest string) string   { return fmt.Sprintf("/dcv/certificates/%d%s", id, rest) }
func certOf(id int64, rest string) string  { return fmt.Sprintf("/certificates/%d%s", id, rest) }
func (w *world) status(id int64) (r reply) { return w.call(200, "GET", certOf(id, "/status"), "") }

var tokenForm = regexp.MustCompile(`^[0-9a-z]{32}$`)

// The vendor's documented answer, key by key in its order, byte by byte but for the id and
// the token.
func TestTokenOfADVRequestIsTheDocumentedAnswer(t *testing.T) {
	w := newWorld(t)
	id, domains := w.ask("shop", "DV", "DnsTxtToken", "example.com", "www.example.com")
	for _, query := range []string{"", "?domain_ids=", fmt.Sprintf("?domain_ids=%d", domains[0]), fmt.Sprintf("?domain_ids=%d,%d", domains[0], domains[1]), fmt.Sprintf("?domain_ids=%d%%2C%d", domains[0], domains[1])} {
		before := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
		r := w.call(200, "PUT", dcvOf(id, "/token"+query), "")
		token := r.text("items", 0, "dcv_token", "token")
		want := fmt.Sprintf(`{"@id":"/v2.0/dcv/certificates/%d/token","@type":"Collection","items":[{"dcv_token":{"token":"%s"},"domain_id":null,"dcv_method":"DnsTxtToken"}]}`, id, token)
		if r.body != want {
			t.Errorf("%s\n got %s\nwant %s", query, r.body, want)
		}
		if !tokenForm.MatchString(token) || token == before {
			t.Errorf("token %q after %q", token, before)
		}
		if r.header.Get("Cache-Control") != "private" || r.header.Get("Date") == "" {
			t.Errorf("headers %v", r.header)
		}
		// The value before ended at once.
		if now := w.call(200, "GET", dcvOf(id, ""), ""); now.text("items", 0, "dcv_token", "token") != token || len(now.value("items").([]any)) != 1 || now.value("items", 0, "domain_id") != nil {
			t.Errorf("details %s", now.body)
		}
	}
}

func TestTokensOfAnOVRequestAreOfItsDomains(t *testing.T) {
	w := newWorld(t)
	id, d := w.ask("shop", "OV", "DnsCnameToken", "example.com", "*.example.com", "example.net")
	details := func() (list []string) {
		r := w.call(200, "GET", dcvOf(id, ""), "")
		for i := range d {
			if r.number("items", i, "domain_id") != d[i] {
				t.Errorf("item %d: %s", i, r.body)
			}
			list = append(list, r.text("items", i, "dcv_token", "token"))
		}
		return list
	}
	before := details()
	for i, a := range before {
		if !strings.HasPrefix(a, "_") || len(a) != 32 {
			t.Errorf("token %q", a)
		}
		for _, b := range before[:i] {
			if a == b {
				t.Error("two domains share a token")
			}
		}
	}
	r := w.call(200, "PUT", dcvOf(id, fmt.Sprintf("/token?domain_ids=%d", d[1])), "")
	if len(r.value("items").([]any)) != 1 || r.number("items", 0, "domain_id") != d[1] || r.text("items", 0, "dcv_method") != "DnsCnameToken" {
		t.Errorf("a subset: %s", r.body)
	}
	r.is("{@id:s,@type:s,items:[{dcv_method:s,dcv_token:{token:s},domain_id:n}]}")
	after := details()
	if after[0] != before[0] || after[2] != before[2] || after[1] == before[1] || after[1] != r.text("items", 0, "dcv_token", "token") {
		t.Errorf("before %v after %v", before, after)
	}
	if all := w.call(200, "PUT", dcvOf(id, "/token"), ""); len(all.value("items").([]any)) != 3 {
		t.Errorf("all: %s", all.body)
	}
}

// A request is created, waits for its domains, and waits for an issuer once
// they are proven; nothing says that a certificate is there.
func TestFromRequestToProven(t *testing.T) {
	for _, typ := range []string{"DV", "OV", "EV"} {
		t.Run(typ, func(t *testing.T) {
			w := newWorld(t)
			id, d := w.ask("shop", typ, "DnsTxtToken", "shop.example.com", "example.net")
			s := w.status(id)
			if s.text("status") != "DomainControlValidation" || s.number("step") != 3 || s.value("requires_attention") != true || s.text("order_validation", "status") != "Pending" {
				t.Errorf("at first: %s", s.body)
			}
			s.is("{@id:s,@type:s,error_message:null,id:n,order_validation:{domain_validations:[{domain_id:n,domain_names:[s],status:s}],organization_validation:{status:s,validation_type:s},status:s},requires_attention:b,status:s,step:n}")

			// Too early: 204, and the attempts say why.
			no := w.call(204, "PUT", dcvOf(id, "/check"), "")
			links := no.header.Values("Link")
			if len(links) != 2 {
				t.Fatalf("links %v", links)
			}
			for _, l := range links {
				path := strings.TrimSuffix(strings.TrimPrefix(l, "<"), `>; rel="describedby"`)
				a := w.send("GET", w.origin+path, w.token, "")
				if a.status != 200 || a.text("outcome") != "not_proven" || a.text("problem", "code") == "" {
					t.Errorf("attempt %d %s", a.status, a.body)
				}
				if c := w.send("GET", w.origin+path+"/capsule", w.token, ""); c.status != 200 || len(c.body) == 0 {
					t.Errorf("capsule %d", c.status)
				}
			}

			r := w.call(200, "GET", dcvOf(id, ""), "")
			one := r.text("items", 0, "dcv_token", "token")
			two := one
			if typ != "DV" {
				two = r.text("items", 1, "dcv_token", "token")
			}
			w.dns("_dnsauth.shop.example.com", "TXT", one)
			w.call(204, "PUT", dcvOf(id, fmt.Sprintf("/check?domain_ids=%d", d[0])), "")
			s = w.status(id)
			if s.text("order_validation", "domain_validations", 0, "status") != "Approved" || s.text("order_validation", "domain_validations", 1, "status") != "Pending" || s.text("status") != "DomainControlValidation" {
				t.Errorf("one of two: %s", s.body)
			}
			w.dns("example.net", "TXT", two)
			w.call(204, "PUT", dcvOf(id, "/check"), "")
			s = w.status(id)
			if s.text("order_validation", "domain_validations", 1, "status") != "Approved" || s.text("status") != "OtherValidation" || s.number("step") != 4 ||
				s.value("requires_attention") != false || s.text("order_validation", "status") != "Pending" {
				t.Errorf("both: %s", s.body)
			}
			want := map[string]string{"DV": "NA", "OV": "Pending", "EV": "Pending"}[typ]
			if s.text("order_validation", "organization_validation", "status") != want || s.text("order_validation", "organization_validation", "validation_type") != typ {
				t.Errorf("organization: %s", s.body)
			}
			c := w.call(200, "GET", certOf(id, ""), "")
			if c.text("expiration_date") != "0001-01-01T00:00:00Z" || c.value("thumbprint") != nil || c.text("domains", 0, "status") != "AwaitingCertificateAuthority" {
				t.Errorf("nothing is issued: %s", c.body)
			}
			w.send("PUT", w.url+dcvOf(id, "/check"), w.token, "").refused(400, "invalid_operation")
			w.send("PUT", w.url+dcvOf(id, "/token"), w.token, "").refused(400, "invalid_operation")
		})
	}
}

// A pending request is looked at by itself, by the schedule of its domains.
func TestRequestsAreCheckedByThemselves(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask("shop", "DV", "DnsCnameToken", "shop.example.com")
	token := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
	w.dns(token+".shop.example.com", "CNAME", target)
	w.advance(2 * 60e9)
	w.mails()
	if s := w.status(id); s.text("status") != "OtherValidation" {
		t.Errorf("%s", s.body)
	}
}
