package console

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"deed/mail"
)

// A scanner opens every link of a message, with any method but the one of the
// form, and follows what it finds (rule E8).
func TestIncidentAMailScannerThatApproves(t *testing.T) {
	tr, err := mail.LoadTranslations()
	if err != nil {
		t.Fatal(err)
	}
	o := &open{name: "shop.example.org"}
	mux := http.NewServeMux()
	Approve(mux, o, tr, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, r := range []struct{ method, path, header string }{
		{"GET", "/approve/x", ""}, {"GET", "/approve/x", "Purpose: prefetch"}, {"HEAD", "/approve/x", ""}, {"OPTIONS", "/approve/x", ""},
		{"GET", "/approve/x?code=0123456789abcdefghijklmnopqrstuv", ""}, {"GET", "/approve/x?approve=1&confirm=yes", ""},
		{"PUT", "/approve/x", ""}, {"DELETE", "/approve/x", ""}, {"POST", "/approve/x", "Sec-Fetch-Site: cross-site"}, {"POST", "/approve/x", "Origin: https://scanner.example"},
	} {
		req, err := http.NewRequest(r.method, srv.URL+r.path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		if k, v, ok := strings.Cut(r.header, ": "); ok {
			req.Header.Set(k, v)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if o.approved != 0 {
			t.Fatalf("%s %s %s approves", r.method, r.path, r.header)
		}
	}
}
