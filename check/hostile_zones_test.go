package check

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"deed/dcv"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// A zone's owner may sign whatever he likes: also what is made to be costly.
func TestHostileZones(t *testing.T) {
	txt := func(z string) string { return `_dnsauth.` + z + ` 60 IN TXT "` + token + `"` }
	var trap []string // sixty keys of the zone, in one tag with each other
	for i := range 60 {
		raw := make([]byte, 64)
		raw[1], raw[3] = byte(i), byte(200-i)
		trap = append(trap, "trap.com. 300 IN DNSKEY 256 3 13 "+base64.StdEncoding.EncodeToString(raw))
	}
	twins, err := dns.NewRR(trap[0])
	if err != nil {
		t.Fatal(err)
	}
	tag := twins.(*dns.DNSKEY).KeyTag()
	var deep []dnssectest.Zone // a zone at each of many labels
	at := "deep.com."
	for range 50 {
		deep = append(deep, dnssectest.Zone{Name: at, Records: []string{txt(at)}})
		at = "a." + at
	}
	zones := append([]dnssectest.Zone{
		{Name: "."}, {Name: "com."}, {Name: "good.com.", Records: []string{txt("good.com.")}},
		{Name: "iterations.com.", NSEC3: true, Iterations: 2500, Records: []string{"a.iterations.com. 60 IN A 192.0.2.1"}},
		{Name: "trap.com.", Records: append(trap, txt("trap.com."))},
		{Name: "sigs.com.", Records: []string{txt("sigs.com.")}},
		{Name: "todeep.com.", Records: []string{"_dnsauth.todeep.com. 60 IN CNAME _dnsauth." + deep[len(deep)-1].Name}},
	}, deep...)
	s := dnssectest.Build(t, now, zones...)
	s.Tamper(func(q dns.Question, m *dns.Msg) {
		var more []dns.RR
		for i, rr := range m.Answer {
			sig, ok := rr.(*dns.RRSIG)
			if !ok || sig.TypeCovered != dns.TypeTXT {
				continue
			}
			switch sig.SignerName {
			case "trap.com.": // name the tag that sixty keys have
				c := dns.Copy(sig).(*dns.RRSIG)
				c.KeyTag = tag
				m.Answer[i] = c
			case "sigs.com.": // the true one last
				for n := range 60 {
					c := dns.Copy(sig).(*dns.RRSIG)
					c.Signature = fmt.Sprintf("%04d", n) + c.Signature[4:]
					more = append(more, c)
				}
			}
		}
		m.Answer = append(more, m.Answer...)
	})
	anchors, err := dnssec.ParseAnchors(s.Anchors())
	if err != nil {
		t.Fatal(err)
	}
	w, g := measuring(t, s.Serve(t))
	w.engine.o.DNSSEC, w.engine.o.Anchors = resolve.DNSSECValidate, anchors
	of := func(name string) dcv.Challenge {
		return challenge(dcv.DNSTXT, name, []string{name}, token)
	}
	v, spare := held(t, w, g, of("good.com"), 0)
	expect(t, v, "")
	for _, row := range []struct {
		name   string
		domain string
		code   dcv.Code
	}{
		{"NSEC3 with 2500 iterations is not computed (RFC 9276 3.2)", "iterations.com", dcv.TXTNotFound},
		{"sixty keys of one tag (KeyTrap)", "trap.com", dcv.DNSBogus},
		{"sixty signatures over one record", "sigs.com", dcv.DNSBogus},
		{"a zone at each of fifty labels", "todeep.com", dcv.DNSBogus},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, peak := held(t, w, g, of(row.domain), spare)
			unmoved(t, v, row.code)
			t.Logf("%d KiB", peak>>10)
		})
	}
}
