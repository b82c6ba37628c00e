package check

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

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
		records, how, err := texts(ctx, dnsc, &v, &m, name)
		if how == decided {
			return v, err
		}
		if how == over {
			break
		}
		if how == silent {
			continue
		}
		if how == absent {
			p := dcv.NewProblem(dcv.TXTNotFound, "No TXT record was found at %s (%s).", name, v.Seen[len(v.Seen)-1].Result)
			p.Fix = publish
			m.add(rankAbsent, p)
			continue
		}
		for _, r := range records {
			if same(r, want) {
				proven(&v, adn, 0, name)
				return v, nil
			}
		}
		p := dcv.NewProblem(dcv.TXTNoMatch, "The TXT record at %s holds %q, not the digest of this challenge's key authorization.", name, printable(records[0], 100))
		p.Fix = publish
		m.add(rankWrong, p)
	}
	m.into(&v)
	return v, nil
}
