package cps_test

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"deed/api"
	"deed/api/cps"
	"deed/authority"
	"deed/check"
	"deed/fetch"
	"deed/resolve"
	"deed/store"
	"deed/store/sqlite"
)

func TestTokenEndpointAnswersAsRFC6749Says(t *testing.T) {
	w := newWorld(t)
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {w.id}, "client_secret": {w.secret}, "scope": {authority.ClientScope}}
	with := func(pairs ...string) string {
		v := url.Values{}
		for k, x := range good {
			v[k] = x
		}
		for i := 0; i < len(pairs); i += 2 {
			v.Del(pairs[i])
			if pairs[i+1] != "" {
				v.Set(pairs[i], pairs[i+1])
			}
		}
		return v.Encode()
	}
	r := w.form(good.Encode())
	if r.status != 200 || r.number("expires_in") != 300 || r.text("token_type") != "Bearer" || r.text("scope") != authority.ClientScope ||
		r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	r.is("{access_token:s,expires_in:n,scope:s,token_type:s}")

	const form = "application/x-www-form-urlencoded"
	for _, row := range []struct {
		name, method, kind, body string
		status                   int
		code                     string
	}{
		{"several scopes in one string: what the client has is granted", "POST", form, with("scope", "ec.rules sec.cps.certificates openid"), 200, ""},
		{"the media type with a parameter", "POST", form + "; charset=utf-8", good.Encode(), 200, ""},
		{"a wrong secret", "POST", form, with("client_secret", w.secret+"x"), 400, "invalid_client"},
		{"no secret", "POST", form, with("client_secret", ""), 400, "invalid_client"},
		{"an unknown client", "POST", form, with("client_id", "client-nobody"), 400, "invalid_client"},
		{"no client", "POST", form, with("client_id", ""), 400, "invalid_client"},
		{"a secret without end", "POST", form, with("client_secret", strings.Repeat("x", 1000)), 400, "invalid_client"},
		{"a scope that the client has not", "POST", form, with("scope", "sec.cps"), 400, "invalid_scope"},
		{"no scope", "POST", form, with("scope", ""), 400, "invalid_scope"},
		{"another grant", "POST", form, with("grant_type", "password"), 400, "unsupported_grant_type"},
		{"no grant", "POST", form, with("grant_type", ""), 400, "invalid_request"},
		{"a field given twice", "POST", form, good.Encode() + "&client_id=x", 400, "invalid_request"},
		{"JSON", "POST", "application/json", `{"grant_type":"client_credentials"}`, 400, "invalid_request"},
		{"no form", "POST", form, "%zz", 400, "invalid_request"},
		{"no body", "POST", form, "", 400, "invalid_request"},
		{"a body above 64 KiB", "POST", form, good.Encode() + "&x=" + strings.Repeat("x", 64<<10), 400, "invalid_request"},
		{"GET", "GET", form, "", 405, "invalid_request"},
	} {
		r := w.request(row.method, w.origin+cps.TokenPath, row.body, "Content-Type", row.kind)
		if r.status != row.status || r.text("error") != row.code || r.header.Get("Cache-Control") != "no-store" || (row.code != "" && r.text("error_description") == "") {
			t.Errorf("%s: %d %s, want %d %s", row.name, r.status, r.body, row.status, row.code)
		}
	}
	// In the header too (RFC 6749 section 2.3.1), but not in both places.
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(w.id+":"+w.secret))
	if r := w.request("POST", w.origin+cps.TokenPath, "grant_type=client_credentials&scope=sec.cps.certificates", "Content-Type", form, "Authorization", basic); r.status != 200 {
		t.Errorf("in the header: %d %s", r.status, r.body)
	}
	if r := w.request("POST", w.origin+cps.TokenPath, good.Encode(), "Content-Type", form, "Authorization", basic); r.status != 400 || r.text("error") != "invalid_request" {
		t.Errorf("in both: %d %s", r.status, r.body)
	}
}

// A token of ours that lacks the scope is 403, not 401.
func TestATokenWithoutTheScopeIsForbidden(t *testing.T) {
	w := newWorld(t)
	token, err := w.authority.GrantToken(t.Context(), &store.Client{ID: w.id, Scope: "something.else"}, []string{"something.else"})
	must(t, err)
	w.send("GET", w.url+"/certificates", token.Text, "").refused(403, "forbidden")
	if a := w.request("GET", w.origin+"/v1/attempts/x", "", "Authorization", "Bearer "+token.Text); a.status == 200 || a.status == 404 {
		t.Errorf("/v1 takes it: %d", a.status)
	}
}

// A client has a key's limits: its tokens share them, and its neighbours' do not.
func TestLimitsArePerClient(t *testing.T) {
	w := newWorld(t, api.Window{Requests: 3, Per: 5 * time.Second}) // one is the first token's
	w.call(200, "GET", "/certificates", "")
	w.call(200, "GET", "/certificates", "")
	r := w.send("GET", w.url+"/certificates", w.token, "")
	r.refused(429, "rate_limit_reached")
	if r.header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
	if r := w.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {w.id}, "client_secret": {w.secret}, "scope": {authority.ClientScope}}.Encode()); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("a token: %d %s", r.status, r.body)
	}
	other := newTenant(t, w)
	if r := w.send("GET", w.url+"/certificates", other, ""); r.status != 200 {
		t.Errorf("another client: %d", r.status)
	}
	w.advance(5 * time.Second)
	w.call(200, "GET", "/certificates", "")
}

// Secrets and tokens are in no file and in no log; a token outlives a restart,
// since its key is kept.
func TestSecretsAreKeptHashedAndTheKeyIsKept(t *testing.T) {
	w := newWorld(t)
	w.ask("shop", "DV", "DnsTxtToken", "example.com")
	w.send("GET", w.url+"/certificates", w.secret, "")
	for _, name := range []string{w.db, w.db + "-wal"} {
		b, err := os.ReadFile(name)
		must(t, err)
		for _, secret := range []string{w.secret, w.token} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds a secret in the clear", name)
			}
		}
	}
	if strings.Contains(w.logs.String(), w.secret) || strings.Contains(w.logs.String(), w.token) {
		t.Error("a secret was logged")
	}
	again := newAuthority(t, w, "127.0.0.1:9")
	if _, err := again.AuthenticateToken(t.Context(), w.token, authority.ClientScope); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	// Another database has another key.
	if _, err := newWorld(t).authority.AuthenticateToken(t.Context(), w.token, authority.ClientScope); err == nil {
		t.Error("another server takes the token")
	}
}

// newAuthority is a second server on the same database, with a resolver of its
// own and no patience.
func newAuthority(t *testing.T, w *world, resolver string) *authority.Authority {
	t.Helper()
	db, err := sqlite.Open(t.Context(), w.db, sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	engine := check.New(check.Options{
		DNS: resolve.NewLive(resolve.LiveOptions{}), HTTP: fetch.NewLive(fetch.LiveOptions{}), Servers: []netip.AddrPort{netip.MustParseAddrPort(resolver)},
		DNSSEC: "off", Now: w.now, QueryTimeout: 10 * time.Second,
	})
	a, err := authority.New(authority.Options{Store: db, Names: w.names, Engine: engine, Now: w.now, Patience: time.Millisecond})
	must(t, err)
	return a
}
