package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"deed/dcv"
	"deed/fetch"
)

// Path is where the file of http-token stands (BR 3.2.2.4.18).
const Path = "/.well-known/pki-validation/fileauth.txt"

// Pages is what judging needs of the web.
type Pages interface {
	Get(ctx context.Context, scheme, host, path string, avoid []string) (fetch.Page, error)
}

// Website checks http-token (BR 3.2.2.4.18): a random value in the file on
// exactly the name, over http, then over https.
func Website(ctx context.Context, ch *dcv.Challenge, web Pages) (dcv.Verdict, error) {
	v := verdict(ch)
	if ch.Name.Wildcard() || len(ch.ADNs) != 1 || ch.ADNs[0] != ch.Name {
		v.Problem = dcv.NewProblem(dcv.WildcardByWebsite, "%s cannot be proven by a file on a website.", ch.Name)
		return v, nil
	}
	avoid := make([]string, len(ch.Values))
	for i := range ch.Values {
		avoid[i] = ch.Values[i].Token
	}
	var m misses
	for _, scheme := range [2]string{"http", "https"} {
		p, err := web.Get(ctx, scheme, ch.Name.String(), Path, avoid)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return v, err
		}
		visited(&v, &p)
		if err != nil {
			m.add(rankFailed, dcv.NewProblem(dcv.HTTPTimeout, "The time for the whole check ended while fetching %s.", p.URL))
			break
		}
		if p.Reason == fetch.ReasonDNS && p.DNS.Ours() {
			ours(&v, p.DNS)
			return v, nil
		}
		if r := p.Last(); p.Reason == fetch.ReasonNone && r.Response.Status/100 == 2 {
			if i := MatchFile(ch.Values, r.Response.Body); i >= 0 {
				proven(&v, ch.Name, i, r.URL)
				return v, nil
			}
		}
		rank, problem := pageProblem(ch, &p)
		m.add(rank, problem)
	}
	m.into(&v)
	return v, nil
}

var bom = []byte("\xef\xbb\xbf")

// MatchFile gives the index of the value that the file holds, or -1: anywhere
// in it, but not as a part of a longer word; a byte order mark is passed over;
// letters are compared as they are (H10).
func MatchFile(values []dcv.Value, body []byte) int {
	body = bytes.TrimPrefix(body, bom)
	for i := range values {
		token := []byte(values[i].Token)
		if len(token) == 0 {
			continue
		}
		for rest, at := body, 0; ; {
			j := bytes.Index(rest, token)
			if j < 0 {
				break
			}
			start, end := at+j, at+j+len(token)
			if (start == 0 || !wordByte(body[start-1])) && (end == len(body) || !wordByte(body[end])) && values[i].Equal(string(body[start:end])) {
				return i
			}
			at = start + 1
			rest = body[at:]
		}
	}
	return -1
}

func wordByte(c byte) bool {
	return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

// visited notes the hops for people.
func visited(v *dcv.Verdict, p *fetch.Page) {
	for i := range p.Visits {
		h := &p.Visits[i]
		r := &h.Response
		result := fmt.Sprintf("status %d from %s", r.Status, h.Addr)
		if r.Fault != fetch.FaultNone {
			result = fmt.Sprintf("%s, %s", h.Addr, or(r.FaultDetail, string(r.Fault)))
		}
		var values []string
		switch {
		case r.Location != "":
			values = []string{"Location: " + r.Location}
		case len(r.Body) > 0:
			values = []string{string(r.Body[:min(len(r.Body), 128)])}
		}
		see(v, "GET "+printable(h.URL, 300), result, values...)
	}
	if len(p.Visits) == 0 {
		see(v, "GET "+printable(p.URL, 300), "not fetched: "+string(p.Reason))
	}
}

// pageProblem names why a page did not hold the value. The further it came,
// the more it says.
func pageProblem(ch *dcv.Challenge, p *fetch.Page) (int, *dcv.Problem) {
	url := printable(p.URL, 300)
	switch p.Reason {
	case fetch.ReasonDNS:
		return rankFailed, failed(p.DNS)
	case fetch.ReasonNoAddress:
		q := dcv.NewProblem(dcv.AddressNone, "%s has neither an A nor an AAAA record.", host(p.URL))
		q.Fix = "Publish an A or AAAA record for " + host(p.URL) + ", or use a DNS method."
		return rankAbsent, q
	case fetch.ReasonForbidden:
		return rankWrong, dcv.NewProblem(dcv.AddressForbidden, "%s.", p.Why)
	case fetch.ReasonRedirect:
		return rankWrong, dcv.NewProblem(dcv.HTTPRedirect, "%s sends us on, but %s.", url, p.Why)
	case fetch.ReasonTooMany:
		return rankWrong, dcv.NewProblem(dcv.HTTPTooManyHops, "The redirects from http://%s%s do not come to an end%s.", ch.Name, Path, inWords(p.Why))
	case fetch.ReasonSecretInURL:
		return rankWrong, dcv.NewProblem(dcv.HTTPValueInRequest, "The redirect's address holds the random value itself.")
	case fetch.ReasonHop:
		return hopProblem(p, url)
	}
	r := &p.Last().Response
	switch {
	case r.Status/100 == 2:
		q := dcv.NewProblem(dcv.HTTPNoMatch, "%s answers with status %d, but its content does not hold a live random value of this domain%s.", url, r.Status, begins(r.Body))
		q.Fix = "Make the file hold exactly " + firstToken(ch) + " and nothing else."
		return rankWrong, q
	case r.Status == 404 || r.Status == 410:
		q := dcv.NewProblem(dcv.HTTPNotFound, "%s answers with status %d.", url, r.Status)
		q.Fix = "Put a file that holds " + firstToken(ch) + " at " + url + "."
		return rankWrong, q
	case r.Status/100 == 3:
		return rankWrong, dcv.NewProblem(dcv.HTTPRedirect, "%s answers with status %d, a redirect that does not count.", url, r.Status)
	}
	return rankWrong, dcv.NewProblem(dcv.HTTPStatus, "%s answers with status %d.", url, r.Status)
}

func hopProblem(p *fetch.Page, url string) (int, *dcv.Problem) {
	h := p.Last()
	r := &h.Response
	detail := r.FaultDetail
	switch r.Fault {
	case fetch.FaultTimeout:
		return rankFailed, dcv.NewProblem(dcv.HTTPTimeout, "%s at %s did not answer in time (%s).", url, h.Addr, r.Elapsed.Round(100*time.Millisecond))
	case fetch.FaultTLS:
		return rankFailed, dcv.NewProblem(dcv.HTTPTLS, "%s at %s: %s.", url, h.Addr, detail)
	case fetch.FaultMalformed:
		return rankFailed, dcv.NewProblem(dcv.HTTPMalformed, "The answer of %s at %s is not proper HTTP: %s.", url, h.Addr, detail)
	case fetch.FaultForbidden:
		return rankWrong, dcv.NewProblem(dcv.AddressForbidden, "%s: %s.", url, detail)
	}
	return rankAbsent, dcv.NewProblem(dcv.HTTPConnect, "No connection to %s at %s: %s.", url, h.Addr, detail)
}

func firstToken(ch *dcv.Challenge) string {
	if len(ch.Values) == 0 {
		return "the random value"
	}
	return ch.Values[0].Token
}

func begins(body []byte) string {
	if len(body) == 0 {
		return "; it is empty"
	}
	return fmt.Sprintf("; it begins with %q", printable(string(body[:min(len(body), 60)]), 80))
}

// host is the host of a URL that was built here.
func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "/")
	h, _, _ := strings.Cut(rest, ":")
	return h
}
