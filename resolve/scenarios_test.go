package resolve

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// scenario is one question in a world of signed, broken and unsigned zones.
type scenario struct {
	name   string // a sentence
	asked  string
	qtype  uint16
	status dnssec.Status
	reason dnssec.Reason
	// found is how many records of the type come back.
	found  int
	noName bool
	// delv's judgement where it is another one, for the reason that the name
	// or a comment gives.
	delv dnssec.Status
}

// ds changes the algorithm of all DS records.
func dsAlgorithm(a uint8) func([]*dns.DS) []dns.RR {
	return func(list []*dns.DS) []dns.RR {
		var out []dns.RR
		for _, d := range list {
			d.Algorithm = a
			out = append(out, d)
		}
		return out
	}
}

// theWorld is all zones of the scenarios.
func theWorld(t testing.TB, now time.Time) *dnssectest.World {
	t.Helper()
	records := func(z string) []string {
		return []string{
			`_dnsauth.` + z + ` 60 IN TXT "value"`, `a.` + z + ` 60 IN A 192.0.2.1`, `a.` + z + ` 60 IN AAAA 2001:db8::1`, `alias.` + z + ` 60 IN CNAME _dnsauth.` + z,
			`*.wild.` + z + ` 60 IN TXT "wild"`, `deep.empty.` + z + ` 60 IN TXT "deep"`, `big.` + z + ` 60 IN CAA 0 issue "ca.example"`,
		}
	}
	long := func(base string, expiration time.Time, inception time.Time) dnssectest.Zone {
		return dnssectest.Zone{Name: base, Records: records(base), Inception: inception, Expiration: expiration}
	}
	return dnssectest.Build(t, now,
		dnssectest.Zone{Name: ".", Split: true},
		dnssectest.Zone{Name: "test."},
		dnssectest.Zone{Name: "optout.", NSEC3: true, OptOut: true, Salt: "ab"},
		dnssectest.Zone{Name: "secure.test.", Split: true, Records: append(records("secure.test."),
			`cross.secure.test. 60 IN CNAME _dnsauth.plain.test.`, `far.secure.test. 60 IN CNAME alias.three.test.`, `*.walias.secure.test. 60 IN CNAME _dnsauth.secure.test.`,
			`tree.secure.test. 60 IN DNAME three.test.`, `dangling.secure.test. 60 IN CNAME nothing.three.test.`, `tobad.secure.test. 60 IN CNAME _dnsauth.expired.test.`,
			`loop1.secure.test. 60 IN CNAME loop2.secure.test.`, `loop2.secure.test. 60 IN CNAME loop1.secure.test.`)},
		dnssectest.Zone{Name: "sub.secure.test.", Records: records("sub.secure.test.")},
		dnssectest.Zone{Name: "x.y.secure.test.", Records: records("x.y.secure.test.")},
		dnssectest.Zone{Name: "three.test.", NSEC3: true, Iterations: 5, Salt: "aabbccdd", Records: records("three.test.")},
		dnssectest.Zone{Name: "rsa.test.", Algorithm: dns.RSASHA256, Records: records("rsa.test.")},
		dnssectest.Zone{Name: "p384.test.", Algorithm: dns.ECDSAP384SHA384, Records: records("p384.test.")},
		dnssectest.Zone{Name: "ed.test.", Algorithm: dns.ED25519, Records: records("ed.test.")},
		dnssectest.Zone{Name: "plain.test.", Unsigned: true, Records: append(records("plain.test."), `back.plain.test. 60 IN CNAME _dnsauth.secure.test.`)},
		dnssectest.Zone{Name: "plain.three.test.", Unsigned: true, Records: records("plain.three.test.")},
		dnssectest.Zone{Name: "plain.optout.", Unsigned: true, Records: records("plain.optout.")},
		dnssectest.Zone{Name: "signed.optout.", NSEC3: true, OptOut: true, Records: records("signed.optout.")},
		dnssectest.Zone{Name: "island.test.", NoDS: true, Records: records("island.test.")},
		dnssectest.Zone{Name: "sub.plain.test.", Records: records("sub.plain.test.")},
		long("expired.test.", now.Add(-48*time.Hour), now.Add(-96*time.Hour)),
		long("early.test.", now.Add(96*time.Hour), now.Add(48*time.Hour)),
		dnssectest.Zone{Name: "unknown.test.", Records: records("unknown.test."), DS: dsAlgorithm(dns.PRIVATEDNS)},
		dnssectest.Zone{Name: "nods.test.", Records: records("nods.test."), DS: func(l []*dns.DS) []dns.RR {
			l[0].Digest = "00" + l[0].Digest[2:]
			return []dns.RR{l[0]}
		}},
		dnssectest.Zone{Name: "sha1ds.test.", Records: records("sha1ds.test."), DS: func(l []*dns.DS) []dns.RR {
			// A SHA-1 digest that is wrong, beside a right one of SHA-256, does no harm.
			return []dns.RR{l[0], &dns.DS{Hdr: l[0].Hdr, KeyTag: l[0].KeyTag, Algorithm: l[0].Algorithm, DigestType: dns.SHA1, Digest: "0011223344556677889900112233445566778899"}}
		}},
		dnssectest.Zone{Name: "lost.test.", Unsigned: true, Records: records("lost.test.")},
		dnssectest.Zone{Name: "iter.test.", NSEC3: true, Iterations: 1000, Records: records("iter.test.")},
		dnssectest.Zone{Name: "plain.iter.test.", Unsigned: true, Records: records("plain.iter.test.")},
	)
}

// scenarios are the questions. Section numbers are of RFC 4035 unless named.
func scenarios() []scenario {
	const (
		sec = dnssec.Secure
		ins = dnssec.Insecure
		bog = dnssec.Bogus
	)
	txt := dns.TypeTXT
	return []scenario{
		{name: "a signed record is secure (5.3)", asked: "_dnsauth.secure.test", qtype: txt, status: sec, found: 1},
		{name: "so is an address (H12)", asked: "a.secure.test", qtype: dns.TypeA, status: sec, found: 1},
		{name: "so is an IPv6 address (H12)", asked: "a.secure.test", qtype: dns.TypeAAAA, status: sec, found: 1},
		{name: "so is a CAA record (S1)", asked: "big.secure.test", qtype: dns.TypeCAA, status: sec, found: 1},
		{name: "a zone below a signed zone is secure", asked: "_dnsauth.sub.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a zone two labels below its parent is secure", asked: "_dnsauth.x.y.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a zone with RSA is secure (RFC 5702)", asked: "_dnsauth.rsa.test", qtype: txt, status: sec, found: 1},
		{name: "a zone with P-384 is secure (RFC 6605)", asked: "_dnsauth.p384.test", qtype: txt, status: sec, found: 1},
		{name: "a zone with Ed25519 is secure (RFC 8080)", asked: "_dnsauth.ed.test", qtype: txt, status: sec, found: 1},
		{name: "a SHA-1 digest does not count beside SHA-256 (RFC 4509)", asked: "_dnsauth.sha1ds.test", qtype: txt, status: sec, found: 1},
		{name: "an alias within a zone is secure", asked: "alias.secure.test", qtype: txt, status: sec, found: 1},
		{name: "the alias itself is secure", asked: "alias.secure.test", qtype: dns.TypeCNAME, status: sec, found: 1},
		{name: "aliases across signed zones are secure", asked: "far.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a DNAME is followed (RFC 6672)", asked: "_dnsauth.tree.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a wildcard's answer is secure (5.3.4)", asked: "x.y.wild.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a wildcard's answer by NSEC3 is secure (RFC 5155 8.8)", asked: "x.y.wild.three.test", qtype: txt, status: sec, found: 1},
		{name: "a wildcard's alias is secure", asked: "q.walias.secure.test", qtype: txt, status: sec, found: 1},
		{name: "a name that does not exist, by NSEC (5.4)", asked: "none.secure.test", qtype: txt, status: sec, noName: true},
		{name: "a name that does not exist, by NSEC3 (RFC 5155 8.4)", asked: "none.three.test", qtype: txt, status: sec, noName: true},
		{name: "a name below one that does not exist", asked: "a.b.none.three.test", qtype: txt, status: sec, noName: true},
		{name: "a type that does not exist, by NSEC", asked: "a.secure.test", qtype: txt, status: sec},
		{name: "a type that does not exist, by NSEC3 (RFC 5155 8.5)", asked: "a.three.test", qtype: txt, status: sec},
		{name: "an empty non-terminal, by NSEC", asked: "empty.secure.test", qtype: txt, status: sec},
		{name: "an empty non-terminal, by NSEC3", asked: "empty.three.test", qtype: txt, status: sec},
		{name: "a type that a wildcard has not, by NSEC", asked: "q.wild.secure.test", qtype: dns.TypeA, status: sec},
		{name: "a type that a wildcard has not, by NSEC3 (RFC 5155 8.7)", asked: "q.wild.three.test", qtype: dns.TypeA, status: sec},
		{name: "an alias to nothing", asked: "dangling.secure.test", qtype: txt, status: sec, noName: true},
		{name: "a top-level domain that does not exist", asked: "a.nothing", qtype: txt, status: sec, noName: true},

		{name: "an unsigned zone is insecure (5.2)", asked: "_dnsauth.plain.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "an unsigned zone below NSEC3 is insecure", asked: "_dnsauth.plain.three.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "an unsigned zone in an opt-out span is insecure (RFC 5155 8.6)", asked: "_dnsauth.plain.optout", qtype: txt, status: ins, reason: dnssec.OptOut, found: 1},
		// The span may hide an unsigned delegation of that name, so a validator
		// must not set AD: Unbound does not, delv looks only at the signatures.
		{name: "a name that an opt-out span may hide is insecure (RFC 5155 9.2)", asked: "none.optout", qtype: txt, status: ins, reason: dnssec.OptOut, noName: true, delv: sec},
		{name: "a signed zone below an opt-out zone is secure", asked: "_dnsauth.signed.optout", qtype: txt, status: sec, found: 1},
		{name: "a zone signed without DS is insecure", asked: "_dnsauth.island.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "a signed zone below an unsigned one is insecure", asked: "_dnsauth.sub.plain.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "what does not exist in an unsigned zone is insecure", asked: "none.plain.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, noName: true},
		{name: "an alias into an unsigned zone is insecure", asked: "cross.secure.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "an alias out of an unsigned zone is insecure", asked: "back.plain.test", qtype: txt, status: ins, reason: dnssec.UnsignedZone, found: 1},
		{name: "a zone whose DS all have an unknown algorithm is insecure (S10)", asked: "_dnsauth.unknown.test", qtype: txt, status: ins, reason: dnssec.AlgorithmUnknown, found: 1},
		{name: "a signed answer needs no NSEC3, so its iterations do not matter", asked: "_dnsauth.iter.test", qtype: txt, status: sec, found: 1},
		{name: "a denial with huge iterations is insecure (RFC 9276 3.2)", asked: "none.iter.test", qtype: txt, status: ins, reason: dnssec.IterationsTooMany, noName: true},
		{name: "an unsigned zone below huge iterations is insecure", asked: "_dnsauth.plain.iter.test", qtype: txt, status: ins, reason: dnssec.IterationsTooMany, found: 1},

		{name: "an expired signature is bogus", asked: "_dnsauth.expired.test", qtype: txt, status: bog, reason: dnssec.SignatureExpired},
		{name: "a signature of the future is bogus", asked: "_dnsauth.early.test", qtype: txt, status: bog, reason: dnssec.SignatureEarly},
		{name: "a DS without its key is bogus", asked: "_dnsauth.nods.test", qtype: txt, status: bog, reason: dnssec.KeyForDS},
		{name: "so is what does not exist below it", asked: "none.nods.test", qtype: txt, status: bog, reason: dnssec.KeyForDS},
		{name: "an alias into a broken zone is bogus", asked: "tobad.secure.test", qtype: txt, status: bog, reason: dnssec.SignatureExpired},
	}
}
