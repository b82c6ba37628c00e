package dnssec

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// zoneModel is a zone named "z." as sets of types by name, with its records of
// denial, made by other code than the validator's.
type zoneModel struct {
	types   map[string][]uint16
	denials []dns.RR
	optOut  bool
}

// model makes a zone: the first byte says how it denies, each further one is a
// name and what stands there.
func model(spec []byte, name func(byte) string) *zoneModel {
	z := &zoneModel{types: map[string][]uint16{"z.": {dns.TypeNS, dns.TypeSOA, dns.TypeRRSIG}}, optOut: spec[0]&3 == 3}
	for i, b := range spec[1:] {
		kinds := [][]uint16{{dns.TypeTXT}, {dns.TypeA}, {dns.TypeNS}, {dns.TypeNS, dns.TypeDS}, {dns.TypeA, dns.TypeTXT}}
		n, kind := name(b), kinds[(int(b)+i)%len(kinds)]
		if n[0] == '*' && kind[0] == dns.TypeNS { // no defined meaning (RFC 4592 section 4.2)
			kind = kinds[0]
		}
		z.types[n] = kind
	}
	for n := range z.types {
		if u := z.under(n); u != "" && u != n {
			delete(z.types, n) // glue
		}
	}
	three := spec[0]&1 == 1
	hash := func(n string) string { return n }
	if three {
		hash = func(n string) string { return dns.HashName(n, dns.SHA1, 1, "aa") }
	}
	owners := map[string][]uint16{}
	for n, types := range z.types {
		if z.optOut && z.insecure(n) {
			continue
		}
		owners[n] = types
		for up := parent(n); three && strings.HasSuffix(up, "z."); up = parent(up) {
			if _, ok := z.types[up]; !ok {
				owners[up] = nil // an empty non-terminal
			}
		}
	}
	var order []string
	for n := range owners {
		order = append(order, n)
	}
	slices.SortFunc(order, func(a, b string) int {
		if three {
			return strings.Compare(hash(a), hash(b))
		}
		return canonical(a, b)
	})
	for i, n := range order {
		next := order[(i+1)%len(order)]
		if !three {
			z.denials = append(z.denials, &dns.NSEC{Hdr: dns.RR_Header{Name: n}, NextDomain: next, TypeBitMap: append(slices.Clone(owners[n]), dns.TypeNSEC)})
			continue
		}
		flags := uint8(0)
		if z.optOut {
			flags = 1
		}
		z.denials = append(z.denials, &dns.NSEC3{
			Hdr: dns.RR_Header{Name: strings.ToLower(hash(n)) + ".z."}, Hash: dns.SHA1, Flags: flags, Iterations: 1, Salt: "aa", NextDomain: hash(next), TypeBitMap: owners[n],
		})
	}
	return z
}

func parent(n string) string { return n[strings.IndexByte(n, '.')+1:] }

// canonical is the order of RFC 4034 section 6.1, for names of plain letters.
func canonical(a, b string) int {
	x, y := strings.Split(strings.TrimSuffix(a, "."), "."), strings.Split(strings.TrimSuffix(b, "."), ".")
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

func (z *zoneModel) insecure(n string) bool {
	t := z.types[n]
	return n != "z." && slices.Contains(t, dns.TypeNS) && !slices.Contains(t, dns.TypeDS)
}

// under is the cut at or above a name.
func (z *zoneModel) under(n string) string {
	found := ""
	for ; len(n) > len("z."); n = parent(n) {
		if slices.Contains(z.types[n], dns.TypeNS) {
			found = n
		}
	}
	return found
}

// truth says whether a name exists, has the type, by itself or by a wildcard,
// and is a cut.
func (z *zoneModel) truth(q string, qtype uint16) (exists, there, cut bool) {
	is := func(n string) bool {
		if _, ok := z.types[n]; ok {
			return true
		}
		for o := range z.types {
			if strings.HasSuffix(o, "."+n) {
				return true
			}
		}
		return false
	}
	if is(q) {
		return true, slices.Contains(z.types[q], qtype), z.under(q) == q
	}
	encloser := q
	for !is(encloser) {
		encloser = parent(encloser)
	}
	wild := "*." + encloser
	if qtype != dns.TypeDS && is(wild) {
		return true, slices.Contains(z.types[wild], qtype), false
	}
	return false, false, false
}
