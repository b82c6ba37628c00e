package dnssec

import (
	"math/rand/v2"
	"testing"

	"github.com/miekg/dns"
)

// drawn makes a name of one to three labels from a byte.
func drawn(b byte) string {
	labels := []string{"a", "b", "c", "*", "ab", "ba"}
	n := labels[int(b)%6] + "." + "z."
	if b&0x40 != 0 {
		n = labels[int(b>>3)%6] + "." + n
	}
	if b&0x80 != 0 {
		n = labels[int(b>>2)%6] + "." + n
	}
	return n
}

// contradicted takes some true records of denial of a zone and asks for a
// name: what they prove must not be against the truth.
func contradicted(t *testing.T, z *zoneModel, q string, subset uint16) {
	t.Helper()
	apex, _ := sortable("z.")
	var work Work
	d := denial{apex: apex, w: &work}
	for i, rr := range z.denials {
		if subset>>(i%16)&1 == 1 {
			d.add(rr)
		}
	}
	for _, qtype := range []uint16{dns.TypeTXT, dns.TypeA, dns.TypeDS} {
		p := d.prove(q, qtype)
		exists, there, cut := z.truth(q, qtype)
		if (p == proofNoName && exists) || (p == proofNoData && there) || (p == proofUnsigned && (!cut || there)) || (p == proofOptOut && !z.optOut) {
			t.Errorf("%v of %s %s in %v", p, q, dns.TypeToString[qtype], z.denials)
		}
		// Below a cut nothing may be proven.
		if under := z.under(q); under != "" && under != q && p != proofNone && p != proofOptOut {
			t.Errorf("%v of %s, below the cut %s", p, q, under)
		}
		// All of the records do prove what is so.
		if subset == 0xffff && p == proofNone && !there && (z.under(q) == "" || (z.under(q) == q && qtype == dns.TypeDS)) {
			t.Errorf("nothing of %s %s in %v", q, dns.TypeToString[qtype], z.denials)
		}
	}
}

func FuzzDenial(f *testing.F) {
	for _, s := range []string{"\x00", "\x01abc", "\x02bca\xff", "\x03\x10\x20\x30", "\x04a\x81b\x02", "\x05\xff\xff\xff\xff\xff", "\x07\x01\x41\x05\x93\x11"} {
		f.Add([]byte(s), byte('a'), uint16(0xffff))
		f.Add([]byte(s), byte('c'), uint16(0x5555))
	}
	f.Fuzz(func(t *testing.T, spec []byte, query byte, subset uint16) {
		if len(spec) > 0 && len(spec) < 10 {
			contradicted(t, model(spec, drawn), drawn(query), subset)
		}
	})
}

// The same over many zones, in every run.
func TestDenialsNeverContradictTheZone(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 1500 {
		spec := make([]byte, 1+r.IntN(7))
		for i := range spec {
			spec[i] = byte(r.Uint32())
		}
		z := model(spec, drawn)
		for range 8 {
			query := byte(r.Uint32())
			contradicted(t, z, drawn(query), uint16(r.Uint32()))
			contradicted(t, z, drawn(query), 0xffff)
		}
		if t.Failed() {
			return
		}
	}
}
