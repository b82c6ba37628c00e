package resolve

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestQuestionsArePackedAsTheLibraryDoes(t *testing.T) {
	for _, name := range []string{
		".", "com", "example.com", "example.com.", "_dnsauth.example.com", `a\.b.example.com`, `\000\255.example.com`, "UPPER.example.com", "",
		strings.Repeat("a", 63) + ".com", strings.Repeat("a", 64) + ".com", "a..com", ".com", `trailing\`,
		strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a", strings.Repeat(strings.Repeat("a", 63)+".", 4),
	} {
		for i := range 8 {
			ask := Ask{Name: name, Type: dns.TypeCAA, EDNS: i&1 > 0, DO: i&2 > 0, CD: i&4 > 0}
			m := dns.Msg{Question: []dns.Question{{Name: dns.Fqdn(name), Qtype: ask.Type, Qclass: dns.ClassINET}}}
			m.RecursionDesired, m.CheckingDisabled = true, ask.CD
			if ask.EDNS || ask.DO {
				m.SetEdns0(udpSize, ask.DO)
			}
			want, wantErr := m.Pack()
			got, err := pack(ask)
			if (err != nil) != (wantErr != nil) || (err == nil && !bytes.Equal(got, want)) {
				t.Errorf("%q %+v:\n got %x, %v\nwant %x, %v", name, ask, got, err, want, wantErr)
			}
		}
	}
}
