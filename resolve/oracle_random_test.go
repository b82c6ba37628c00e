package resolve

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// Zones that nobody thought of, with wildcards, aliases, empty names, signed
// and unsigned children, by NSEC and NSEC3: Unbound and Deed judge them alike.
func TestOracleAgreesOnRandomZones(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 11))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	zones := []dnssectest.Zone{{Name: "."}}
	var names []string
	for i := range 12 {
		apex := fmt.Sprintf("r%d.", i)
		z := dnssectest.Zone{Name: apex, NSEC3: i%2 == 1, OptOut: i%4 == 3, Iterations: uint16(r.IntN(3)), Salt: pick("", "ab")}
		taken := map[string]bool{}
		for range 3 + r.IntN(6) {
			owner := pick("a.", "b.", "c.", "*.", "a.b.", "b.c.", "*.a.", "a.a.b.") + apex
			if taken[owner] {
				continue
			}
			taken[owner] = true
			z.Records = append(z.Records, owner+pick(` 60 IN TXT "x"`, ` 60 IN A 192.0.2.1`, " 60 IN CNAME a."+apex, " 60 IN CNAME b.r0.", ` 60 IN TXT "y"`))
		}
		zones = append(zones, z)
		for _, child := range []string{"s.", "u.", "d.s."} {
			if r.IntN(2) == 0 {
				zones = append(zones, dnssectest.Zone{Name: child + apex, Unsigned: child == "u.", NSEC3: r.IntN(2) == 0, Records: []string{"a." + child + apex + ` 60 IN TXT "z"`}})
			}
		}
		for _, n := range []string{"", "a.", "b.", "c.", "d.", "a.b.", "b.a.", "c.c.", "q.a.b.", "x.y.c.", "a.s.", "n.s.", "a.u.", "n.u.", "a.d.s.", "s.", "u."} {
			names = append(names, n+apex)
		}
	}
	w := dnssectest.Build(t, time.Now().Truncate(time.Second), zones...)
	server := w.Serve(t)
	through := unbound(t, w, server)
	secure := 0
	for _, name := range names {
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeA} {
			a, err := validating(t, w, server).Lookup(t.Context(), name, qtype)
			if err != nil && kindOf(t, err) == ChainTooLong {
				continue // a circle of aliases, which the zones may hold
			}
			f := judged(t, a, err)
			status, found, noName := byUnbound(t, through, name, qtype)
			if n := len(a.TXT) + len(a.Addrs); status != f.Status || found != n || noName != a.NXDomain {
				t.Errorf("%s %s: Unbound %s, %d records, NXDOMAIN %v; here %s, %d, %v", dns.TypeToString[qtype], name, status, found, noName, f, n, a.NXDomain)
			}
			if f.Status == dnssec.Secure {
				secure++
			}
		}
	}
	if secure < len(names) {
		t.Errorf("only %d of %d answers are secure: the zones say little", secure, 2*len(names))
	}
}
