package check

import (
	"bytes"
	"context"
	"errors"

	"deed/dcv"
	"deed/fetch"
)

// ACMEPath is the directory of http-01's file; its name is the token (RFC 8555
// section 8.3).
const ACMEPath = "/.well-known/acme-challenge/"

// ACMEHTTP checks http-01 (RFC 8555 section 8.3, BR 3.2.2.4.19): the file
// named after the token, on exactly the name, over http first, holds the key
// authorization and nothing else but white space at its end.
func ACMEHTTP(ctx context.Context, ch *dcv.Challenge, web Pages) (dcv.Verdict, error) {
	v := verdict(ch)
	key, problem := keyOf(ch)
	if problem == nil {
		problem = hostOnly(ch)
	}
	if problem != nil {
		v.Problem = problem
		return v, nil
	}
	// The token stands in the path by design; the key authorization as a whole
	// is what the server must know by itself, so no redirect may hand it back.
	p, err := web.Get(ctx, "http", ch.Name.String(), ACMEPath+key.Token, []string{key.String()})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return v, err
	}
	visited(&v, &p)
	url := printable(p.URL, 300)
	var m misses
	switch r := p.Last(); {
	case err != nil:
		m.add(rankFailed, dcv.NewProblem(dcv.HTTPTimeout, "The time for the whole check ended while fetching %s.", url))
	case p.Reason == fetch.ReasonDNS && p.DNS.Ours():
		ours(&v, p.DNS)
		return v, nil
	case p.Reason == fetch.ReasonTooMany:
		m.add(rankWrong, dcv.NewProblem(dcv.HTTPTooManyHops, "The redirects from %s do not come to an end%s.", printable(p.Visits[0].URL, 300), inWords(p.Why)))
	case p.Reason == fetch.ReasonSecretInURL:
		m.add(rankWrong, dcv.NewProblem(dcv.HTTPValueInRequest, "The redirect's address holds the key authorization itself."))
	case p.Reason == fetch.ReasonNone && r.Response.Status/100 == 2:
		if !r.Response.Truncated && same(string(bytes.TrimRight(r.Response.Body, " \t\r\n")), key.String()) {
			proven(&v, ch.Name, 0, r.URL)
			return v, nil
		}
		q := dcv.NewProblem(dcv.HTTPNoMatch, "%s answers with status %d, but its content is not the key authorization%s.", url, r.Response.Status, begins(r.Response.Body))
		q.Fix = "Make the file hold exactly " + key.String() + " and nothing else."
		m.add(rankWrong, q)
	case p.Reason == fetch.ReasonNone && (r.Response.Status == 404 || r.Response.Status == 410):
		q := dcv.NewProblem(dcv.HTTPNotFound, "%s answers with status %d.", url, r.Response.Status)
		q.Fix = "Put a file that holds " + key.String() + " at " + url + "."
		m.add(rankWrong, q)
	default:
		m.add(pageProblem(ch, &p))
	}
	m.into(&v)
	return v, nil
}

// hostOnly refuses what a method that speaks for one host cannot prove
// (BR 3.2.2.4, R-A4).
func hostOnly(ch *dcv.Challenge) *dcv.Problem {
	if ch.Name.Wildcard() || len(ch.ADNs) != 1 || ch.ADNs[0] != ch.Name {
		return dcv.NewProblem(dcv.WildcardByWebsite, "%s cannot be proven by %s.", ch.Name, ch.Method)
	}
	return nil
}
