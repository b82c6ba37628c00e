package dnssectest

import (
	"bytes"
	"crypto"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// newKey makes a key for a zone.
func (z *zone) newKey(t testing.TB, flags uint16) *dns.DNSKEY {
	t.Helper()
	k := &dns.DNSKEY{Hdr: dns.RR_Header{Name: z.Name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Flags: flags, Protocol: 3, Algorithm: z.Algorithm}
	bits := 256
	switch z.Algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		bits = 1024 // quick to make
	case dns.ECDSAP384SHA384:
		bits = 384
	}
	private, err := k.Generate(bits)
	if err != nil {
		t.Fatal(err)
	}
	z.private[k] = private.(crypto.Signer)
	return k
}

// sign adds the keys, the chain of denial, and all signatures.
func (z *zone) sign(t testing.TB) {
	t.Helper()
	z.key = z.newKey(t, 257)
	z.zsk = z.key
	z.put(z.key)
	if z.Split {
		z.zsk = z.newKey(t, 256)
		z.put(z.zsk)
	}
	if z.NSEC3 {
		z.put(&dns.NSEC3PARAM{Hdr: z.header(z.Name, dns.TypeNSEC3PARAM), Hash: dns.SHA1, Iterations: z.Iterations, SaltLength: uint8(len(z.Salt) / 2), Salt: z.Salt})
		z.chain3()
	} else {
		z.chain()
	}
	for owner, sets := range z.sets {
		if z.under(owner) != "" && z.under(owner) != owner {
			continue // glue
		}
		for qtype, set := range sets {
			if z.under(owner) == owner && qtype != dns.TypeDS && qtype != dns.TypeNSEC {
				continue // a delegation's NS records are the child's
			}
			k := z.zsk
			if qtype == dns.TypeDNSKEY {
				k = z.key
			}
			z.put(Sign(t, k, z.private[k], set, uint32(z.Inception.Unix()), uint32(z.Expiration.Unix())))
		}
	}
}

// Sign signs a record set.
func Sign(t testing.TB, k *dns.DNSKEY, private crypto.Signer, set []dns.RR, inception, expiration uint32) *dns.RRSIG {
	t.Helper()
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Name: set[0].Header().Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: set[0].Header().Ttl},
		Algorithm: k.Algorithm, KeyTag: k.KeyTag(), SignerName: k.Hdr.Name, Inception: inception, Expiration: expiration,
	}
	if err := sig.Sign(private, set); err != nil {
		t.Fatal(err)
	}
	return sig
}

func (z *zone) header(owner string, qtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: qtype, Class: dns.ClassINET, Ttl: 300}
}

// under gives the delegation at or above an owner, if there is one.
func (z *zone) under(owner string) string {
	for name := owner; name != z.Name && name != ""; name = up(name) {
		if z.sets[name][dns.TypeNS] != nil {
			return name
		}
	}
	return ""
}

func up(name string) string {
	if name == "." {
		return ""
	}
	_, parent, _ := strings.Cut(name, ".")
	if parent == "" {
		return "."
	}
	return parent
}

// bits lists the types at an owner, as they will be once signed.
func (z *zone) bits(owner string, extra ...uint16) []uint16 {
	types := slices.Clone(extra)
	for t := range z.sets[owner] {
		if z.under(owner) == owner && t != dns.TypeNS && t != dns.TypeDS {
			continue
		}
		types = append(types, t)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func (z *zone) chain() {
	for owner := range z.sets {
		if at := z.under(owner); at == "" || at == owner {
			z.order = append(z.order, owner)
		}
	}
	slices.SortFunc(z.order, compare)
	for i, owner := range z.order {
		z.put(&dns.NSEC{
			Hdr: z.header(owner, dns.TypeNSEC), NextDomain: z.order[(i+1)%len(z.order)],
			TypeBitMap: z.bits(owner, dns.TypeRRSIG, dns.TypeNSEC),
		})
	}
}

func (z *zone) hash(name string) string { return dns.HashName(name, dns.SHA1, z.Iterations, z.Salt) }

func (z *zone) chain3() {
	names := map[string]string{} // by hash
	for owner := range z.sets {
		at := z.under(owner)
		if (at != "" && at != owner) || (at == owner && z.OptOut && z.sets[owner][dns.TypeDS] == nil) {
			continue
		}
		for name := owner; ; name = up(name) { // with the empty non-terminals above
			names[z.hash(name)] = name
			if name == z.Name {
				break
			}
		}
	}
	for h := range names {
		z.hashes = append(z.hashes, h)
	}
	slices.Sort(z.hashes)
	for i, h := range z.hashes {
		name := names[h]
		var extra []uint16
		if z.sets[name] != nil && (z.under(name) == "" || z.sets[name][dns.TypeDS] != nil) {
			extra = append(extra, dns.TypeRRSIG)
		}
		flags := uint8(0)
		if z.OptOut {
			flags = 1
		}
		z.put(&dns.NSEC3{
			Hdr: z.header(z.ownerOf(h), dns.TypeNSEC3), Hash: dns.SHA1, Flags: flags, Iterations: z.Iterations, SaltLength: uint8(len(z.Salt) / 2), Salt: z.Salt,
			HashLength: 20, NextDomain: z.hashes[(i+1)%len(z.hashes)], TypeBitMap: z.bits(name, extra...),
		})
	}
}

func (z *zone) ownerOf(hash string) string {
	if z.Name == "." {
		return strings.ToLower(hash) + "."
	}
	return strings.ToLower(hash) + "." + z.Name
}

// compare is the canonical order of names, written from RFC 4034 section 6.1
// for itself, so that the validator's is tested by another.
func compare(a, b string) int {
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	for i := 1; i <= len(x) && i <= len(y); i++ {
		if c := bytes.Compare([]byte(strings.ToLower(x[len(x)-i])), []byte(strings.ToLower(y[len(y)-i]))); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}
