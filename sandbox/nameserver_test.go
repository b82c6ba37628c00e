package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/sandbox"
)

func TestNameServersOfTheirOwn(t *testing.T) {
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	mux := http.NewServeMux()
	box.Mount(mux)
	open := func(body string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sandbox/nameservers", strings.NewReader(body)))
		var s struct{ Address string }
		_ = json.Unmarshal(w.Body.Bytes(), &s)
		return w.Code, s.Address
	}
	const records = `"records":["example.com. 5 IN SOA ns.example.com. h.example.com. 42 1 1 1 1","example.com. 5 IN TXT \"x\"","sub.example.com. 5 IN NS ns.sub.example.com.","ns.sub.example.com. 5 IN A 127.0.0.99"]`
	for _, row := range []struct {
		name, fault, transport string
		qname                  string
		qtype                  uint16
		answered               bool
		rcode                  int
		authority              bool
		answers, referrals     int
	}{
		{"one that is well", "", "udp", "example.com.", dns.TypeTXT, true, dns.RcodeSuccess, true, 1, 0},
		{"a name that is not there", "", "udp", "no.example.com.", dns.TypeTXT, true, dns.RcodeNameError, true, 0, 1},
		{"a zone below is referred to", "", "udp", "a.sub.example.com.", dns.TypeTXT, true, dns.RcodeSuccess, false, 0, 1},
		{"a zone of somebody else is refused", "", "udp", "example.net.", dns.TypeTXT, true, dns.RcodeRefused, false, 0, 0},
		{"a lame one refuses", "lame", "udp", "example.com.", dns.TypeSOA, true, dns.RcodeRefused, false, 0, 0},
		{"a silent one is silent", "silent", "udp", "example.com.", dns.TypeSOA, false, 0, false, 0, 0},
		{"one without TXT knows the SOA", "no_txt", "udp", "example.com.", dns.TypeSOA, true, dns.RcodeSuccess, true, 1, 0},
		{"and no TXT", "no_txt", "udp", "example.com.", dns.TypeTXT, true, dns.RcodeNotImplemented, false, 0, 0},
		{"capitals are dropped", "drop_case", "udp", "eXample.com.", dns.TypeSOA, false, 0, false, 0, 0},
		{"small letters are not", "drop_case", "udp", "example.com.", dns.TypeSOA, true, dns.RcodeSuccess, true, 1, 0},
		{"nor is TCP", "drop_case", "tcp", "eXample.com.", dns.TypeSOA, true, dns.RcodeSuccess, true, 1, 0},
		{"nothing listens on TCP", "no_tcp", "tcp", "example.com.", dns.TypeSOA, false, 0, false, 0, 0},
		{"over UDP it says to come by TCP", "no_tcp", "udp", "example.com.", dns.TypeSOA, true, dns.RcodeSuccess, true, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, addr := open(`{"zone":"example.com",` + records + `,"fault":"` + row.fault + `"}`)
			if code != http.StatusOK {
				t.Fatal(code)
			}
			c := dns.Client{Net: row.transport, Timeout: 300 * time.Millisecond}
			m, _, err := c.Exchange(new(dns.Msg).SetQuestion(row.qname, row.qtype), netip.AddrPortFrom(netip.MustParseAddr(addr), box.DNS.Port()).String())
			if (err == nil) != row.answered {
				t.Fatalf("answered: %v", err)
			}
			if err == nil && (m.Rcode != row.rcode || m.Authoritative != row.authority || len(m.Answer) != row.answers || len(m.Ns) != row.referrals) {
				t.Errorf("%v", m)
			}
		})
	}
	for _, bad := range []string{
		`{}`, `{"zone":"example.com"}`, `{"zone":"example.com","records":["not a record"]}`, `{"zone":"..",` + records + `}`, `{"zone":"example.com",` + records + `,"fault":"tired"}`,
		`{"zone":"example.com","records":["example.com. 5 IN SOA a. b. 1 1 1 1 1","no"]}`,
	} {
		if code, _ := open(bad); code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, code)
		}
	}
}
