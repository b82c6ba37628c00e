package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"deed/resolve"
)

// zoneFacts is what the zone's own name servers say, each asked directly.
type zoneFacts struct {
	name, parent string
	delegated    []string // the parent's NS records; nil if they could not be had
	child        []string // the zone's own, as the resolvers see them
	asked        question // the record that each server was asked for
	servers      []*server
}

// server is one address of a name server.
type server struct {
	host      string
	addr      netip.AddrPort
	delegated bool // the parent names it
	listed    bool // the zone names it
	master    bool // the SOA names it as where changes are made
	soa       *said
	record    *said
	held      *want // the value that it has
	// When the record's question went unanswered: the root's name, which has no
	// letters to mix the case of, and the question over TCP.
	letterless, tcp *said
}

func (s *server) String() string { return s.host + " (" + s.addr.Addr().String() + ")" }

// copy names it with its copy of the zone.
func (s *server) copy() string {
	return fmt.Sprintf("%s (%s, serial %d)", s.host, s.addr.Addr(), s.serial())
}

// authoritative: it serves the zone.
func (s *server) authoritative() bool {
	return s.soa.ok() && s.soa.aa && s.soa.soa != nil
}

func (s *server) serial() uint32 {
	if s.soa == nil || s.soa.soa == nil {
		return 0
	}
	return s.soa.soa.Serial
}

const (
	maxHosts     = 8
	maxAddresses = 10
)

// servers asks each name server of the zone, at addresses that may be asked.
func (g *gatherer) servers(ctx context.Context) {
	f := g.f
	target := question{f.ch.Name.Base().String(), dns.TypeA}
	if w := f.best(); w != nil {
		target = question{w.name, w.qtype}
	}
	z := &zoneFacts{name: g.zoneOf(ctx, target), asked: target}
	if z.name == "" || !strings.Contains(z.name, ".") {
		return // a top-level domain's servers are not the applicant's
	}
	f.zone = z
	if s := g.look(ctx, z.name, dns.TypeNS); s.ok() {
		z.child = sorted(s.ns)
	}
	var glue map[string][]netip.Addr
	z.delegated, glue = g.delegation(ctx, z)
	master := ""
	if s := g.known(z.name, dns.TypeSOA); s.ok() && s.soa != nil && plain(s.soa.Hdr.Name) == z.name {
		master = plain(s.soa.Ns)
	}
	hosts := append(slices.Clone(z.delegated), z.child...)
	if master != "" {
		hosts = append(hosts, master)
	}
	hosts = sorted(hosts)
	hosts = hosts[:min(len(hosts), maxHosts)]
	found := make([][]netip.Addr, len(hosts))
	fns := make([]func(), len(hosts))
	for i, h := range hosts {
		fns[i] = func() { found[i] = g.addresses(ctx, h, glue) }
	}
	all(fns)
	policy := g.policy()
	for i, h := range hosts {
		for _, a := range found[i] {
			if _, ok := policy.Permits(a); ok && len(z.servers) < maxAddresses {
				z.add(&server{
					host: h, addr: netip.AddrPortFrom(a, g.o.NameServerPort), delegated: slices.Contains(z.delegated, h), listed: slices.Contains(z.child, h), master: h == master,
				})
			}
		}
	}
	fns = fns[:0]
	for _, s := range z.servers {
		fns = append(fns, func() { g.interview(ctx, z, s) })
	}
	all(fns)
	for _, s := range z.servers {
		g.see("SOA "+z.name+" @"+s.host+" "+s.addr.Addr().String(), s.state())
	}
}

// add keeps each address once, however many names lead to it: nobody can have
// many questions sent to one address.
func (z *zoneFacts) add(s *server) {
	for _, old := range z.servers {
		if old.addr == s.addr {
			old.delegated, old.listed, old.master = old.delegated || s.delegated, old.listed || s.listed, old.master || s.master
			return
		}
	}
	z.servers = append(z.servers, s)
}

// state is a server's answer in words.
func (s *server) state() string {
	switch {
	case s.soa == nil:
		return "not asked"
	case s.authoritative():
		return fmt.Sprintf("serial %d", s.serial())
	case s.soa.fault != resolve.FaultNone && s.soa.fault != resolve.FaultCase:
		return string(s.soa.fault)
	case s.soa.rcode != dns.RcodeSuccess:
		return dns.RcodeToString[s.soa.rcode]
	}
	return "no authority for the zone"
}

// zoneOf finds the zone that a name lies in.
func (g *gatherer) zoneOf(ctx context.Context, q question) string {
	within := func(s *said) string {
		if z := s.zone(); z != "" && (q.name == z || strings.HasSuffix(q.name, "."+z)) {
			return z
		}
		return ""
	}
	for _, name := range []string{g.f.ch.Name.Base().String(), g.f.base()} {
		s := g.look(ctx, name, dns.TypeSOA)
		if z := within(s); s.ok() && z != "" {
			// The look-up of the zone's own name also gives its first server.
			g.look(ctx, z, dns.TypeSOA)
			return z
		}
	}
	return g.f.base() // it does not answer; its delegation can still be asked for
}

// delegation asks a server of the parent zone whom it names.
func (g *gatherer) delegation(ctx context.Context, z *zoneFacts) ([]string, map[string][]netip.Addr) {
	_, up, _ := strings.Cut(z.name, ".")
	s := g.look(ctx, up, dns.TypeSOA)
	if !s.ok() {
		return nil, nil
	}
	z.parent = or(s.zone(), up)
	n := g.look(ctx, z.parent, dns.TypeNS)
	if !n.ok() {
		return nil, nil
	}
	policy := g.policy()
	tried := 0
	for _, host := range sorted(n.ns) {
		for _, a := range g.addresses(ctx, host, n.glue) {
			if _, ok := policy.Permits(a); !ok || tried == 3 {
				continue
			}
			tried++
			if r := g.exchange(ctx, netip.AddrPortFrom(a, g.o.NameServerPort), z.name, dns.TypeNS, resolve.UDP); r != nil && len(r.ns) > 0 {
				return sorted(r.ns), r.glue
			}
		}
	}
	return nil, nil
}

// addresses are those of a name server: at most two, one of each family.
func (g *gatherer) addresses(ctx context.Context, host string, glue map[string][]netip.Addr) []netip.Addr {
	list := glue[host]
	if len(list) == 0 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if s := g.look(ctx, host, qtype); s.ok() {
				list = append(list, s.addrs...)
			}
		}
	}
	var out []netip.Addr
	for _, four := range []bool{true, false} {
		for _, a := range list {
			if a.Is4() == four {
				out = append(out, a)
				break
			}
		}
	}
	return out
}

// interview asks one server for the zone and for the record.
func (g *gatherer) interview(ctx context.Context, z *zoneFacts, s *server) {
	ask := func(q question) *said {
		r := g.exchange(ctx, s.addr, q.name, q.qtype, resolve.UDP)
		if r != nil && r.tc {
			s.tcp = g.exchange(ctx, s.addr, q.name, q.qtype, resolve.TCP)
			if s.tcp.ok() {
				return s.tcp
			}
		}
		return r
	}
	s.soa = ask(question{z.name, dns.TypeSOA})
	if s.soa == nil {
		return
	}
	if s.soa.fault == resolve.FaultTimeout {
		// Dead, or only deaf to mixed case?
		s.letterless = g.exchange(ctx, s.addr, ".", dns.TypeNS, resolve.UDP)
		if s.letterless == nil || s.letterless.fault != resolve.FaultNone {
			return
		}
		s.tcp = g.exchange(ctx, s.addr, z.name, dns.TypeSOA, resolve.TCP)
		return
	}
	s.record = ask(z.asked)
	if w, ok := g.f.holdsAt(s.record, z.asked); ok {
		s.held = w
		return
	}
	// The value may stand at another of the names that count.
	done := map[question]bool{z.asked: true}
	for i := range g.f.wants {
		w := &g.f.wants[i]
		q := question{w.name, w.qtype}
		if done[q] || len(done) > 3 {
			continue
		}
		done[q] = true
		if h, ok := g.f.holdsAt(ask(q), q); ok {
			s.held = h
			return
		}
	}
}

// holdsAt: the answer would pass at this name.
func (f *facts) holdsAt(s *said, q question) (*want, bool) {
	if !s.ok() {
		return nil, false
	}
	for i := range f.wants {
		w := &f.wants[i]
		if w.name == q.name && w.qtype == q.qtype && (slices.ContainsFunc(s.txt, func(t string) bool { return f.compare(t, w) == slipExact }) || w.qtype == dns.TypeCNAME && s.cname == w.value) {
			return w, true
		}
	}
	return nil, false
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
