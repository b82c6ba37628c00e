package capsule

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Facet is one thing that a proof rests on, for those who ask which proofs
// rest on it: "method", "rules", "psl", "deed", "dnssec", "resolver" (an
// address), "nameserver" (a name in the answers' NS records, or an address of a
// server asked directly), "address" (of a web server).
type Facet struct{ Name, Value string }

// maxFacets bounds those of one capsule.
const maxFacets = 40

// Facets lists what the capsule rests on, each once.
func (c *Capsule) Facets() []Facet {
	list := []Facet{{"method", string(c.Challenge.Method)}, {"rules", c.Rules}, {"psl", c.PSL}, {"deed", c.Deed}}
	add := func(name, value string) {
		if f := (Facet{name, value}); value != "" && len(list) < maxFacets && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	add("dnssec", c.Challenge.DNSSEC)
	for i := range c.DNS {
		e := &c.DNS[i]
		if len(e.Received) == 0 || e.Fault != "" {
			continue
		}
		add("resolver", e.Server)
		if len(e.Received) < 12 || (e.Received[8]|e.Received[9] == 0 && e.Type != dns.TypeNS && e.Type != dns.TypeSOA) {
			continue // no authority section: most answers
		}
		var m dns.Msg
		if m.Unpack(e.Received) != nil {
			continue
		}
		for _, section := range [][]dns.RR{m.Answer, m.Ns} {
			for _, rr := range section {
				switch rr := rr.(type) {
				case *dns.NS:
					add("nameserver", host(rr.Ns))
				case *dns.SOA:
					add("nameserver", host(rr.Ns))
				}
			}
		}
	}
	for i := range c.HTTP {
		add("address", c.HTTP[i].Addr)
	}
	for i := range c.TLS {
		add("address", c.TLS[i].Addr)
	}
	return list
}

func host(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
