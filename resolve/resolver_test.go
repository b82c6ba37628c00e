package resolve

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// authenticated answers with the AD bit set.
func authenticated(next dns.HandlerFunc) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) { next(adWriter{w}, q) }
}

type adWriter struct{ dns.ResponseWriter }

func (w adWriter) WriteMsg(m *dns.Msg) error {
	m.AuthenticatedData = true
	return w.ResponseWriter.WriteMsg(m)
}

func believing(door Door, server netip.AddrPort) *Client {
	return NewClient(ClientOptions{Door: door, Servers: []netip.AddrPort{server}, Timeout: 500 * time.Millisecond, DNSSEC: DNSSECResolver})
}

// S9: the AD bit is not authenticated, so it counts only where nobody can
// stand between.
func TestTheADBitIsBelievedOnlyOnLoopback(t *testing.T) {
	records := zone(t, `a.example.com. 60 IN TXT "x"`)
	secure, insecure := nameserver(t, authenticated(records)), nameserver(t, records)
	for _, row := range []struct {
		name   string
		server netip.AddrPort
		seen   netip.AddrPort // as which it is configured
		want   Security
		kind   Kind
	}{
		{"AD from loopback is secure", secure, secure, SecuritySecure, ""},
		{"no AD from loopback is insecure", insecure, insecure, SecurityInsecure, ""},
		{"AD from elsewhere is not believed", secure, netip.MustParseAddrPort("192.0.2.53:53"), "", Indeterminate},
		{"no AD from elsewhere is not believed either", insecure, netip.MustParseAddrPort("192.0.2.53:53"), "", Indeterminate},
		{"nor from a neighbour on a private network", secure, netip.MustParseAddrPort("10.0.0.53:53"), "", Indeterminate},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := believing(elsewhere{NewLive(LiveOptions{}), row.server}, row.seen).Lookup(t.Context(), "a.example.com", dns.TypeTXT)
			if row.kind != "" {
				if kindOf(t, err) != row.kind {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || a.Security != row.want {
				t.Errorf("%s, %v", a.Security, err)
			}
		})
	}
}

// A resolver that refuses EDNS is not asked again without: an answer that
// cannot bear the AD bit would pass for insecure.
func TestABelievedResolverMustKnowEDNS(t *testing.T) {
	records := zone(t, `a.example.com. 60 IN TXT "x"`)
	server := nameserver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.IsEdns0() != nil {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
			return
		}
		records(w, q)
	})
	if a, err := believing(NewLive(LiveOptions{}), server).Lookup(t.Context(), "a.example.com", dns.TypeTXT); err == nil {
		t.Errorf("an error is taken as %s", a.Security)
	}
}
