package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
	"deed/reserve"
	"deed/resolve"
)

// gatherer asks. It judges nothing.
type gatherer struct {
	o Options
	k *check.Case
	f *facts

	mu sync.Mutex
}

func (g *gatherer) gather(ctx context.Context) {
	if shownButRefused(g.f.v) {
		return
	}
	byDNS := len(g.f.wants) > 0
	if byDNS {
		g.places(ctx)
	}
	if byDNS || dnsTrouble(g.f.v) {
		g.servers(ctx)
	}
	if g.f.path != "" {
		g.website(ctx)
	}
	g.recall(ctx)
}

// shownButRefused: control was shown, and CAA forbids. Nothing is amiss with
// the record, so nothing is looked for.
func shownButRefused(v *dcv.Verdict) bool {
	return v.Problem != nil && (v.Problem.Code == dcv.CAADenied || v.Problem.Code == dcv.CAALookupFailed)
}

// dnsTrouble: the verdict's reason lies in the DNS, whatever the method.
func dnsTrouble(v *dcv.Verdict) bool {
	if v.Problem == nil {
		return false
	}
	switch v.Problem.Code {
	case dcv.DNSServFail, dcv.DNSRefused, dcv.DNSTimeout, dcv.DNSMalformed, dcv.DNSBogus, dcv.AddressNone, dcv.DNSNoName:
		return true
	}
	return false
}

// exchange asks one server one question: over UDP, and over TCP where the
// answer was cut or came back in another case. nil when nothing more may be
// asked.
func (g *gatherer) exchange(ctx context.Context, server netip.AddrPort, name string, qtype uint16, transport resolve.Transport) *said {
	ask := resolve.Ask{Server: server, Transport: transport, Name: name, Type: qtype, EDNS: true, Timeout: g.o.Timeout}
	r, err := g.k.DNS.Exchange(ctx, ask)
	if err != nil {
		return nil
	}
	s := &said{fault: r.Fault}
	if len(r.Received) > 0 {
		s = read(r.Received, name, qtype)
		if r.Fault == resolve.FaultCase {
			s.fault = resolve.FaultCase
		}
	}
	s.server, s.heard = server, r.Started.Add(r.Elapsed)
	return s
}

// look asks the resolvers, and keeps what they said.
func (g *gatherer) look(ctx context.Context, name string, qtype uint16) *said {
	if len(name) > dcv.MaxName || len(g.k.Servers) == 0 {
		return nil
	}
	if s := g.known(name, qtype); s != nil {
		return s
	}
	s := g.exchange(ctx, g.k.Servers[0], name, qtype, resolve.UDP)
	if s != nil && (s.tc || s.fault == resolve.FaultCase) {
		s = g.exchange(ctx, g.k.Servers[0], name, qtype, resolve.TCP)
	}
	if s == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.f.asked[question{name, qtype}] = s
	return s
}

func (g *gatherer) known(name string, qtype uint16) *said {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.f.said(name, qtype)
}

// all runs fns, at most eight at once.
func all(fns []func()) {
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for _, fn := range fns {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			fn()
		})
	}
	wg.Wait()
}

// see notes what the diagnosis looked at.
func (g *gatherer) see(asked, result string, values ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.f.seen) == 32 {
		return
	}
	o := dcv.Observation{Asked: asked, Result: result}
	for _, v := range values[:min(len(values), 4)] {
		o.Values = append(o.Values, strings.Trim(shown(v), "“”"))
	}
	g.f.seen = append(g.f.seen, o)
}

// places looks at the names where people put the record by mistake.
func (g *gatherer) places(ctx context.Context) {
	f := g.f
	base := f.base()
	if s := g.look(ctx, base, dns.TypeTXT); s != nil && s.rcode == dns.RcodeNameError {
		return // nothing can stand below a name that does not exist (RFC 8020)
	}
	var names []question
	add := func(name string, qtype uint16) {
		q := question{name, qtype}
		if f.wantAt(name) != nil && f.wantAt(name).qtype == qtype || slices.Contains(names, q) {
			return
		}
		names = append(names, q)
		if f.wantAt(name) == nil && !slices.Contains(f.elsewhere, name) {
			f.elsewhere = append(f.elsewhere, name)
		}
	}
	adns := []string{f.wants[0].adn}
	if base != adns[0] {
		adns = append(adns, base)
	}
	for _, adn := range adns {
		var own []want
		for _, w := range f.wants {
			if w.adn == adn && w.name != adn && len(own) < 2 && !slices.ContainsFunc(own, func(o want) bool { return o.name == w.name }) {
				own = append(own, w)
			}
		}
		for _, w := range own {
			l := label(w.name, adn)
			add(w.name+"."+base, w.qtype)
			if adn != base {
				add(w.name+"."+adn, w.qtype)
			}
			add(strings.TrimPrefix(l, "_")+"."+adn, w.qtype)
			add(l+".www."+adn, w.qtype)
			add(l+"."+l+"."+adn, w.qtype)
		}
		if f.wants[0].qtype == dns.TypeCNAME {
			add(check.Prefix+"."+adn, dns.TypeTXT)
			add(adn, dns.TypeTXT)
			add(f.wants[0].token+"."+adn, dns.TypeTXT)
		} else {
			for _, l := range []string{check.Prefix, "_acme-challenge", "_validation", "_pki-validation", "_dcv", "www"} {
				add(l+"."+adn, dns.TypeTXT)
			}
			add(adn, dns.TypeTXT)
			if len(f.wants[0].token) <= dcv.MaxLabel && !strings.ContainsAny(f.wants[0].token, "; ") {
				add(f.wants[0].token+"."+adn, dns.TypeTXT)
			}
		}
		add(f.canary+"."+adn, f.wants[0].qtype)
	}
	fns := make([]func(), len(names))
	for i, q := range names {
		fns[i] = func() { g.look(ctx, q.name, q.qtype) }
	}
	all(fns)
	for _, q := range names {
		if s := f.asked[q]; s.ok() && (len(s.txt) > 0 || s.cname != "") {
			values := s.txt
			if s.cname != "" {
				values = append([]string{"CNAME " + s.cname}, values...)
			}
			g.see(dns.TypeToString[q.qtype]+" "+q.name, counted(len(values)), values...)
		}
	}
}

func counted(n int) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// recall asks which of the texts seen were handed out here.
func (g *gatherer) recall(ctx context.Context) {
	if g.o.Issued == nil {
		return
	}
	var texts []string
	add := func(s string) {
		s = strings.Trim(s, " \t\r\n"+quotes)
		if likeValue(s) && len(texts) < 16 && !slices.Contains(texts, s) {
			texts = append(texts, s)
		}
	}
	for _, w := range g.f.wants {
		if s := g.f.said(w.name, w.qtype); s.ok() {
			for _, t := range s.txt {
				add(t)
			}
			first, _, _ := strings.Cut(s.cname, ".")
			add(first)
		}
	}
	for _, v := range g.f.visited {
		if len(v.Body) <= 256 {
			add(string(v.Body))
		}
	}
	if len(texts) == 0 {
		return
	}
	// A store that fails leaves a fact less; the verdict stands anyway.
	if list, err := g.o.Issued.Recall(ctx, &g.k.Challenge, texts); err == nil {
		g.f.recalled = list
	}
}

// policy says which name servers may be asked directly.
func (g *gatherer) policy() reserve.Policy {
	var p reserve.Policy
	for _, s := range g.k.Challenge.AllowPrivate {
		if prefix, err := netip.ParsePrefix(s); err == nil {
			p.Allow = append(p.Allow, prefix)
		}
	}
	return p
}
