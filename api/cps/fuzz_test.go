package cps_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"deed/api/cps"
)

// FuzzDomainIDs: whatever stands in the query, the token call answers 200 with
// tokens for domains of the request, or refuses in the envelope; it never
// fails, and never answers for all when something was named.
func FuzzDomainIDs(f *testing.F) {
	w := newWorld(f)
	id, d := w.ask("shop", "OV", "DnsTxtToken", "example.com", "example.net")
	for _, s := range []string{"", "1", "1,2", "1%2C2", "1,,2", ",", "%zz", "1;2", "1&domain_ids=2", "+1", " 1", "0", "-1", "99999999999999999999", "1,1,1", "x", "\x00", "1.0", "1e1", "٣"} {
		f.Add(s)
	}
	h := w.handler
	f.Fuzz(func(t *testing.T, text string) {
		req := httptest.NewRequest(http.MethodPut, cps.Prefix+"/v2.0"+dcvOf(id, "/token"), nil)
		req.URL.RawQuery = "domain_ids=" + text
		req.Header.Set("Authorization", "Bearer "+w.token)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		r := reply{t, text, rec.Code, rec.Header(), rec.Body.String()}
		if rec.Code != 200 {
			r.refused(400, "invalid_input")
			return
		}
		q, err := url.ParseQuery("domain_ids=" + text)
		if err != nil {
			t.Fatalf("%q cannot be read, and was answered %s", text, r.body)
		}
		named := strings.Join(q["domain_ids"], ",")
		for i := range r.value("items").([]any) {
			got := r.number("items", i, "domain_id")
			if got != d[0] && got != d[1] {
				t.Errorf("%q: a token for %d", text, got)
			}
			if named != "" && !strings.Contains(named, fmt.Sprint(got)) {
				t.Errorf("%q: a token for %d, which was not named", text, got)
			}
		}
	})
}

// FuzzBodies: no body makes a call fail on our side, and each refusal is in the
// envelope.
func FuzzBodies(f *testing.F) {
	w := newWorld(f)
	id, _ := w.ask("shop", "DV", "DnsTxtToken", "example.com")
	for _, s := range []string{
		wanted("a", "DV", "DnsTxtToken", "example.com"), wanted("b", "EV", "Email", "*.example.net"), `{"dcv_method":"Email"}`, `{"domains":null}`, `[{"notification_type":"CertificateRenewal"}]`,
		`[]`, `{}`, `null`, `"x"`, `1`, `[[[[`, `{"domains":[null]}`, `[null]`, `{"organization":{"additional_contacts":[null]}}`, "\xff", `{"certificate_label":"` + strings.Repeat("x", 300) + `"}`, organization,
	} {
		for call := range 6 {
			f.Add(call, s)
		}
	}
	calls := []struct{ method, path string }{
		{"POST", "/certificates/cdnprovided"}, {"PATCH", certOf(id, "")}, {"PUT", dcvOf(id, "/method")}, {"PATCH", certOf(id, "/notifications")},
		{"PATCH", "/customers/notifications"}, {"PUT", certOf(id, "/organization")},
	}
	f.Fuzz(func(t *testing.T, call int, body string) {
		c := calls[max(call, -call)&0xff%len(calls)]
		req := httptest.NewRequest(c.method, cps.Prefix+"/v2.0"+c.path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+w.token)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, req)
		r := reply{t, c.method + " " + c.path + " " + body, rec.Code, rec.Header(), rec.Body.String()}
		switch {
		case rec.Code/100 == 2:
			r.wellFormed()
		case rec.Code/100 == 4:
			r.refused(rec.Code, r.text("code"))
			if !json.Valid([]byte(r.body)) {
				t.Errorf("%s", r.body)
			}
		default:
			t.Errorf("%s: %d %s", r.what, rec.Code, r.body)
		}
	})
}

// FuzzToken: no text but a token of ours gets in.
func FuzzToken(f *testing.F) {
	w := newWorld(f)
	f.Add(w.token)
	f.Add(w.token + "x")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		// The last sign holds two bits that stand for nothing.
		if text = strings.TrimSpace(text); len(text) == len(w.token) && strings.HasPrefix(text, w.token[:len(text)-1]) {
			return
		}
		req := httptest.NewRequest(http.MethodGet, cps.Prefix+"/v2.0/certificates", nil)
		req.Header["Authorization"] = []string{"Bearer " + text}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, req)
		reply{t, text, rec.Code, rec.Header(), rec.Body.String()}.refused(401, "unauthorized")
	})
}
