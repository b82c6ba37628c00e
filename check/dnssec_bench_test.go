package check

import (
	"context"
	"errors"
	"testing"

	"github.com/miekg/dns"

	"deed/caa"
	"deed/dcv"
	"deed/resolve"
	"deed/resolve/dnssec"
)

// BenchmarkValidated is a TXT check with every signature checked here, keys of
// the zones above and the record known from an earlier check, as when a domain
// is looked at again and again until it passes. Its floor is the same check
// without validation.
func BenchmarkValidated(b *testing.B) {
	where, anchors := signedTable(b)
	ch := benchChallenge(dcv.DNSTXT, "good.com")
	compare(b, round, verdictOf(looking(b, where, resolve.DNSSECValidate, anchors), ch), verdictOf(looking(b, where, resolve.DNSSECOff, nil), ch))
}

// signedTable is the signed world's answers to a TXT check of good.com.
func signedTable(b *testing.B) (at, *dnssec.Anchors) {
	b.Helper()
	_, signed := signedWorld(b)
	anchors, err := dnssec.ParseAnchors(signed.Anchors())
	if err != nil {
		b.Fatal(err)
	}
	table := cannedWorld{}
	for _, q := range []dns.Question{
		{Name: "_dnsauth.good.com.", Qtype: dns.TypeTXT}, {Name: ".", Qtype: dns.TypeDNSKEY}, {Name: "com.", Qtype: dns.TypeDS},
		{Name: "com.", Qtype: dns.TypeDNSKEY}, {Name: "good.com.", Qtype: dns.TypeDS}, {Name: "good.com.", Qtype: dns.TypeDNSKEY},
	} {
		m := new(dns.Msg).SetQuestion(q.Name, q.Qtype)
		m.SetEdns0(1232, true)
		m.RecursionDesired, m.CheckingDisabled = true, true
		wire, err := signed.Answer(m).Pack()
		if err != nil {
			b.Fatal(err)
		}
		table.DNS = append(table.DNS, wire)
	}
	return table.start(b), anchors
}

// BenchmarkCAA is the climb from a name of three labels to the decision. Its
// floor is three raw queries.
func BenchmarkCAA(b *testing.B) {
	none := ". 60 IN SOA ns.example.com. host.example.com. 1 3600 600 86400 300"
	names := []string{"www.example.com", "example.com", "com"}
	table := cannedWorld{}
	for _, n := range names {
		line := "com" + none
		if n == "com" {
			line = `com. 60 IN CAA 0 issue "deed.example"`
		}
		table.DNS = append(table.DNS, answerTo(b, n, dns.TypeCAA, line))
	}
	where := table.start(b)
	var floors []func() error
	for _, n := range names {
		floors = append(floors, rawExchange(where.DNS, n, dns.TypeCAA))
	}
	e := looking(b, where, resolve.DNSSECResolver, nil)
	ch := benchChallenge(dcv.DNSTXT, "www.example.com")
	ch.Issuers = []string{"deed.example"}
	compare(b, round, func() error {
		v := verdict(&ch)
		c := climb{ch: &ch, v: &v, dns: e.client(e.o.DNS, ch.Now)}
		ruling, err := c.rule(context.Background())
		if err == nil && (ruling.Decision != caa.Permit || len(c.report.Records) != 1) {
			err = errors.New("denied: " + ruling.Reason)
		}
		return err
	}, func() error {
		for _, f := range floors {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	})
}
