package check

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"deed/dcv"
)

// ACMEPrefix is the label of dns-01 (RFC 8555 section 8.4).
const ACMEPrefix = "_acme-challenge"

// accountLabelBytes is how much of the digest goes into the account's label.
const accountLabelBytes = 10

// AccountLabel is the label of dns-account-01 for an ACME account's URL, as of
// draft 00 of acme-dns-account-label, which BR 3.2.2.4.21 names.
func AccountLabel(accountURL string) string {
	d := sha256.Sum256([]byte(accountURL))
	return "_" + strings.ToLower(base32.StdEncoding.EncodeToString(d[:accountLabelBytes]))
}

// ACMERecord is where the record of dns-01 or dns-account-01 stands.
func ACMERecord(m dcv.Method, accountURL string, adn dcv.Name) string {
	if m == dcv.ACMEDNSAccount {
		return AccountLabel(accountURL) + "." + ACMEPrefix + "." + adn.String()
	}
	return ACMEPrefix + "." + adn.String()
}

// ACMEDNS checks dns-01 (RFC 8555 section 8.4, BR 3.2.2.4.7) and
// dns-account-01 (BR 3.2.2.4.21): a TXT record that is exactly the digest of
// the key authorization.
func ACMEDNS(ctx context.Context, ch *dcv.Challenge, dnsc Lookups) (dcv.Verdict, error) {
	v := verdict(ch)
	key, problem := keyOf(ch)
	if problem == nil && ch.Method == dcv.ACMEDNSAccount && ch.AccountURL == "" {
		problem = dcv.NewProblem(dcv.KeyAuthMissing, "The method %s needs the URL of the ACME account, and none was given.", ch.Method)
	}
	if problem != nil {
		v.Problem = problem
		return v, nil
	}
	want := key.TXT()
	var m misses
	for _, adn := range ch.ADNs {
		name := ACMERecord(ch.Method, ch.AccountURL, adn)
		publish := fmt.Sprintf("Publish this record, then check again: %s. TXT %q", name, want)
		if len(name) > dcv.MaxName {
			m.add(rankCertain, dcv.NewProblem(dcv.MethodNotForName, "%s is longer than a name may be.", name))
			continue
		}
		a, err := dnsc.Lookup(ctx, name, dns.TypeTXT)
		if err != nil {
			stop, err := lookupFailed(&v, &m, err, name, "TXT")
			if err != nil || v.Outcome == dcv.CouldNotCheck {
				return v, err
			}
			see(&v, "TXT "+name, "no answer")
			if stop {
				break
			}
			continue
		}
		if a.Empty() {
			see(&v, "TXT "+name, answered(&a))
			p := dcv.NewProblem(dcv.TXTNotFound, "No TXT record was found at %s (%s).", name, answered(&a))
			p.Fix = publish
			m.add(rankAbsent, p)
			continue
		}
		see(&v, "TXT "+name, count(len(a.TXT), "record"), a.TXT...)
		for _, r := range a.TXT {
			if same(r, want) {
				proven(&v, adn, 0, name)
				return v, nil
			}
		}
		p := dcv.NewProblem(dcv.TXTNoMatch, "The TXT record at %s holds %q, not the digest of this challenge's key authorization.", name, printable(a.TXT[0], 100))
		p.Fix = publish
		m.add(rankWrong, p)
	}
	m.into(&v)
	return v, nil
}
