package dnssec

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec/dnssectest"
)

func FuzzParseAnchors(f *testing.F) {
	for _, text := range []string{
		"", ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", "; a comment\n. 172800 IN DS 20326 8 2 ( E06D44B80B8F1D39A95C0B0D7C65D084\n58E880409BBC683457104237C7F8EC8D )",
		"$INCLUDE /etc/passwd", "$GENERATE 1-1000000 a$. DS 1 8 2 00", ". IN DS 1 8 2 zz", "example. IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
		". IN A 192.0.2.1", "a.\n b. IN DS 1 8 2 00", "$ORIGIN test.\n@ IN DS 1 13 2 00", strings.Repeat(". IN DS 1 8 2 00\n", 65),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAnchors(text)
		if err != nil {
			return
		}
		// What is read can be written and read again, and is never empty.
		again, err := ParseAnchors(a.Text())
		if err != nil || again.Text() != a.Text() || a.Text() == "" {
			t.Errorf("%q, then %v", a.Text(), err)
		}
		n := 0
		for zone, at := range a.zones {
			n += len(at.ds) + len(at.keys)
			if len(at.ds)+len(at.keys) == 0 || zone != dns.CanonicalName(zone) {
				t.Errorf("an anchor of %q without keys", zone)
			}
		}
		if n > maxAnchors {
			t.Errorf("%d anchors", n)
		}
	})
}

func TestRootAnchors(t *testing.T) {
	for _, row := range []struct {
		day  string
		tags []uint16
	}{
		{"2016-01-01", nil}, {"2017-02-01", nil}, {"2017-02-02", []uint16{20326}}, {"2024-07-17", []uint16{20326}}, {"2024-07-18", []uint16{20326, 38696}}, {"2026-11-24", []uint16{20326, 38696}},
	} {
		at, err := time.Parse(time.DateOnly, row.day)
		if err != nil {
			t.Fatal(err)
		}
		ds := Root(at).zones["."].ds
		if len(ds) != len(row.tags) {
			t.Errorf("%s: %v", row.day, ds)
			continue
		}
		for i, d := range ds {
			if d.KeyTag != row.tags[i] || d.Algorithm != dns.RSASHA256 || d.DigestType != dns.SHA256 || len(d.Digest) != 64 {
				t.Errorf("%s: %s", row.day, d)
			}
		}
	}
}

// FuzzKeys puts arbitrary DNSKEY, DS and RRSIG data before the code that
// decides which keys a zone has: nothing panics, nothing unsigned is a zone,
// and the work is bounded.
func FuzzKeys(f *testing.F) {
	w := dnssectest.Build(f, day, dnssectest.Zone{Name: "."}, dnssectest.Zone{Name: "rsa.", Algorithm: dns.RSASHA256}, dnssectest.Zone{Name: "ed.", Algorithm: dns.ED25519})
	for _, z := range []string{"rsa.", "ed.", "."} {
		m := w.Peek(z, dns.TypeDNSKEY)
		key, sig := m.Answer[0], m.Answer[1]
		f.Add(data(key), data(key.(*dns.DNSKEY).ToDS(dns.SHA256)), data(sig))
	}
	f.Add([]byte{1, 1, 3, 8, 0, 0, 0}, []byte{0, 1, 8, 2}, []byte{})
	f.Add([]byte{1, 1, 3, 13}, []byte{0, 1, 13, 4, 1}, []byte{0, 48, 13, 0})
	f.Fuzz(func(t *testing.T, key, ds, sig []byte) {
		m := new(dns.Msg)
		var vouched []*dns.DS
		for i := range 6 { // the first key as it is, the others under the same tag
			rr := record("z.", dns.TypeDNSKEY, key)
			if rr == nil {
				return
			}
			if k, ok := rr.(*dns.DNSKEY); ok && i > 0 && len(key) > 8 {
				key = append([]byte(nil), key...)
				key[4], key[6], key[5], key[7] = key[6], key[4], key[7], key[5]
				k.Protocol = 3
			}
			m.Answer = append(m.Answer, rr)
		}
		for range 40 {
			if rr := record("z.", dns.TypeRRSIG, sig); rr != nil {
				m.Answer = append(m.Answer, rr)
			}
			if rr, ok := record("z.", dns.TypeDS, ds).(*dns.DS); ok {
				vouched = append(vouched, rr)
			}
		}
		v := New(Options{Source: &forger{world: w}, Anchors: Root(day), Now: day})
		var work Work
		l, _ := v.keys(&work, "z.", "z\x00", m, vouched, nil)
		if l.kind == linkCut {
			t.Errorf("a zone without a signature of its own: %v", m.Answer)
		}
		if work.signatures > maxSetSigs*maxSameTag {
			t.Errorf("%d signatures computed", work.signatures)
		}
	})
}

// data is the RDATA of a record.
func data(rr dns.RR) []byte {
	b := make([]byte, 4096)
	n, err := dns.PackRR(rr, b, 0, nil, false)
	if err != nil {
		panic(err)
	}
	_, off, _ := dns.UnpackDomainName(b, 0)
	return b[off+10 : n]
}

// record makes a record of arbitrary data; nil if the library refuses it.
func record(owner string, qtype uint16, data []byte) dns.RR {
	if len(data) > 2000 {
		return nil
	}
	b := make([]byte, 300)
	n, err := dns.PackDomainName(owner, b, 0, nil, false)
	if err != nil {
		panic(err)
	}
	b = binary.BigEndian.AppendUint16(b[:n], qtype)
	b = append(b, 0, 1, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	rr, _, err := dns.UnpackRR(append(b, data...), 0)
	if err != nil {
		return nil
	}
	return rr
}

// KeyTrap (CVE-2023-50387): many keys of one tag and many signatures that name
// it. The number of signatures computed is bounded, and the end is bogus.
func TestIncidentKeyTrap(t *testing.T) {
	w := smallWorld(t)
	anchors, err := ParseAnchors(w.Anchors())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name       string
		keys, sigs int
		reason     Reason
	}{
		{"many keys of one tag", 60, 1, TooMuchWork},
		{"many signatures", 1, 60, TooMuchWork},
		{"both", 60, 60, TooMuchWork},
		{"more keys than a zone has", 100, 1, TooMuchWork},
		{"a few that are wrong", 3, 3, SignatureWrong},
	} {
		t.Run(row.name, func(t *testing.T) {
			key, private := w.Key("nsec.")
			truth := w.Peek("a.nsec.", dns.TypeTXT)
			var set []dns.RR
			for i := range row.keys { // twins: other keys, one tag
				k := *key
				k.PublicKey = twin(key, byte(i))
				set = append(set, &k)
			}
			keys := append([]dns.RR{key}, set...)
			m := new(dns.Msg)
			m.Answer = append(keys, dnssectest.Sign(t, key, private, keys, uint32(day.Unix()-60), uint32(day.Unix()+60)))
			answer := new(dns.Msg)
			for _, rr := range truth.Answer {
				sig, ok := rr.(*dns.RRSIG)
				if !ok {
					answer.Answer = append(answer.Answer, rr)
					continue
				}
				for i := range row.sigs {
					c := dns.Copy(sig).(*dns.RRSIG)
					c.Signature = "AAAA" + string(rune('A'+i%26)) + string(rune('A'+i/26)) + c.Signature[6:]
					answer.Answer = append(answer.Answer, c)
				}
			}
			v := New(Options{Source: &forger{world: w, changed: map[dns.Question]*dns.Msg{{Name: "nsec.", Qtype: dns.TypeDNSKEY}: m}}, Anchors: anchors, Now: day})
			var work Work
			j, err := v.Judge(context.Background(), &work, answer, "a.nsec.", dns.TypeTXT, true)
			if err != nil || j.Finding.Status != Bogus || j.Finding.Reason != row.reason {
				t.Errorf("%s: %s, %v", j.Finding.Status, j.Finding, err)
			}
			if work.signatures > maxSignatures+1 {
				t.Errorf("%d signatures computed", work.signatures)
			}
		})
	}
}

// twin is a public key unlike another, with the same tag: two of its 16-bit
// words are changed so that their sum stays.
func twin(k *dns.DNSKEY, n byte) string {
	c := dns.Copy(k).(*dns.DNSKEY)
	raw := data(c)[4:]
	for i := 0; i+3 < len(raw); i += 4 {
		a, b := binary.BigEndian.Uint16(raw[i:]), binary.BigEndian.Uint16(raw[i+2:])
		if d := uint16(n) + 1; a >= d && b <= 0xffff-d {
			binary.BigEndian.PutUint16(raw[i:], a-d)
			binary.BigEndian.PutUint16(raw[i+2:], b+d)
			break
		}
	}
	head := data(c)[:4]
	rr := record(k.Hdr.Name, dns.TypeDNSKEY, append(head, raw...)).(*dns.DNSKEY)
	if rr.KeyTag() != k.KeyTag() {
		panic("not a twin")
	}
	return rr.PublicKey
}

// NSEC3 with more iterations than are computed, and names of many labels: the
// number of hashes is bounded.
func TestHashesAreBounded(t *testing.T) {
	var work Work
	apex, _ := sortable("z.")
	d := denial{apex: apex, w: &work}
	for i := range maxDenial {
		d.add(&dns.NSEC3{Hdr: dns.RR_Header{Name: strings.Repeat("0", 31) + string(rune('0'+i%10)) + ".z."}, Hash: dns.SHA1, Iterations: MaxIterations, NextDomain: strings.Repeat("V", 32)})
	}
	deep := strings.Repeat("a.", 120) + "z."
	if p := d.prove(deep, dns.TypeTXT); p == proofNoName || p == proofNoData {
		t.Errorf("%v", p)
	}
	if work.hashes > maxHashes {
		t.Errorf("%d rounds", work.hashes)
	}
	d.iterations = MaxIterations + 1
	before := work.hashes
	if p := d.prove("a.z.", dns.TypeTXT); p != proofTooCostly || work.hashes != before {
		t.Errorf("%v, %d rounds more", p, work.hashes-before)
	}
}
