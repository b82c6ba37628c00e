package names

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"deed/dcv"
)

func normaliser(t testing.TB) *Names {
	t.Helper()
	n, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAccepted(t *testing.T) {
	n := normaliser(t)
	for _, row := range []struct{ name, in, want string }{
		{"already normal", "www.example.com", "www.example.com"},
		{"N4: lower case", "WWW.Example.COM", "www.example.com"},
		{"N3: one final dot is dropped", "example.com.", "example.com"},
		{"N7: a wildcard", "*.example.com", "*.example.com"},
		{"N5: U-label, non-transitional", "faß.de", "xn--fa-hia.de"},
		{"N5: U-label with mapping", "BÜCHER.de", "xn--bcher-kva.de"},
		{"N6: an A-label that round-trips", "xn--bcher-kva.de", "xn--bcher-kva.de"},
		{"ideographic full stop is a dot (UTS 46)", "example。com", "example.com"},
		{"full-width letters map", "ｅｘａｍｐｌｅ.com", "example.com"},
		{"1.1: the private section does not count", "github.io", "github.io"},
		{"1.1: nor does it for names below", "someone.github.io", "someone.github.io"},
		{"a suffix of two labels", "example.co.uk", "example.co.uk"},
		{"1.1: exception rule", "www.ck", "www.ck"},
		{"63 octets in a label", strings.Repeat("a", 63) + ".com", strings.Repeat("a", 63) + ".com"},
		{"digits in front", "0.example.com", "0.example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := n.Normalise(row.in)
			if err != nil || got.String() != row.want {
				t.Errorf("%q: %q, %v", row.in, got, err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	n := normaliser(t)
	long := strings.Repeat("a.", 124) + "example.com"
	for _, row := range []struct{ name, in, code string }{
		{"nothing", "", "name_empty"},
		{"the root", ".", "name_empty"},
		{"N2: name too long", long, "name_too_long"},
		{"N2: very long", strings.Repeat("a", 5000), "name_too_long"},
		{"N2: label too long", strings.Repeat("a", 64) + ".com", "name_label_too_long"},
		{"N2: U-label whose A-label is too long", strings.Repeat("ü", 60) + ".com", "name_label_too_long"},
		{"N1: empty label", "a..example.com", "name_empty_label"},
		{"N1: leading dot", ".example.com", "name_empty_label"},
		{"N3: two final dots", "example.com..", "name_empty_label"},
		{"N1: leading hyphen", "-a.example.com", "name_hyphen"},
		{"N1: trailing hyphen", "a-.example.com", "name_hyphen"},
		{"N1: hyphens in 3 and 4", "ab--c.example.com", "name_reserved_label"},
		{"N1: underscore", "_dnsauth.example.com", "name_underscore"},
		{"N7: asterisk in the middle", "a.*.example.com", "name_wildcard"},
		{"N7: asterisk inside a label", "a*.example.com", "name_wildcard"},
		{"N7: two asterisks", "*.*.example.com", "name_wildcard"},
		{"N7: asterisk alone", "*", "name_wildcard"},
		{"N8: localhost", "localhost", "name_single_label"},
		{"N8: .local", "printer.local", "name_internal"},
		{"N8: .internal", "db.internal", "name_internal"},
		{"N8: .test is not in the root", "a.test", "name_internal"},
		{"N8: a TLD nobody has", "example.notatld", "name_internal"},
		{"N9: reverse IPv4", "1.2.0.192.in-addr.arpa", "name_reverse"},
		{"N9: reverse IPv6", "8.b.d.0.1.0.0.2.ip6.arpa", "name_reverse"},
		{"N10: IPv4", "192.0.2.1", "name_ip_address"},
		{"N10: IPv6", "2001:db8::1", "name_ip_address"},
		{"N10: bracketed IPv6", "[2001:db8::1]", "name_ip_address"},
		{"N10: wildcard over an address", "*.192.0.2.1", "name_ip_address"},
		{"N10: shortened IPv4", "127.1", "name_ip_address"},
		{"N10: hexadecimal IPv4", "0x7f000001", "name_ip_address"},
		{"N10: decimal IPv4", "2130706433", "name_ip_address"},
		{"N8: all-numeric TLD", "example.123", "name_ip_address"},
		{"N10: full-width digits map to an address", "１９２.0.2.1", "name_ip_address"},
		{"N11: onion", "abc.onion", "name_onion"},
		{"N12: a URL", "https://example.com", "name_not_a_name"},
		{"N12: a port", "example.com:443", "name_not_a_name"},
		{"N12: a path", "example.com/x", "name_not_a_name"},
		{"N12: userinfo", "a@example.com", "name_not_a_name"},
		{"N12: percent-encoding", "example%2ecom", "name_not_a_name"},
		{"N12: space inside", "exa mple.com", "name_space"},
		{"N12: space in front", " example.com", "name_space"},
		{"N12: trailing newline", "example.com\n", "name_control"},
		{"N12: zero width space (incident: white space slips past)", "exam\u200bple.com", "name_space"},
		{"N12: NUL", "example.com\x00.evil.com", "name_nul"},
		{"not UTF-8", "ex\xffample.com", "name_encoding"},
		{"N13: a TLD", "com", "name_single_label"},
		{"N13: a public suffix", "co.uk", "name_public_suffix"},
		{"3.2.2.6: wildcard on a public suffix", "*.co.uk", "name_wildcard_public_suffix"},
		{"3.2.2.6: wildcard on a TLD", "*.com", "name_wildcard_public_suffix"},
		{"3.2.2.6: wildcard rule makes a suffix", "foo.ck", "name_public_suffix"},
		{"N6: A-label that is no Punycode", "xn--a!.com", "name_idna"},
		{"N6: A-label that does not round-trip", "xn--bcher-kvA0.de", "name_idna"},
		{"N6: emoji are not IDNA2008", "💩.com", "name_idna"},
		{"RFC 5893: mixed directions", "aא.com", "name_idna"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := n.Normalise(row.in)
			var r *Refusal
			if !errors.As(err, &r) || !got.IsZero() {
				t.Fatalf("%q: %q, %v", row.in, got, err)
			}
			if r.Code != row.code || r.Rule == "" || r.Message == "" {
				t.Errorf("%q: %+v, want %s", row.in, r, row.code)
			}
		})
	}
}

func TestBaseDomain(t *testing.T) {
	n := normaliser(t)
	for in, want := range map[string]string{
		"a.b.example.co.uk": "example.co.uk", "example.com": "example.com", "*.example.com": "example.com",
		"a.someone.github.io": "github.io", "a.www.ck": "www.ck", "a.b.foo.ck": "b.foo.ck",
	} {
		got, ok := n.BaseDomain(dcv.MustName(in))
		if !ok || got.String() != want {
			t.Errorf("%s: %s, %v", in, got, ok)
		}
	}
	for _, in := range []string{"com", "co.uk", "foo.ck", "printer.local"} {
		if got, ok := n.BaseDomain(dcv.MustName(in)); ok {
			t.Errorf("%s has base %s", in, got)
		}
	}
}

func TestReload(t *testing.T) {
	n := normaliser(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "list.dat")
	var b strings.Builder
	b.WriteString("// VERSION: 2026-11-01_10-00-00_UTC\n// ===BEGIN ICANN DOMAINS===\ncom\nbrandnewtld\n")
	for i := range 1100 {
		b.WriteString("x" + strings.Repeat("y", i%50) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + ".com\n")
	}
	b.WriteString("// ===END ICANN DOMAINS===\n")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reload(path); err != nil {
		t.Fatal(err)
	}
	if got := n.ListDate().Format("2006-01-02"); got != "2026-11-01" {
		t.Errorf("date %s", got)
	}
	if _, err := n.Normalise("example.brandnewtld"); err != nil {
		t.Error(err)
	}
	short := filepath.Join(dir, "short.dat")
	if err := os.WriteFile(short, []byte("com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reload(short); err == nil {
		t.Error("a list of one rule was taken")
	}
	if _, err := n.Normalise("example.brandnewtld"); err != nil {
		t.Error("a refused list replaced the good one")
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"example.com", "*.example.com", "faß.de", "xn--bcher-kva.de", "192.0.2.1", "a..b.com", "１２７.1", "\u202eexample.com"} {
		f.Add(s)
	}
	n := normaliser(f)
	f.Fuzz(func(t *testing.T, in string) {
		name, err := n.Normalise(in)
		if err != nil {
			var r *Refusal
			if !errors.As(err, &r) || r.Code == "" {
				t.Fatalf("%q: error %v", in, err)
			}
			return
		}
		// Normal form is a fixed point, and is what dcv calls a name.
		again, err := n.Normalise(name.String())
		if err != nil || again != name {
			t.Fatalf("%q: %q then %q, %v", in, name, again, err)
		}
		if _, ok := n.BaseDomain(name); !ok {
			t.Fatalf("%q: %q has no base domain", in, name)
		}
	})
}
