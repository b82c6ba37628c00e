// Package dnssectest makes signed zones for tests: a whole name space under a
// root of its own, signed in the test and answered by one server on loopback,
// which stands for all name servers of the world and the resolver before them.
// It shares no code with the validator that it tests.
package dnssectest

import (
	"crypto"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Zone is a zone to be made. SOA and NS of the apex, and the NS and DS records
// of zones below it, are added by Build.
type Zone struct {
	Name    string   // with the final dot
	Records []string // zone file lines with full owner names
	// Unsigned makes a plain zone; its parent proves that it has no DS.
	Unsigned bool
	// NoDS leaves the DS out of the parent though the zone is signed.
	NoDS bool
	// NSEC3 in place of NSEC; with OptOut, unsigned delegations have no record.
	NSEC3, OptOut bool
	Iterations    uint16
	Salt          string
	Algorithm     uint8 // ECDSAP256SHA256 if 0
	// Inception and Expiration of all signatures; an hour before and a day after
	// the world's time if zero.
	Inception, Expiration time.Time
	// DS may change the records that go into the parent before it is signed.
	DS func([]*dns.DS) []dns.RR
	// Split signs the DNSKEY set with one key and all else with another.
	Split bool
}

// World is a tree of zones.
type World struct {
	Now   time.Time
	zones map[string]*zone

	mu     sync.Mutex
	tamper func(q dns.Question, m *dns.Msg)
	asked  []dns.Question
}

type zone struct {
	Zone
	key, zsk *dns.DNSKEY
	private  map[*dns.DNSKEY]crypto.Signer
	sets     map[string]map[uint16][]dns.RR // by lower-case owner, by type, with signatures
	order    []string                       // owners of the NSEC chain, sorted
	hashes   []string                       // of the NSEC3 chain, sorted
}

// Build signs the zones, the deepest first. The root must be among them.
func Build(t testing.TB, now time.Time, zones ...Zone) *World {
	t.Helper()
	w := &World{Now: now, zones: map[string]*zone{}}
	slices.SortStableFunc(zones, func(a, b Zone) int { return dns.CountLabel(b.Name) - dns.CountLabel(a.Name) })
	for _, spec := range zones {
		if spec.Algorithm == 0 {
			spec.Algorithm = dns.ECDSAP256SHA256
		}
		if spec.Inception.IsZero() {
			spec.Inception = now.Add(-time.Hour)
		}
		if spec.Expiration.IsZero() {
			spec.Expiration = now.Add(24 * time.Hour)
		}
		z := &zone{Zone: spec, private: map[*dns.DNSKEY]crypto.Signer{}, sets: map[string]map[uint16][]dns.RR{}}
		z.add(t, z.Name+" 300 IN SOA ns."+strings.TrimPrefix(z.Name, ".")+" host."+strings.TrimPrefix(z.Name, ".")+" 1 3600 600 86400 300", z.Name+" 300 IN NS ns.nowhere.invalid.")
		z.add(t, z.Records...)
		for _, child := range zones {
			if c := w.zones[child.Name]; c != nil && parentOf(child.Name, zones) == z.Name {
				z.add(t, child.Name+" 300 IN NS ns.nowhere.invalid.")
				if !c.Unsigned && !c.NoDS {
					z.delegate(c)
				}
			}
		}
		if !z.Unsigned {
			z.sign(t)
		}
		w.zones[z.Name] = z
	}
	return w
}

func parentOf(name string, zones []Zone) string {
	best := ""
	for _, z := range zones {
		if z.Name != name && dns.IsSubDomain(z.Name, name) && (best == "" || dns.CountLabel(z.Name) > dns.CountLabel(best)) {
			best = z.Name
		}
	}
	return best
}

func (z *zone) delegate(c *zone) {
	ds := []*dns.DS{c.key.ToDS(dns.SHA256)}
	ds[0].Hdr.Ttl = 300
	if c.DS != nil {
		for _, rr := range c.DS(ds) {
			z.put(rr)
		}
		return
	}
	z.put(ds[0])
}

func (z *zone) put(rr dns.RR) {
	owner := strings.ToLower(rr.Header().Name)
	if z.sets[owner] == nil {
		z.sets[owner] = map[uint16][]dns.RR{}
	}
	t := rr.Header().Rrtype
	if sig, ok := rr.(*dns.RRSIG); ok {
		t = sig.TypeCovered
	}
	z.sets[owner][t] = append(z.sets[owner][t], rr)
}

func (z *zone) add(t testing.TB, lines ...string) {
	t.Helper()
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil || rr == nil {
			t.Fatalf("%q: %v", l, err)
		}
		z.put(rr)
	}
}

// Anchors are the trust anchors of the world's root, in zone file form.
func (w *World) Anchors() string { return w.zones["."].key.ToDS(dns.SHA256).String() + "\n" }

// Key gives the key that signs a zone's records, and its private half.
func (w *World) Key(zone string) (*dns.DNSKEY, crypto.Signer) {
	z := w.zones[zone]
	return z.zsk, z.private[z.zsk]
}

// Tamper changes every answer before it is sent; nil ends it. Records must be
// copied before they are changed.
func (w *World) Tamper(f func(q dns.Question, m *dns.Msg)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tamper = f
}

// Asked gives the questions so far, and forgets them.
func (w *World) Asked() []dns.Question {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.asked
	w.asked = nil
	return a
}

// Serve answers on UDP and TCP of one free port of loopback.
func (w *World) Serve(t testing.TB) netip.AddrPort {
	t.Helper()
	return Serve(t, w)
}

// Serve lets a handler answer on UDP and TCP of one free port of loopback.
func Serve(t testing.TB, h dns.Handler) netip.AddrPort {
	t.Helper()
	pc, ln := Listen(t, "127.0.0.1")
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: ln, Handler: h}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return netip.MustParseAddrPort(pc.LocalAddr().String())
}

// Listen takes one free port of an address for UDP and TCP.
func Listen(t testing.TB, address string) (net.PacketConn, net.Listener) {
	t.Helper()
	var last error
	for range 20 { // the TCP port of the same number may be taken
		pc, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, ln
		}
		pc.Close()
		last = err
	}
	t.Fatal(last)
	return nil, nil
}

// ServeDNS is dns.Handler.
func (w *World) ServeDNS(rw dns.ResponseWriter, q *dns.Msg) {
	if len(q.Question) != 1 {
		_ = rw.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
		return
	}
	m := w.Answer(q)
	if rw.LocalAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		m.Compress = true
		if m.Len() > size {
			m.Answer, m.Ns, m.Truncated = nil, nil, true
		}
	}
	_ = rw.WriteMsg(m)
}

// Answer gives the answer to a question, as ServeDNS sends it.
func (w *World) Answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable, m.Compress = true, true
	do := false
	if opt := q.IsEdns0(); opt != nil {
		do = opt.Do()
		m.SetEdns0(1232, do)
	}
	w.fill(m, strings.ToLower(q.Question[0].Name), q.Question[0].Qtype)
	if !do {
		plain := func(rr dns.RR) bool {
			switch rr.Header().Rrtype {
			case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
				return q.Question[0].Qtype != rr.Header().Rrtype
			}
			return false
		}
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, plain), slices.DeleteFunc(m.Ns, plain)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, q.Question[0])
	if w.tamper != nil {
		w.tamper(q.Question[0], m)
	}
	return m
}

// Peek gives the true answer to a question, with DNSSEC records, without
// tampering or noting it.
func (w *World) Peek(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, qtype)
	w.fill(m, strings.ToLower(name), qtype)
	return m
}
