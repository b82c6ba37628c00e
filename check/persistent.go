package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"deed/caa"
	"deed/dcv"
)

// PersistentPrefix is the label of the persistent record (BR 3.2.2.4.22).
const PersistentPrefix = "_validation-persist"

// PersistentRecord is where the record of an authorization domain name stands,
// and what it must hold for an account.
func PersistentRecord(adn dcv.Name, issuer, accountURI string) (name, value string) {
	return PersistentPrefix + "." + adn.String(), issuer + "; accounturi=" + accountURI
}

// persistent is a record that follows the grammar.
type persistent struct {
	issuer     string // in lower case
	accountURI string
	until      int64 // Unix seconds; the last second at which the record counts
	bounded    bool  // persistUntil was there
}

// parsePersistent reads a record: an issue-value (RFC 8659 section 4.2) with
// one accounturi and at most one persistUntil; what else it names is passed
// over. why says what does not fit; "" when all does.
func parsePersistent(text string) (p persistent, why string) {
	v, ok := caa.ParseIssue(text)
	if !ok {
		return p, "does not follow the grammar issuer; accounturi=URI"
	}
	if v.Issuer == "" {
		return p, "names no issuer"
	}
	p.issuer = v.Issuer
	uri, n := v.Get("accounturi")
	switch {
	case n == 0 || uri == "":
		return p, "has no accounturi"
	case n > 1:
		return p, "has accounturi more than once"
	}
	p.accountURI = uri
	until, n := v.Get("persistuntil")
	if n > 1 {
		return p, "has persistUntil more than once"
	}
	if n == 1 {
		// Digits only: strconv would take a sign.
		if strings.Trim(until, "0123456789") != "" {
			return p, "has a persistUntil that is no number of seconds"
		}
		var err error
		if p.until, err = strconv.ParseInt(until, 10, 64); err != nil {
			return p, "has a persistUntil that is no number of seconds"
		}
		p.bounded = true
	}
	return p, ""
}

// expired: once now is greater than persistUntil the record is unusable.
func (p *persistent) expired(now time.Time) bool {
	s := now.Unix()
	return p.bounded && (s > p.until || (s == p.until && now.Nanosecond() > 0))
}

// Persistent checks dns-txt-persistent (BR 3.2.2.4.22): a TXT record at
// _validation-persist + ADN that names one of our issuers and exactly the
// applicant's account, for each permitted ADN, nearest first. Records are
// alternatives; one that cannot be read is passed over.
func Persistent(ctx context.Context, ch *dcv.Challenge, dnsc Lookups) (dcv.Verdict, error) {
	v := verdict(ch)
	if len(ch.Issuers) == 0 || ch.AccountURI == "" {
		v.Outcome = dcv.CouldNotCheck
		v.Problem = dcv.NewProblem(dcv.Internal, "No issuer or no account is set to compare a persistent record with.")
		return v, nil
	}
	var m misses
	for _, adn := range ch.ADNs {
		name := PersistentPrefix + "." + adn.String()
		if len(name) > dcv.MaxName {
			continue
		}
		records, how, err := texts(ctx, dnsc, &v, &m, name)
		if how == decided {
			return v, err
		}
		if how == over {
			break
		}
		for _, text := range records {
			rank, p := judgePersistent(ch, name, text)
			if p == nil {
				proven(&v, adn, -1, name)
				return v, nil
			}
			m.add(rank, p)
		}
	}
	m.add(rankAbsent, absentPersistent(ch, &v))
	m.into(&v)
	return v, nil
}

// judgePersistent says why a record does not count; nil if it does.
func judgePersistent(ch *dcv.Challenge, name, text string) (int, *dcv.Problem) {
	p, why := parsePersistent(text)
	shown := printable(text, 160)
	var q *dcv.Problem
	rank := rankWrong
	switch {
	case why != "":
		q = dcv.NewProblem(dcv.PersistMalformed, "The TXT record at %s, %q, %s.", name, shown, why)
	case !slices.Contains(ch.Issuers, p.issuer):
		// Records of other issuers stand there by right.
		rank, q = rankFailed, dcv.NewProblem(dcv.PersistNoMatch, "The TXT record at %s, %q, names the issuer %s, not %s.", name, shown, printable(p.issuer, 100), strings.Join(ch.Issuers, " or "))
	case p.accountURI != ch.AccountURI:
		q = dcv.NewProblem(dcv.PersistNoMatch, "The TXT record at %s, %q, is for another account than %s.", name, shown, ch.AccountURI)
	case p.expired(ch.Now):
		rank, q = rankCertain, dcv.NewProblem(dcv.PersistExpired, "The TXT record at %s was valid until %s.", name, time.Unix(p.until, 0).UTC().Format("2006-01-02 15:04:05 MST"))
		q.Fix = "Move persistUntil into the future, or publish the record without it: " + publishPersistent(ch, name)
		return rank, q
	default:
		return 0, nil
	}
	q.Fix = "Publish this record, then check again: " + publishPersistent(ch, name)
	return rank, q
}

func publishPersistent(ch *dcv.Challenge, name string) string {
	_, value := PersistentRecord(ch.ADNs[0], ch.Issuers[0], ch.AccountURI)
	return fmt.Sprintf("%s. TXT %q", name, value)
}

func absentPersistent(ch *dcv.Challenge, v *dcv.Verdict) *dcv.Problem {
	var looked []string
	for _, o := range v.Seen {
		result := o.Result
		if len(o.Values) > 0 {
			result = count(len(o.Values), "other record")
		}
		looked = append(looked, strings.TrimPrefix(o.Asked, "TXT ")+" ("+result+")")
	}
	p := dcv.NewProblem(dcv.PersistNotFound, "No persistent validation record for this account was found at %s.", strings.Join(looked, ", "))
	p.Fix = "Publish this record, then check again: " + publishPersistent(ch, PersistentPrefix+"."+v.ADN.String())
	return p
}
