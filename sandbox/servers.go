package sandbox

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// NameServer is a name server of its own, beside the one that stands for the
// resolver and the rest of the world: an address of loopback, on the port of
// Internet.DNS. What it serves need not be what others serve.
type NameServer struct {
	Addr netip.Addr
	o    NameServerOptions

	mu    sync.RWMutex
	zones map[string]*zone // by apex, with final dot
}

// NameServerOptions are what is wrong with a name server; the zero value is
// well.
type NameServerOptions struct {
	Lame        bool     // it refuses whatever it is asked
	Silent      bool     // it never answers
	RefuseTypes []uint16 // types that it does not know (NOTIMP)
	DropCase    bool     // it drops questions over UDP with capital letters
	LowerCase   bool     // it answers in lower case, whatever it was asked in
	Truncate    bool     // it answers over TCP only
	NoTCP       bool     // nothing listens on TCP
}

// Records adds zone file lines to what the resolver says.
func (n *Internet) Records(lines ...string) error {
	for _, l := range lines {
		if err := n.zone.addLine(l); err != nil {
			return err
		}
	}
	return nil
}

func (z *zone) addLine(line string) error {
	rr, err := dns.NewRR(line)
	if err != nil || rr == nil {
		return fmt.Errorf("sandbox: %q: %w", line, err)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	owner := strings.ToLower(rr.Header().Name)
	z.records[owner] = append(z.records[owner], rr)
	z.count++
	return nil
}

// NameServer opens another name server. Zones are given by Serve.
func (n *Internet) NameServer(o NameServerOptions) (*NameServer, error) {
	s := &NameServer{o: o, zones: map[string]*zone{}}
	for ; n.servers < 200; n.servers++ {
		s.Addr = netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + n.servers)})
		at := netip.AddrPortFrom(s.Addr, n.DNS.Port()).String()
		pc, err := net.ListenPacket("udp", at)
		if err != nil {
			continue
		}
		opened := []*dns.Server{{PacketConn: pc, Handler: s}}
		if !o.NoTCP {
			ln, err := net.Listen("tcp", at)
			if err != nil {
				pc.Close()
				continue
			}
			opened = append(opened, &dns.Server{Listener: ln, Handler: s})
		}
		n.servers++
		for _, srv := range opened {
			ready := make(chan struct{})
			srv.NotifyStartedFunc = func() { close(ready) }
			go func() { _ = srv.ActivateAndServe() }()
			<-ready
			n.stops = append(n.stops, func() { _ = srv.Shutdown() })
		}
		return s, nil
	}
	return nil, fmt.Errorf("sandbox: no address of loopback is free on port %d", n.DNS.Port())
}

// Serve gives the server a copy of a zone: its name and its zone file lines,
// an SOA among them.
func (s *NameServer) Serve(apex string, lines ...string) error {
	z := newZone()
	for _, l := range lines {
		if err := z.addLine(l); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zones[dns.Fqdn(strings.ToLower(apex))] = z
	return nil
}

// ServeDNS is dns.Handler.
func (s *NameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if len(q.Question) != 1 {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
		return
	}
	m := new(dns.Msg).SetReply(q)
	question := q.Question[0]
	name := strings.ToLower(question.Name)
	udp := w.LocalAddr().Network() == "udp"
	switch {
	case s.o.Silent, s.o.DropCase && udp && question.Name != name:
		return
	case s.o.Lame:
		m.Rcode = dns.RcodeRefused
	case slices.Contains(s.o.RefuseTypes, question.Qtype):
		m.Rcode = dns.RcodeNotImplemented
	case s.o.Truncate && udp:
		m.Authoritative, m.Truncated = true, true
	default:
		s.answer(m, question, name)
	}
	if s.o.LowerCase {
		m.Question[0].Name = name
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	_ = w.WriteMsg(m)
}

// answer speaks for the deepest zone that holds the name, or refers to the
// servers of a zone below it.
func (s *NameServer) answer(m *dns.Msg, q dns.Question, name string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	apex := ""
	for a := range s.zones {
		if dns.IsSubDomain(a, name) && len(a) > len(apex) {
			apex = a
		}
	}
	z := s.zones[apex]
	if z == nil {
		m.Rcode = dns.RcodeRefused
		return
	}
	z.mu.RLock()
	defer z.mu.RUnlock()
	for at := name; at != apex; {
		for _, rr := range z.records[at] {
			if rr.Header().Rrtype == dns.TypeNS {
				m.Ns = append(m.Ns, rr)
				m.Extra = append(m.Extra, z.records[strings.ToLower(rr.(*dns.NS).Ns)]...)
			}
		}
		if len(m.Ns) > 0 {
			return
		}
		_, rest, _ := strings.Cut(at, ".")
		at = rest
	}
	m.Authoritative = true
	z.answer(m, q, name)
	// The zone's own SOA goes before the one that answer makes up.
	for i, rr := range m.Ns {
		if _, ok := rr.(*dns.SOA); !ok {
			continue
		}
		for _, own := range z.records[apex] {
			if _, ok := own.(*dns.SOA); ok {
				m.Ns[i] = own
			}
		}
	}
}

// Fault makes the resolver fail on a name: servfail, refused, timeout or
// truncate; none heals it.
func (n *Internet) Fault(name, how string) error {
	s := recordSet{Name: name, Fault: how}
	if err := s.vet(); err != nil {
		return err
	}
	return n.zone.set(s)
}

// Clear removes all records and faults.
func (n *Internet) Clear() {
	n.zone.mu.Lock()
	defer n.zone.mu.Unlock()
	clear(n.zone.records)
	clear(n.zone.faults)
	n.zone.count = 0
}
