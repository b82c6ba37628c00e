package check

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"deed/dcv"
)

// The key authorization of RFC 8555 section 8.3's example.
const (
	acmeToken = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
	thumb     = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	keyauth   = acmeToken + "." + thumb
	otherKey  = acmeToken + ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	acmeURL   = "https://example.com/acme/acct/ExampleAccount"
)

func acme(method dcv.Method, name string) dcv.Challenge {
	ch := challenge(method, name, []string{strings.TrimPrefix(name, "*.")}, acmeToken)
	ch.KeyAuthorization, ch.AccountURL = keyauth, acmeURL
	return ch
}

func digestOf(s string) string {
	k, ok := ParseKeyAuthorization(s)
	if !ok {
		panic(s)
	}
	return k.TXT()
}

func TestParseKeyAuthorization(t *testing.T) {
	for _, row := range []struct {
		name, text string
		ok         bool
	}{
		{"RFC 8555 section 8.3's example", keyauth, true},
		{"a token of 22 characters holds 128 bits (RFC 8555 section 8)", strings.Repeat("a", 22) + "." + thumb, true},
		{"one of 21 does not", strings.Repeat("a", 21) + "." + thumb, false},
		{"the longest token", strings.Repeat("a", 128) + "." + thumb, true},
		{"one longer", strings.Repeat("a", 129) + "." + thumb, false},
		{"padding", acmeToken + "=." + thumb, false},
		{"the other alphabet of base64", strings.Replace(acmeToken, "8", "+", 1) + "." + thumb, false},
		{"a slash, which would leave the directory", "../" + acmeToken + "." + thumb, false},
		{"no thumbprint", acmeToken + ".", false},
		{"no dot", acmeToken, false},
		{"two dots", keyauth + "." + thumb, false},
		{"a thumbprint of another length", keyauth + "A", false},
		{"a thumbprint with bits beyond the digest", acmeToken + "." + thumb[:42] + "J", false},
		{"white space", keyauth + "\n", false},
		{"nothing", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if k, ok := ParseKeyAuthorization(row.text); ok != row.ok || (ok && k.String() != row.text) {
				t.Errorf("%v %v", k, ok)
			}
		})
	}
}

func FuzzKeyAuthorization(f *testing.F) {
	f.Add(keyauth)
	f.Add("." + thumb)
	f.Fuzz(func(t *testing.T, s string) {
		k, ok := ParseKeyAuthorization(s)
		if ok && (k.String() != s || strings.ContainsAny(k.Token, "/.%?#") || len(k.TXT()) != 43) {
			t.Errorf("%q", s)
		}
	})
}

func TestACMEDNS(t *testing.T) {
	want := digestOf(keyauth)
	for _, row := range []struct {
		name    string
		records []string
		code    dcv.Code
	}{
		{"the digest", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + want + `"`}, ""},
		{"beside another: any one record may be it (RFC 8555 section 8.4)", []string{`_acme-challenge.a.example.com. 60 IN TXT "x"`, `_acme-challenge.a.example.com. 60 IN TXT "` + want + `"`}, ""},
		{"through a CNAME", []string{`_acme-challenge.a.example.com. 60 IN CNAME x.example.net.`, `x.example.net. 60 IN TXT "` + want + `"`}, ""},
		{"the digest of another account's key", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + digestOf(otherKey) + `"`}, dcv.TXTNoMatch},
		{"the key authorization itself, not its digest", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + keyauth + `"`}, dcv.TXTNoMatch},
		{"the token: what anyone may know", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + acmeToken + `"`}, dcv.TXTNoMatch},
		{"with padding", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + want + `="`}, dcv.TXTNoMatch},
		{"in another case", []string{`_acme-challenge.a.example.com. 60 IN TXT "` + strings.ToLower(want) + `"`}, dcv.TXTNoMatch},
		{"as a word of a text", []string{`_acme-challenge.a.example.com. 60 IN TXT "dcv ` + want + `"`}, dcv.TXTNoMatch},
		{"at the parent: ACME looks at exactly the name", []string{`_acme-challenge.example.com. 60 IN TXT "` + want + `"`}, dcv.TXTNotFound},
		{"at the name itself", []string{`a.example.com. 60 IN TXT "` + want + `"`}, dcv.TXTNotFound},
		{"a label without its underscore (incident)", []string{`acme-challenge.a.example.com. 60 IN TXT "` + want + `"`}, dcv.TXTNotFound},
		{"under the label of dns-account-01", []string{AccountLabel(acmeURL) + `._acme-challenge.a.example.com. 60 IN TXT "` + want + `"`}, dcv.TXTNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newWorld(t, row.records...).attempt(acme(dcv.ACMEDNS, "a.example.com"))
			expect(t, v, row.code)
			if row.code == "" && (v.Section != "3.2.2.4.7" || v.Matched != 0) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestACMEDNSProvesAWildcardAtItsBase(t *testing.T) {
	w := newWorld(t, `_acme-challenge.example.com. 60 IN TXT "`+digestOf(keyauth)+`"`)
	expect(t, w.attempt(acme(dcv.ACMEDNS, "*.example.com")), "")
}

func TestACMEDNSAccount(t *testing.T) {
	// The draft's own example.
	if got := AccountLabel(acmeURL); got != "_ujmmovf2vn55tgye" {
		t.Fatal(got)
	}
	want := digestOf(keyauth)
	at := func(owner string) []string { return []string{owner + `. 60 IN TXT "` + want + `"`} }
	for _, row := range []struct {
		name    string
		records []string
		code    dcv.Code
	}{
		{"under the account's label (BR 3.2.2.4.21)", at("_ujmmovf2vn55tgye._acme-challenge.a.example.com"), ""},
		{"under another account's", at(AccountLabel(acmeURL+"2") + "._acme-challenge.a.example.com"), dcv.TXTNotFound},
		{"where dns-01 looks", at("_acme-challenge.a.example.com"), dcv.TXTNotFound},
		{"without the underscore (incident)", at("ujmmovf2vn55tgye._acme-challenge.a.example.com"), dcv.TXTNotFound},
		{"at the parent", at("_ujmmovf2vn55tgye._acme-challenge.example.com"), dcv.TXTNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newWorld(t, row.records...).attempt(acme(dcv.ACMEDNSAccount, "a.example.com"))
			expect(t, v, row.code)
			if row.code == "" && v.Section != "3.2.2.4.21" {
				t.Errorf("%+v", v)
			}
		})
	}
	ch := acme(dcv.ACMEDNSAccount, "a.example.com")
	ch.AccountURL = ""
	expect(t, newWorld(t).attempt(ch), dcv.KeyAuthMissing)
}

func TestACMENeedsItsKeyAuthorization(t *testing.T) {
	for _, m := range []dcv.Method{dcv.ACMEDNS, dcv.ACMEHTTP, dcv.ACMETLSALPN, dcv.ACMEDNSAccount} {
		for _, row := range []struct {
			name   string
			change func(*dcv.Challenge)
			code   dcv.Code
		}{
			{"none", func(ch *dcv.Challenge) { ch.KeyAuthorization, ch.Values = "", nil }, dcv.KeyAuthMissing},
			{"a token only", func(ch *dcv.Challenge) { ch.KeyAuthorization = acmeToken }, dcv.KeyAuthMissing},
			{"one of another token than the value whose life is known", func(ch *dcv.Challenge) { ch.Values[0].Token = strings.Repeat("a", 43) }, dcv.KeyAuthMissing},
			{"one whose 30 days are over (rule T4)", func(ch *dcv.Challenge) { ch.Values[0].Expires = ch.Now.Add(-time.Microsecond) }, dcv.ValueExpired},
		} {
			t.Run(string(m)+" "+row.name, func(t *testing.T) {
				w := newWorld(t)
				ch := acme(m, "a.example.com")
				row.change(&ch)
				expect(t, w.attempt(ch), row.code)
				if len(w.questions()) != 0 {
					t.Errorf("asked %v", w.questions())
				}
			})
		}
	}
}

// file answers only at the challenge's path.
func file(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != ACMEPath+acmeToken {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}
}

func TestACMEHTTP(t *testing.T) {
	for _, row := range []struct {
		name   string
		handle http.HandlerFunc
		code   dcv.Code
	}{
		{"the key authorization", file(keyauth), ""},
		{"white space at its end (RFC 8555 section 8.3)", file(keyauth + " \t\r\n"), ""},
		{"white space before it", file("\n" + keyauth), dcv.HTTPNoMatch},
		{"a byte order mark before it", file("\xef\xbb\xbf" + keyauth), dcv.HTTPNoMatch},
		{"more than it", file(keyauth + "\n" + keyauth), dcv.HTTPNoMatch},
		{"a page that holds it", file("<p>" + keyauth + "</p>"), dcv.HTTPNoMatch},
		{"the token alone, which a page that echoes its path would give", file(acmeToken), dcv.HTTPNoMatch},
		{"another account's", file(otherKey), dcv.HTTPNoMatch},
		{"in another case", file(strings.ToLower(keyauth)), dcv.HTTPNoMatch},
		{"nothing", file(""), dcv.HTTPNoMatch},
		{"white space without end: the rest was not read", file(keyauth + strings.Repeat(" ", 17<<10)), dcv.HTTPNoMatch},
		{"a 404 page that holds it (incident)", serve(404, keyauth), dcv.HTTPNotFound},
		{"a 500 page that holds it", serve(500, keyauth), dcv.HTTPStatus},
		{"H5: 303 does not count", redirect(303, "/x"), dcv.HTTPRedirect},
		{"a redirect that hands the key authorization back", redirect(302, "/x?"+keyauth), dcv.HTTPValueInRequest},
		{"H4: a redirect to another port (incident)", redirect(302, "http://www.example.com:8081/x"), dcv.HTTPRedirect},
		{"H6: a circle", redirect(302, ACMEPath+acmeToken), dcv.HTTPTooManyHops},
		{"H12: a redirect to a private address (incident)", redirect(302, "http://private.example.com/x"), dcv.AddressForbidden},
		{"a redirect that keeps the token in the path", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/moved/") {
				_, _ = w.Write([]byte(keyauth))
				return
			}
			http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusMovedPermanently)
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := httptest.NewServer(row.handle)
			t.Cleanup(srv.Close)
			w := newWorld(t, "www.example.com. 60 IN A 127.0.0.1", "private.example.com. 60 IN A 10.0.0.1")
			ch := acme(dcv.ACMEHTTP, "www.example.com")
			ch.HTTPPort, ch.HTTPSPort = netip.MustParseAddrPort(srv.Listener.Addr().String()).Port(), closedPort(t)
			ch.AllowPrivate = []string{"127.0.0.0/8"}
			v := w.attempt(ch)
			expect(t, v, row.code)
			if row.code == "" && (v.Section != "3.2.2.4.19" || v.Scope != dcv.ScopeHost) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Nothing but http on the first hop: https is for redirects.
func TestACMEHTTPBeginsWithPlainHTTP(t *testing.T) {
	srv := httptest.NewTLSServer(file(keyauth))
	t.Cleanup(srv.Close)
	w := newWorld(t, "www.example.com. 60 IN A 127.0.0.1")
	ch := acme(dcv.ACMEHTTP, "www.example.com")
	ch.HTTPPort, ch.HTTPSPort = closedPort(t), netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()
	ch.AllowPrivate = []string{"127.0.0.0/8"}
	expect(t, w.attempt(ch), dcv.HTTPConnect)
}

func TestACMEHostMethodsNeverProveAWildcardOrAnotherName(t *testing.T) {
	for _, m := range []dcv.Method{dcv.ACMEHTTP, dcv.ACMETLSALPN} {
		w := newWorld(t)
		expect(t, w.attempt(acme(m, "*.example.com")), dcv.WildcardByWebsite)
		ch := acme(m, "www.example.com")
		ch.ADNs = []dcv.Name{dcv.MustName("example.com")}
		expect(t, w.attempt(ch), dcv.WildcardByWebsite)
		if len(w.questions()) != 0 {
			t.Errorf("asked %v", w.questions())
		}
	}
}

func TestThumbprintIsADigest(t *testing.T) {
	if b, err := base64.RawURLEncoding.DecodeString(thumb); err != nil || len(b) != 32 {
		t.Fatal(len(b), err)
	}
}
