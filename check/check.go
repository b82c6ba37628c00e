// Package check judges control of a domain: one file a method, each a function
// from what the world said, through the doors of resolve and fetch, to a
// verdict. Nothing here knows a clock, a store or a logger; the same recording
// gives the same verdict.
package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"deed/dcv"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/rules"
)

// Lookups is what judging needs of the DNS.
type Lookups interface {
	Lookup(ctx context.Context, name string, qtype uint16) (resolve.Answer, error)
}

// verdict starts the answer to a challenge.
func verdict(ch *dcv.Challenge) dcv.Verdict {
	v := dcv.Verdict{Outcome: dcv.NotProven, Method: ch.Method, Matched: -1, Test: ch.Test(), ADN: ch.Name.Base()}
	if len(ch.ADNs) > 0 {
		v.ADN = ch.ADNs[0]
	}
	return v
}

// proven fills in a pass.
func proven(v *dcv.Verdict, adn dcv.Name, matched int, where string) {
	rule, _ := rules.For(v.Method)
	v.Outcome, v.ADN, v.Matched, v.Where = dcv.Proven, adn, matched, where
	v.Scope, v.Problem, v.Causes = rule.Scope, nil, nil
	if v.Section == "" {
		v.Section = rule.Sections[0]
	}
}

// miss is one reason why something did not pass. Those of higher rank say more.
type miss struct {
	rank    int
	problem *dcv.Problem
}

// Ranks: what was found and is wrong, then what could not be asked, then what
// is not there.
const (
	rankAbsent = iota
	rankFailed
	rankWrong
	rankCertain // the very cause was seen
)

// misses collects reasons; the first of the highest rank leads.
type misses []miss

func (m *misses) add(rank int, p *dcv.Problem) { *m = append(*m, miss{rank, p}) }

// maxCauses bounds the further reasons of a verdict.
const maxCauses = 4

func (m misses) into(v *dcv.Verdict) {
	lead := -1
	for i := range m {
		if lead < 0 || m[i].rank > m[lead].rank {
			lead = i
		}
	}
	if lead < 0 {
		v.Problem = dcv.NewProblem(dcv.Internal, "nothing was looked at")
		return
	}
	v.Problem = m[lead].problem
	for i := range m {
		if i == lead || len(v.Causes) == maxCauses {
			continue
		}
		if p := m[i].problem; p.Code != v.Problem.Code {
			v.Causes = append(v.Causes, *p)
		}
	}
}

// ours turns a look-up that failed on our side into the verdict that nothing
// could be checked.
func ours(v *dcv.Verdict, e *resolve.Error) {
	v.Outcome = dcv.CouldNotCheck
	if e.Kind == resolve.Indeterminate {
		v.Problem = dcv.NewProblem(dcv.Internal, "DNSSEC cannot be checked from here: %s, when asked for %s %s.", e.Detail, e.Type, e.Name)
		return
	}
	v.Problem = dcv.NewProblem(dcv.ResolverDown, "None of our resolvers answered when asked for %s %s.", e.Type, e.Name)
}

// failed names a look-up that gave no answer, for the owner of the zone.
func failed(e *resolve.Error) *dcv.Problem {
	asked := e.Type + " " + e.Name
	switch e.Kind {
	case resolve.ServFail:
		p := dcv.NewProblem(dcv.DNSServFail, "The question %s was answered with %s%s.", asked, or(e.Rcode, "SERVFAIL"), inWords(e.Detail))
		p.Fix = "Ask the DNS host of " + e.Name + " why its name servers fail on this name, and repair the zone."
		return p
	case resolve.Refused:
		return dcv.NewProblem(dcv.DNSRefused, "The question %s was refused%s.", asked, inWords(e.Detail))
	case resolve.Malformed:
		return dcv.NewProblem(dcv.DNSMalformed, "The answer to %s cannot be read.", asked)
	case resolve.ChainTooLong:
		return dcv.NewProblem(dcv.DNSTooLong, "Following the aliases from %s does not come to an end.", e.Name)
	case resolve.Bogus:
		return bogus(e, asked)
	case resolve.TooLarge:
		return dcv.NewProblem(dcv.DNSMalformed, "The answers that %s leads to are too large to be looked at.", asked)
	}
	return dcv.NewProblem(dcv.DNSTimeout, "The question %s got no answer in time.", asked)
}

// bogus names the link that broke, and what mends it.
func bogus(e *resolve.Error, asked string) *dcv.Problem {
	f := &e.Finding
	p := dcv.NewProblem(dcv.DNSBogus, "The answer to %s fails DNSSEC validation%s.", asked, inWords(e.Detail))
	zone := printable(f.Zone, 100)
	switch f.Reason {
	case dnssec.SignatureExpired:
		p.Fix = "Sign the zone " + zone + " again, and see why it was not done in time."
	case dnssec.SignatureEarly:
		p.Fix = "Correct the clock of the machine that signs the zone " + zone + ", and sign it again."
	case dnssec.KeyForDS, dnssec.KeysMissing:
		p.Fix = "Publish the DNSKEY that the DS records of " + zone + " name, or have the registrar replace them by those of the present key."
	case dnssec.SignatureMissing, dnssec.SignatureKey, dnssec.SignatureWrong, dnssec.DenialMissing:
		p.Fix = "Sign the zone " + zone + " again with its present keys, and check that all its name servers serve the same signed copy."
	}
	return p
}

func inWords(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + printable(detail, 200) + ")"
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// lookupFailed sorts an error of a look-up: ours (stop, could not check), the
// attempt's own deadline (stop), the caller's end (an error), or theirs.
func lookupFailed(v *dcv.Verdict, m *misses, err error, name, qtype string) (stop bool, _ error) {
	var e *resolve.Error
	switch {
	case errors.As(err, &e) && e.Ours():
		ours(v, e)
		return true, nil
	case errors.As(err, &e):
		m.add(rankFailed, failed(e))
		return false, nil
	case errors.Is(err, context.DeadlineExceeded):
		m.add(rankFailed, dcv.NewProblem(dcv.DNSTimeout, "The time for the whole check ended while asking for %s %s.", qtype, name))
		return true, nil
	}
	return true, err
}

// Bounds of what is shown.
const (
	maxValues = 16
	maxSeen   = 32
)

// see notes an observation.
func see(v *dcv.Verdict, asked, result string, values ...string) {
	if len(v.Seen) == maxSeen {
		return
	}
	o := dcv.Observation{Asked: asked, Result: result}
	for _, s := range values[:min(len(values), maxValues)] {
		o.Values = append(o.Values, printable(s, 256))
	}
	v.Seen = append(v.Seen, o)
}

// printable bounds a stranger's bytes for people: at most n bytes, control
// characters and broken UTF-8 as escapes.
func printable(s string, n int) string {
	clean := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean && len(s) <= n {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if b.Len() > n-8 {
			b.WriteString("…")
			break
		}
		if c == unicode.ReplacementChar || !unicode.IsPrint(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// answered is how an answer without the records looked for reads.
func answered(a *resolve.Answer) string {
	switch {
	case a.NXDomain:
		return "NXDOMAIN"
	case a.Empty():
		return "no such record"
	}
	return ""
}
