package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec/dnssectest"
)

// nameserver is a real server on UDP and TCP, port 0, same port for both.
func nameserver(t testing.TB, handle dns.HandlerFunc) netip.AddrPort {
	t.Helper()
	return dnssectest.Serve(t, handle)
}

// zone answers from lines of zone file text; a name without records is NXDOMAIN.
func zone(t testing.TB, lines ...string) dns.HandlerFunc {
	t.Helper()
	var rrs []dns.RR
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	soa, _ := dns.NewRR("example.com. 300 IN SOA ns.example.com. h.example.com. 1 2 3 4 60")
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		exists := false
		for _, rr := range rrs {
			if !strings.EqualFold(rr.Header().Name, q.Question[0].Name) {
				continue
			}
			exists = true
			if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		if len(m.Answer) == 0 {
			m.Ns = append(m.Ns, soa)
		}
		_ = w.WriteMsg(m)
	}
}

func client(server ...netip.AddrPort) *Client {
	return NewClient(ClientOptions{Door: NewLive(LiveOptions{}), Servers: server, Timeout: 150 * time.Millisecond, DNSSEC: DNSSECOff})
}

func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	return e.Kind
}

func TestLookup(t *testing.T) {
	c := client(nameserver(t, zone(t,
		`txt.example.com. 60 IN TXT "one " "record"`,
		`txt.example.com. 30 IN TXT "a\"b\\c\255"`,
		`alias.example.com. 60 IN CNAME txt.example.com.`,
		`loop1.example.com. 60 IN CNAME loop2.example.com.`,
		`loop2.example.com. 60 IN CNAME loop1.example.com.`,
		`self.example.com. 60 IN CNAME self.example.com.`,
		`dangling.example.com. 60 IN CNAME nowhere.example.com.`,
		`v6.example.com. 60 IN AAAA ::ffff:10.0.0.1`,
	)))
	ctx := t.Context()

	a, err := c.Lookup(ctx, "txt.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 2 || a.TXT[0] != "one record" || a.TXT[1] != "a\"b\\c\xff" || a.TTL != 30 {
		t.Errorf("D2, strings of one record joined, records apart: %+v, %v", a, err)
	}
	a, err = c.Lookup(ctx, "alias.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 2 || a.Owner != "txt.example.com" || len(a.Chain) != 1 {
		t.Errorf("R-A7, aliases are followed: %+v, %v", a, err)
	}
	a, err = c.Lookup(ctx, "dangling.example.com", dns.TypeCNAME)
	if err != nil || len(a.CNAME) != 1 || a.CNAME[0] != "nowhere.example.com" || a.NXDomain {
		t.Errorf("D4, a CNAME is decided on itself: %+v, %v", a, err)
	}
	a, err = c.Lookup(ctx, "none.example.com", dns.TypeTXT)
	if err != nil || !a.NXDomain || a.TTL != 60 {
		t.Errorf("NXDOMAIN with its negative TTL: %+v, %v", a, err)
	}
	a, err = c.Lookup(ctx, "v6.example.com", dns.TypeAAAA)
	if err != nil || len(a.Addrs) != 1 || !a.Addrs[0].Is4In6() {
		t.Errorf("a mapped address stays what it is: %+v, %v", a, err)
	}
	for _, name := range []string{"loop1.example.com", "self.example.com"} {
		if _, err = c.Lookup(ctx, name, dns.TypeTXT); kindOf(t, err) != ChainTooLong {
			t.Errorf("D11, a circle: %v", err)
		}
	}
}

func TestTruncationGoesToTCP(t *testing.T) {
	whole := zone(t, `big.example.com. 60 IN TXT "all of it"`)
	c := client(nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if w.LocalAddr().Network() == "udp" {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			_ = w.WriteMsg(m)
			return
		}
		whole(w, q)
	}))
	a, err := c.Lookup(t.Context(), "big.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestLowerCaseServerIsAskedOverTCP(t *testing.T) {
	answer := zone(t, `abcdefghijklmnop.example.com. 60 IN TXT "x"`)
	c := client(nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		q.Question[0].Name = strings.ToLower(q.Question[0].Name)
		answer(w, q)
	}))
	a, err := c.Lookup(t.Context(), "abcdefghijklmnop.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestServerWithoutEDNS(t *testing.T) {
	answer := zone(t, `a.example.com. 60 IN TXT "x"`)
	c := client(nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.IsEdns0() != nil {
			m := new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
			m.Question = nil
			_ = w.WriteMsg(m)
			return
		}
		answer(w, q)
	}))
	a, err := c.Lookup(t.Context(), "a.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

// The forged answer comes first; the true one after it (RFC 5452).
func TestForgedAnswersArePassedOver(t *testing.T) {
	forge := map[string]func(m *dns.Msg){
		"another id":            func(m *dns.Msg) { m.Id++ },
		"another name":          func(m *dns.Msg) { m.Question[0].Name = "b.example.com." },
		"another type":          func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA },
		"another class":         func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"a question, no answer": func(m *dns.Msg) { m.Response = false },
		"two questions":         func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"no question, no error": func(m *dns.Msg) { m.Question = nil },
	}
	for name, change := range forge {
		t.Run(name, func(t *testing.T) {
			truth := zone(t, `a.example.com. 60 IN TXT "true"`)
			c := client(nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
				forged := new(dns.Msg).SetReply(q)
				forged.Question = append([]dns.Question(nil), q.Question...)
				rr, _ := dns.NewRR(`a.example.com. 60 IN TXT "forged"`)
				forged.Answer = []dns.RR{rr}
				change(forged)
				_ = w.WriteMsg(forged)
				truth(w, q)
			}))
			a, err := c.Lookup(t.Context(), "a.example.com", dns.TypeTXT)
			if err != nil || len(a.TXT) != 1 || a.TXT[0] != "true" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	rcode := func(code int) dns.HandlerFunc {
		return func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, code)) }
	}
	silentButAlive := func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == "." {
			_ = w.WriteMsg(new(dns.Msg).SetReply(q))
		}
	}
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := netip.MustParseAddrPort(closed.LocalAddr().String())
	closed.Close()

	for _, row := range []struct {
		name   string
		server netip.AddrPort
		want   Kind
	}{
		{"SERVFAIL is the domain's", nameserver(t, rcode(dns.RcodeServerFailure)), ServFail},
		{"REFUSED is the domain's", nameserver(t, rcode(dns.RcodeRefused)), Refused},
		{"silence on this name from a resolver that lives is the domain's", nameserver(t, silentButAlive), Timeout},
		{"silence on everything is ours", nameserver(t, func(dns.ResponseWriter, *dns.Msg) {}), ResolverDown},
		{"a closed port is ours", down, ResolverDown},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(row.server).Lookup(t.Context(), "a.example.com", dns.TypeTXT)
			if got := kindOf(t, err); got != row.want {
				t.Errorf("%s: %v", got, err)
			}
		})
	}
}

func TestSecondResolverHelps(t *testing.T) {
	bad := nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	})
	good := nameserver(t, zone(t, `a.example.com. 60 IN TXT "x"`))
	a, err := client(bad, good).Lookup(t.Context(), "a.example.com", dns.TypeTXT)
	if err != nil || len(a.TXT) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestContextEndsALookup(t *testing.T) {
	server := nameserver(t, func(dns.ResponseWriter, *dns.Msg) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(server).Lookup(ctx, "a.example.com", dns.TypeTXT); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestManyRecordsAreRefused(t *testing.T) {
	c := client(nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if w.LocalAddr().Network() == "udp" {
			m.Truncated = true
		} else {
			m.Compress = true
			for range maxRecords + 1 {
				m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"x"}})
			}
		}
		_ = w.WriteMsg(m)
	}))
	_, err := c.Lookup(t.Context(), "a.example.com", dns.TypeTXT)
	if kindOf(t, err) != Malformed {
		t.Errorf("error %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	var q dns.Msg
	q.SetQuestion("a.example.com.", dns.TypeTXT)
	sent, _ := q.Pack()
	rr, _ := dns.NewRR(`a.example.com. 60 IN TXT "x"`)
	m := new(dns.Msg).SetReply(&q)
	m.Answer = []dns.RR{rr}
	good, _ := m.Pack()
	f.Add(good)
	f.Add(good[:12])
	f.Fuzz(func(t *testing.T, received []byte) {
		msg, ok := unpack(Reply{Sent: sent, Received: received})
		if !ok {
			return
		}
		a := Answer{Owner: "a.example.com"}
		_ = a.take(msg, dns.TypeTXT)
		// What the library can read whole, it reads alike.
		whole := new(dns.Msg)
		b := Answer{Owner: "a.example.com"}
		if whole.Unpack(received) == nil && len(whole.Question) == len(msg.Question) {
			_ = b.take(whole, dns.TypeTXT)
			if !reflect.DeepEqual(a, b) || whole.Rcode != msg.Rcode || whole.Truncated != msg.Truncated || whole.AuthenticatedData != msg.AuthenticatedData {
				t.Errorf("%+v, by the library %+v", a, b)
			}
		}
		if len(a.Chain) > maxChain {
			t.Errorf("chain of %d", len(a.Chain))
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	server := nameserver(b, zone(b, `_dnsauth.example.com. 60 IN TXT "0123456789abcdefghijklmnopqrstuv"`))
	b.ReportAllocs()
	for b.Loop() {
		c := client(server) // each attempt has its own
		if _, err := c.Lookup(b.Context(), "_dnsauth.example.com", dns.TypeTXT); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor: one exchange of the DNS library under the same socket policy.
func BenchmarkRawExchange(b *testing.B) {
	server := nameserver(b, zone(b, `_dnsauth.example.com. 60 IN TXT "0123456789abcdefghijklmnopqrstuv"`)).String()
	b.ReportAllocs()
	for b.Loop() {
		m := new(dns.Msg).SetQuestion("_dnsauth.example.com.", dns.TypeTXT)
		m.SetEdns0(udpSize, false)
		if _, _, err := new(dns.Client).Exchange(m, server); err != nil {
			b.Fatal(err)
		}
	}
}
