package diagnose

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// FuzzSlip: no text but the value itself, white space around it aside, is taken
// for it; whatever is shown is printable and bounded.
func FuzzSlip(f *testing.F) {
	const token = "0123456789abcdefghijklmnopqrstuv"
	for _, s := range []string{"", token, " " + token + "\n", `"` + token, strings.ToUpper(token), token[:20], "x" + token, "\ufeff" + token, strings.Repeat("\u200b", 40), "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := slipOf(s, token); (got == slipExact) != (strings.Trim(s, " \t\r\n") == token) {
			t.Errorf("%q is %q", s, got)
		}
		if slipOf(s, "") != slipNone {
			t.Error("no value, and yet something is like it")
		}
		if out := shown(s); !utf8.ValidString(out) || len(out) > 120 || strings.ContainsAny(out, "\n\r\x1b\x00") {
			t.Errorf("shows %q", out)
		}
		split([]string{s, token}, token)
		wide([]byte(s))
		alike([]byte(s), []byte(token))
		title([]byte(s))
	})
}

// FuzzRead: a hostile message costs bounded work and never a panic.
func FuzzRead(f *testing.F) {
	m := new(dns.Msg).SetQuestion("a.example.", dns.TypeTXT)
	m.Response = true
	for _, l := range []string{"a.example. 5 IN CNAME b.example.", "b.example. 5 IN CNAME a.example.", `b.example. 5 IN TXT "x" "y\195"`, "a.example. 0 IN NS c.example."} {
		rr, err := dns.NewRR(l)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	raw, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, uint16(dns.TypeTXT))
	f.Add([]byte{}, uint16(dns.TypeNS))
	f.Fuzz(func(t *testing.T, raw []byte, qtype uint16) {
		s := read(raw, "a.example", qtype)
		if len(s.chain) > 10 || len(s.txt) > maxRecords*11 {
			t.Errorf("%d aliases, %d texts", len(s.chain), len(s.txt))
		}
		s.ends()
		s.zone()
	})
}
