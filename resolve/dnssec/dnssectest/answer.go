package dnssectest

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// fill answers as a resolver does, following aliases through all zones.
func (w *World) fill(m *dns.Msg, name string, qtype uint16) {
	for range 12 {
		z := w.zoneOf(name, qtype)
		if z == nil {
			m.Rcode = dns.RcodeServerFailure
			return
		}
		next := z.fill(m, name, qtype)
		if next == "" {
			return
		}
		name = strings.ToLower(next)
	}
}

func (w *World) zoneOf(name string, qtype uint16) *zone {
	if qtype == dns.TypeDS && name != "." && w.zones[name] != nil {
		name = up(name)
	}
	for ; name != ""; name = up(name) {
		if z := w.zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// fill adds what a zone says; it returns the target of an alias.
func (z *zone) fill(m *dns.Msg, name string, qtype uint16) string {
	for at := up(name); at != "" && dns.IsSubDomain(z.Name, at); at = up(at) {
		if d := z.sets[at][dns.TypeDNAME]; len(d) > 0 {
			target := strings.TrimSuffix(name, at) + d[0].(*dns.DNAME).Target
			m.Answer = append(m.Answer, d...)
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300}, Target: target})
			return target
		}
	}
	if z.exists(name) {
		return z.at(m, name, name, qtype)
	}
	closest := name
	next := name
	for !z.exists(closest) {
		next, closest = closest, up(closest)
	}
	wild := "*." + strings.TrimPrefix(closest, ".")
	if z.sets[wild] != nil {
		z.deny(m, next)
		if !z.NSEC3 && !z.Unsigned {
			z.deny(m, name)
		}
		return z.at(m, name, wild, qtype)
	}
	m.Rcode = dns.RcodeNameError
	z.soa(m)
	if z.NSEC3 {
		z.match(m, closest)
		z.deny(m, next)
	} else {
		z.deny(m, name)
	}
	z.deny(m, wild)
	return ""
}

func (z *zone) exists(name string) bool {
	if z.sets[name] != nil && (z.under(name) == "" || z.under(name) == name) {
		for t := range z.sets[name] {
			if t != dns.TypeNSEC3 {
				return true
			}
		}
		return false
	}
	for owner, sets := range z.sets {
		if strings.HasSuffix(owner, "."+name) && sets[dns.TypeNSEC3] == nil {
			return true
		}
	}
	return name == z.Name
}

// at answers from the records of source, which is the name or a wildcard.
func (z *zone) at(m *dns.Msg, name, source string, qtype uint16) string {
	for _, t := range []uint16{qtype, dns.TypeCNAME} {
		set := z.sets[source][t]
		if len(set) == 0 {
			continue
		}
		for _, rr := range set {
			c := dns.Copy(rr)
			c.Header().Name = name
			m.Answer = append(m.Answer, c)
		}
		if cname, ok := set[0].(*dns.CNAME); ok && qtype != dns.TypeCNAME {
			return cname.Target
		}
		return ""
	}
	z.soa(m)
	if source != name && z.NSEC3 {
		z.match(m, up(source))
	}
	z.match(m, source)
	return ""
}

func (z *zone) soa(m *dns.Msg) { z.ns(m, z.sets[z.Name][dns.TypeSOA]) }

// ns adds records to the authority section, each once.
func (z *zone) ns(m *dns.Msg, set []dns.RR) {
	for _, rr := range set {
		if !slices.ContainsFunc(m.Ns, func(o dns.RR) bool { return o == rr }) {
			m.Ns = append(m.Ns, rr)
		}
	}
}

// match adds the record that stands at a name, or what stands for it.
func (z *zone) match(m *dns.Msg, name string) {
	switch {
	case z.Unsigned:
	case z.NSEC3:
		h := z.hash(name)
		if slices.Contains(z.hashes, h) {
			z.ns(m, z.sets[z.ownerOf(h)][dns.TypeNSEC3])
			return
		}
		// An opted-out delegation: the closest encloser and what covers the rest.
		next := name
		for !slices.Contains(z.hashes, z.hash(name)) {
			next, name = name, up(name)
		}
		z.match(m, name)
		z.deny(m, next)
	case z.sets[name][dns.TypeNSEC] != nil:
		z.ns(m, z.sets[name][dns.TypeNSEC])
	default:
		z.deny(m, name) // an empty non-terminal
	}
}

// deny adds the record that covers a name.
func (z *zone) deny(m *dns.Msg, name string) {
	if z.Unsigned {
		return
	}
	if z.NSEC3 {
		i, _ := slices.BinarySearch(z.hashes, z.hash(name))
		z.ns(m, z.sets[z.ownerOf(z.hashes[(i+len(z.hashes)-1)%len(z.hashes)])][dns.TypeNSEC3])
		return
	}
	i, _ := slices.BinarySearchFunc(z.order, name, compare)
	z.ns(m, z.sets[z.order[(i+len(z.order)-1)%len(z.order)]][dns.TypeNSEC])
}
