package check

import (
	"context"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"deed/dcv"
	"deed/resolve"
	"deed/rules"
)

// noted answers nothing and keeps what was asked.
type noted []string

func (n *noted) Lookup(_ context.Context, name string, qtype uint16) (resolve.Answer, error) {
	*n = append(*n, dns.TypeToString[qtype]+" "+name)
	return resolve.Answer{NXDomain: true}, nil
}

// Every record that is looked for stands at a permitted name itself, or under
// one label that starts with an underscore, so that it can be no host's (D1).
// dns-account-01 has two, by BR 3.2.2.4.21.
func TestPropertyRecordsStandUnderAnUnderscore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?`)
		base := dcv.MustName(label.Draw(t, "base") + ".com")
		name := base
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			name = dcv.MustName(label.Draw(t, "label") + "." + name.String())
		}
		if rapid.Bool().Draw(t, "wildcard") {
			name = dcv.MustName("*." + name.String())
		}
		for _, r := range rules.Methods() {
			ch := dcv.Challenge{
				Name: name, Method: r.Method, ADNs: r.ADNs(name, base), Now: now, CNAMETarget: target, CanaryLabel: "_never0issued", KeyAuthorization: keyauth,
				AccountURI: account, AccountURL: acmeURL, Issuers: []string{issuer}, Values: challenge(r.Method, "a.com", nil, token, under).Values,
			}
			var asked noted
			var err error
			labels := 1
			switch r.Method {
			case dcv.DNSTXT:
				_, err = TXT(t.Context(), &ch, &asked)
			case dcv.DNSCNAME:
				_, err = CNAME(t.Context(), &ch, &asked)
			case dcv.Persistent:
				_, err = Persistent(t.Context(), &ch, &asked)
			case dcv.ACMEDNS, dcv.ACMEDNSAccount:
				ch.Values = challenge(r.Method, "a.com", nil, acmeToken).Values
				if r.Method == dcv.ACMEDNSAccount {
					labels = 2
				}
				_, err = ACMEDNS(t.Context(), &ch, &asked)
			default:
				continue
			}
			if err != nil || len(asked) == 0 {
				t.Fatalf("%s: %d questions, %v", r.Method, len(asked), err)
			}
			for _, q := range asked {
				_, q, _ := strings.Cut(q, " ")
				ok := false
				for _, adn := range ch.ADNs {
					prefix, under := strings.CutSuffix(q, "."+adn.String())
					ok = ok || (q == adn.String() && r.Method == dcv.DNSTXT)
					if under && strings.Count(prefix, ".") == labels-1 {
						all := true
						for _, l := range strings.Split(prefix, ".") {
							all = all && strings.HasPrefix(l, "_")
						}
						ok = ok || all
					}
				}
				if !ok {
					t.Fatalf("%s for %s asked %s", r.Method, name, q)
				}
			}
		}
	})
}
