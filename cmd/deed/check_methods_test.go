package main

import (
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"deed/check"
	"deed/dcv"
)

const (
	someToken   = "3ds4lzxtc7g9ib1vykqsdwjvjqvk5vqm"
	someKey     = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	someAccount = "https://example.com/acme/acct/ExampleAccount"
)

// Every method that can be looked at can be looked at from a terminal, and
// fails before its record is there.
func TestCheckByEveryMethodThatIsLookedAt(t *testing.T) {
	p := sandboxProcess(t)
	sum := sha256.Sum256([]byte(someKey))
	digest := base64.RawURLEncoding.EncodeToString(sum[:])
	dns := func(name, kind, value string) func() {
		return func() { p.world("PUT", "/sandbox/dns", map[string]any{"name": name, "type": kind, "value": value}) }
	}
	web := func(path, body string) func() {
		return func() {
			p.world("PUT", "/sandbox/web", map[string]any{"host": "www.example.com", "path": path, "body": body})
		}
	}
	port := strconv.Itoa(int(netip.MustParseAddrPort(p.field("http")).Port()))
	loopback := []string{"--validation-allow-private-addresses", "127.0.0.0/8", "--validation-http-port", port, "--validation-https-port", port}
	for _, row := range []struct {
		method  string
		args    []string
		publish func() // nil: nothing in the box can prove it
	}{
		{"dns-txt-token", []string{"--token", someToken}, dns("_dnsauth.www.example.com", "TXT", someToken)},
		{"dns-cname-token", []string{"--token", "_" + someToken, "--validation-cname-target", "dcv.deed.example"}, dns("_"+someToken+".www.example.com", "CNAME", "dcv.deed.example")},
		{"http-token", append([]string{"--token", someToken}, loopback...), web(check.Path, someToken)},
		{"dns-txt-persistent", []string{"--account-uri", "acct:1@deed.example", "--issuer", "deed.example"}, dns("_validation-persist.www.example.com", "TXT", "deed.example; accounturi=acct:1@deed.example")},
		{"http-01", append([]string{"--key-authorization", someKey}, loopback...), web(check.ACMEPath+someKey[:43], someKey)},
		{"dns-01", []string{"--key-authorization", someKey}, dns("_acme-challenge.www.example.com", "TXT", digest)},
		{"dns-account-01", []string{"--key-authorization", someKey, "--account-uri", someAccount}, dns(check.AccountLabel(someAccount)+"._acme-challenge.www.example.com", "TXT", digest)},
		{"tls-alpn-01", append([]string{"--key-authorization", someKey}, loopback...), nil},
	} {
		t.Run(row.method, func(t *testing.T) {
			args := append([]string{"check", "www.example.com", "--json", "--dns-dnssec", "off", "--resolver", p.field("dns"), "--method", row.method}, row.args...)
			if out, errs, code := tool(t, t.TempDir(), args...); code != exitNotProven {
				t.Fatalf("exit %d before anything is published\n%s%s", code, out, errs)
			}
			if row.publish == nil {
				return
			}
			row.publish()
			out, errs, code := tool(t, t.TempDir(), args...)
			if code != 0 || dig(t, out, "outcome") != "proven" || dig(t, out, "method") != row.method {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
		})
	}
	if !strings.Contains(looks(), string(dcv.ACMETLSALPN)) || strings.Contains(looks(), string(dcv.Email)) {
		t.Error(looks())
	}
}

func TestCheckRefusesWhatAMethodDoesNotTake(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		says string
	}{
		{"no target for a CNAME", []string{"--method", "dns-cname-token", "--token", "_" + someToken}, "--validation-cname-target"},
		{"a value for a method that has none", []string{"--method", "dns-01", "--key-authorization", someKey, "--token", someToken}, "--token"},
		{"no key authorization", []string{"--method", "http-01"}, "--key-authorization"},
		{"a key authorization that is none", []string{"--method", "http-01", "--key-authorization", someToken}, "--key-authorization"},
		{"a key authorization for a method that takes none", []string{"--token", someToken, "--key-authorization", someKey}, "--key-authorization"},
		{"no account", []string{"--method", "dns-account-01", "--key-authorization", someKey}, "--account-uri"},
		{"no issuer", []string{"--method", "dns-txt-persistent", "--account-uri", "acct:1@x.example"}, "--issuer"},
		{"an issuer that is none", []string{"--method", "dns-txt-persistent", "--account-uri", "acct:1@x.example", "--issuer", "a b"}, "--issuer"},
		{"e-mail, which nobody can look at", []string{"--method", "email"}, "email"},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, errs, code := tool(t, t.TempDir(), append([]string{"check", "example.com"}, row.args...)...)
			if code != exitUsage || !strings.Contains(errs, row.says) {
				t.Errorf("exit %d, want %d\n%s%s", code, exitUsage, out, errs)
			}
		})
	}
}
