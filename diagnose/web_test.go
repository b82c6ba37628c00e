package diagnose_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf16"

	"deed/check"
	"deed/dcv"
)

// answers is a website that gives every path the same answer.
func answers(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// only gives the path one answer, and 404 to all others.
func only(path string, h http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}
}

func file(body string) http.HandlerFunc { return only(check.Path, answers(200, body)) }

func redirect(to string) http.HandlerFunc { return only(check.Path, answers(302, "", "Location", to)) }

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestWebsites(t *testing.T) {
	for _, row := range []struct {
		name   string
		site   http.Handler
		set    func(w *world)
		code   dcv.Code
		proven bool
		says   []string
	}{
		{"nothing is there", http.NotFoundHandler(), nil, dcv.HTTPNotFound, true, []string{"404", token}},
		{"the redirect lacks a slash", redirect("https://www.example.com.well-known/pki-validation/fileauth.txt"), func(w *world) {
			w.Site("www.example.com", file(token))
		}, dcv.HTTPRedirectSlash, true, []string{"https://www.example.com.well-known/", "https://www.example.com/.well-known/pki-validation/fileauth.txt"}},
		{"the redirect lacks a slash, and the file is not there either", redirect("https://www.example.com.well-known/pki-validation/fileauth.txt"), func(w *world) {
			w.Site("www.example.com", http.NotFoundHandler())
		}, dcv.HTTPRedirectSlash, false, nil},
		{"to a bare address", redirect("http://127.0.0.1/.well-known/pki-validation/fileauth.txt"), nil, dcv.HTTPRedirectIP, false, []string{"http://127.0.0.1/"}},
		{"to another port", redirect("http://www.example.com:8443/.well-known/pki-validation/fileauth.txt"), func(w *world) {
			w.Site("www.example.com", file(token))
		}, dcv.HTTPRedirectPort, true, []string{":8443"}},
		{"in a circle", only(check.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			scheme := "https"
			if r.TLS != nil {
				scheme = "http"
			}
			http.Redirect(w, r, scheme+"://example.com"+check.Path, http.StatusFound)
		})), nil, dcv.HTTPRedirectCircle, true, []string{"circle"}},
		{"the start page for every path", answers(200, "<html><head><title>My shop</title></head><body>"+strings.Repeat("welcome ", 50)), nil, dcv.HTTPSoft404, true, []string{"My shop", "application"}},
		{"a firewall", answers(403, "<title>Attention Required! | Cloudflare</title>", "Server", "cloudflare"), nil, dcv.HTTPBlocked, false, []string{"Cloudflare", "403"}},
		{"a bot screen", answers(503, "window._cf_chl_opt={}"), nil, dcv.HTTPBlocked, false, []string{"503"}},
		{"a plain 403 is no firewall", answers(403, "no"), nil, dcv.HTTPStatus, false, []string{"403"}},
		{"a redirect to a login", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				_, _ = w.Write([]byte("who are you?"))
				return
			}
			http.Redirect(w, r, "/login?next=/", http.StatusFound)
		}), nil, dcv.HTTPLogin, false, []string{"/login"}},
		{"basic authentication", answers(401, "", "WWW-Authenticate", "Basic"), nil, dcv.HTTPLogin, false, []string{"401"}},
		{"a form for the password", answers(200, `<form><input name=p type="password"></form>`), nil, dcv.HTTPLogin, false, []string{"password"}},
		{"UTF-16 with a byte order mark", file(utf16le(token)), nil, dcv.HTTPEncoding, true, []string{"UTF-16", "little-endian"}},
		{"broken up by HTML", file("<p>" + token[:10] + "<wbr>" + token[10:] + "</p>"), nil, dcv.HTTPMarkup, true, []string{"HTML"}},
		{"a cut value", file(token[:31]), nil, dcv.ValueCut, true, []string{"31 of 32"}},
		{"capitals", file(strings.ToUpper(token)), nil, dcv.ValueCase, true, nil},
		{"name=value_", file("x" + token), nil, dcv.ValueExtra, true, nil},
		{"an old value", file(older), nil, dcv.ValueOld, true, []string{"2026-11-20 09:30"}},
		{"the file with .txt twice", only(check.Path+".txt", answers(200, token)), nil, dcv.HTTPWrongPath, true, []string{"fileauth.txt.txt"}},
		{"at the root", only("/fileauth.txt", answers(200, token)), nil, dcv.HTTPWrongPath, true, nil},
		{"on www only", http.NotFoundHandler(), func(w *world) { w.Site("www.example.com", file(token)) }, dcv.HTTPWrongPath, true, []string{"www.example.com"}},
		{"in the DNS", http.NotFoundHandler(), func(w *world) { w.records(txt("_dnsauth.example.com", token)) }, dcv.ValueInDNS, false, []string{"_dnsauth.example.com"}},
		{"on one of two addresses only", http.NotFoundHandler(), func(w *world) {
			second := netip.MustParseAddr("127.0.0.9")
			if err := w.WebServer(second, file(token)); err != nil {
				w.t.Fatal(err)
			}
			w.records("example.com. 60 IN A 127.0.0.9")
		}, dcv.HTTPOneAddress, true, []string{"127.0.0.9", "127.0.0.1", "status 404"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.issued = memory{{Text: older, Own: true, Method: dcv.HTTP, Created: now.AddDate(0, 0, -9), Ended: now.AddDate(0, 0, -4).Add(-150 * 60e9), Expires: now.AddDate(0, 0, 9)}}
			w.Site("example.com", row.site)
			if row.set != nil {
				row.set(w)
			}
			expect(t, w.website(), row.code, row.proven, row.says...)
		})
	}
}

func (w *world) website() dcv.Diagnosis {
	ch := challenge(dcv.HTTP, "example.com", token)
	ch.HTTPPort, ch.HTTPSPort = w.HTTP.Port(), w.HTTPS.Port()
	return w.diagnosis(ch)
}

// An IPv6 address that takes the connection and then fails ends the hop; one
// that takes none is passed over, and only told of.
func TestIPv6ThatFailsWhereIPv4Works(t *testing.T) {
	w := newWorld(t, "example.com. 60 IN AAAA ::1")
	w.Site("example.com", file(token))
	err := w.WebServer(netip.MustParseAddr("::1"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	if err != nil {
		t.Fatal(err)
	}
	// Over https the same holds, or the check would pass there.
	ch := challenge(dcv.HTTP, "example.com", token)
	ch.HTTPPort, ch.HTTPSPort = w.HTTP.Port(), w.HTTP.Port()
	expect(t, w.diagnosis(ch), dcv.HTTPIPv6Dead, true, "::1", "127.0.0.1", "AAAA")
}

func TestIPv6ThatTakesNoConnectionIsTold(t *testing.T) {
	w := newWorld(t, "example.com. 60 IN AAAA ::1")
	w.Site("example.com", http.NotFoundHandler())
	d := w.website()
	expect(t, d, dcv.HTTPNotFound, true, "404")
	for _, c := range d.Causes {
		if c.Code == dcv.HTTPIPv6Dead && strings.Contains(c.Detail, "::1") {
			return
		}
	}
	t.Error(fmt.Sprint(d.Causes))
}

const keyAuthorization = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"

func acme(m dcv.Method) dcv.Challenge {
	ch := challenge(m, "example.com", token)
	ch.Values[0].Token, _, _ = strings.Cut(keyAuthorization, ".")
	ch.ADNs, ch.KeyAuthorization, ch.AccountURL = ch.ADNs[:1], keyAuthorization, "https://acme.example/acct/1"
	return ch
}

func TestACMEMethods(t *testing.T) {
	key, _ := check.ParseKeyAuthorization(keyAuthorization)
	path := check.ACMEPath + key.Token
	account := check.AccountLabel("https://acme.example/acct/1") + "._acme-challenge.example.com"
	for _, row := range []struct {
		name   string
		method dcv.Method
		record string
		site   http.Handler
		code   dcv.Code
		says   string
	}{
		{"http-01: the token without the thumbprint", dcv.ACMEHTTP, "", only(path, answers(200, key.Token)), dcv.ValueCut, key.Thumbprint},
		{"http-01: more than the key authorization", dcv.ACMEHTTP, "", only(path, answers(200, "key="+keyAuthorization)), dcv.ValueExtra, keyAuthorization},
		{"http-01: with .txt", dcv.ACMEHTTP, "", only(path+".txt", answers(200, keyAuthorization)), dcv.HTTPWrongPath, path},
		{"http-01: the start page", dcv.ACMEHTTP, "", answers(200, strings.Repeat("welcome ", 50)), dcv.HTTPSoft404, "application"},
		{"dns-01: the key authorization in place of its digest", dcv.ACMEDNS, txt("_acme-challenge.example.com", keyAuthorization), nil, dcv.TXTNoMatch, key.TXT()},
		{"dns-01: at the prefix of another method", dcv.ACMEDNS, txt("_dnsauth.example.com", key.TXT()), nil, dcv.RecordWrongName, "_acme-challenge.example.com"},
		{"dns-01: a space at its end", dcv.ACMEDNS, txt("_acme-challenge.example.com", key.TXT()+" "), nil, dcv.ValueSpaced, key.TXT()},
		{"dns-01: the zone is doubled", dcv.ACMEDNS, txt("_acme-challenge.example.com.example.com", key.TXT()), nil, dcv.RecordZoneDoubled, `"_acme-challenge"`},
		{"dns-01: at the apex", dcv.ACMEDNS, txt("example.com", key.TXT()), nil, dcv.RecordAtApex, "itself"},
		{"dns-account-01: at the label of dns-01", dcv.ACMEDNSAccount, txt("_acme-challenge.example.com", key.TXT()), nil, dcv.RecordWrongName, account},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			if row.record != "" {
				w.records(row.record)
			}
			if row.site != nil {
				w.Site("example.com", row.site)
			}
			ch := acme(row.method)
			ch.HTTPPort, ch.HTTPSPort = w.HTTP.Port(), w.HTTPS.Port()
			expect(t, w.diagnosis(ch), row.code, true, row.says)
		})
	}
}

func TestPersistentRecords(t *testing.T) {
	const value = "deed.example; accounturi=acct:1@deed.example"
	for _, row := range []struct {
		name   string
		record string
		code   dcv.Code
		says   string
	}{
		{"nothing is published", "", dcv.PersistNotFound, value},
		{"the zone is doubled", txt("_validation-persist.example.com.example.com", value), dcv.RecordZoneDoubled, `"_validation-persist"`},
		{"the underscore is lost", txt("validation-persist.example.com", value), dcv.RecordUnderscoreLost, "validation-persist.example.com"},
		{"at the apex", txt("example.com", value), dcv.RecordAtApex, "_validation-persist.example.com"},
		{"in quotes", txt("_validation-persist.example.com", `\"`+value+`\"`), dcv.ValueQuoted, value},
		{"of another account", txt("_validation-persist.example.com", "deed.example; accounturi=acct:2@deed.example"), dcv.PersistNoMatch, "acct:1@deed.example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			if row.record != "" {
				w.records(row.record)
			}
			ch := challenge(dcv.Persistent, "example.com", token)
			ch.Values, ch.ADNs, ch.Issuers, ch.AccountURI = nil, ch.ADNs[:1], []string{"deed.example"}, "acct:1@deed.example"
			expect(t, w.diagnosis(ch), row.code, true, row.says)
		})
	}
}
