package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"deed/dcv"
	"deed/resolve/dnssec"
)

// maxLabelValues bounds how many values are asked for as labels at one name:
// each is a question of its own.
const maxLabelValues = 8

// CNAME checks dns-cname-token (BR 3.2.2.4.7): _dnsauth.ADN CNAME
// <token>.<target>, or <token>.ADN CNAME <target>. It is decided on the record
// itself, whatever it leads to (D4), names compared without regard to case.
func CNAME(ctx context.Context, ch *dcv.Challenge, dnsc Lookups) (dcv.Verdict, error) {
	v := verdict(ch)
	var m misses
	c := cname{ch: ch, dns: dnsc, v: &v, m: &m}
	for _, adn := range ch.ADNs {
		done, err := c.under(ctx, adn)
		if done || err != nil {
			return v, err
		}
		for i := range ch.Values[:min(len(ch.Values), maxLabelValues)] {
			done, err := c.label(ctx, adn, i)
			if done || err != nil {
				return v, err
			}
		}
		if c.stopped {
			break
		}
	}
	m.add(rankAbsent, c.absent())
	m.into(&v)
	return v, nil
}

type cname struct {
	ch      *dcv.Challenge
	dns     Lookups
	v       *dcv.Verdict
	m       *misses
	stopped bool
}

// ask gives the one CNAME at name, or "" with what was there instead. done
// ends the check.
func (c *cname) ask(ctx context.Context, name string) (target string, done bool, err error) {
	if c.stopped || len(name) > dcv.MaxName {
		return "", false, nil
	}
	a, err := c.dns.Lookup(ctx, name, dns.TypeCNAME)
	if err != nil {
		stop, err := lookupFailed(c.v, c.m, err, name, "CNAME")
		c.stopped = stop
		see(c.v, "CNAME "+name, "no answer")
		return "", err != nil || c.v.Outcome == dcv.CouldNotCheck, err
	}
	if a.Empty() {
		see(c.v, "CNAME "+name, answered(&a))
		return "", false, nil
	}
	see(c.v, "CNAME "+name, count(len(a.CNAME), "record"), a.CNAME...)
	if len(a.CNAME) > 1 {
		// A name has one CNAME at most (RFC 2181 section 10.1).
		c.m.add(rankWrong, dcv.NewProblem(dcv.CNAMENoMatch, "%s has %d CNAME records; there may be only one.", name, len(a.CNAME)))
		return "", false, nil
	}
	return a.CNAME[0], false, nil
}

// under looks for _dnsauth.ADN CNAME <token>.<target>.
func (c *cname) under(ctx context.Context, adn dcv.Name) (bool, error) {
	name := Prefix + "." + adn.String()
	got, done, err := c.ask(ctx, name)
	if got == "" || done || err != nil {
		return done, err
	}
	for i := range c.ch.Values {
		if c.ch.Values[i].Token != "" && equalFold(got, c.ch.Values[i].Token+"."+c.ch.CNAMETarget) {
			proven(c.v, adn, i, name)
			return true, nil
		}
	}
	p := dcv.NewProblem(dcv.CNAMENoMatch, "%s is a CNAME to %s, which is not a live random value before %s.", name, printable(got, 100), c.ch.CNAMETarget)
	p.Fix = c.publish(adn)
	c.m.add(rankWrong, p)
	return false, nil
}

// label looks for <token>.ADN CNAME <target>.
func (c *cname) label(ctx context.Context, adn dcv.Name, i int) (bool, error) {
	token := c.ch.Values[i].Token
	if !strings.HasPrefix(token, "_") {
		// The label must be one that no host can have (D1; incident: a record
		// label without an underscore).
		return false, nil
	}
	name := token + "." + adn.String()
	got, done, err := c.ask(ctx, name)
	if got == "" || done || err != nil {
		return done, err
	}
	if !equalFold(got, c.ch.CNAMETarget) {
		p := dcv.NewProblem(dcv.CNAMENoMatch, "%s is a CNAME to %s, not to %s.", name, printable(got, 100), c.ch.CNAMETarget)
		p.Fix = fmt.Sprintf("Publish this record, then check again: %s. CNAME %s.", name, c.ch.CNAMETarget)
		c.m.add(rankWrong, p)
		return false, nil
	}
	// D5a: a wildcard would answer for a label that was never issued, too. Only
	// a clean "no" to that clears the record.
	canary := c.ch.CanaryLabel + "." + adn.String()
	before := len(*c.m)
	other, done, err := c.ask(ctx, canary)
	if done || err != nil {
		return done, err
	}
	if c.stopped || len(*c.m) > before || c.ch.CanaryLabel == "" {
		return false, nil
	}
	if equalFold(other, c.ch.CNAMETarget) {
		p := dcv.NewProblem(dcv.CNAMEWildcard, "%s is a CNAME to %s, but so is %s, a label that was never handed out: a wildcard answers for every label.", name, c.ch.CNAMETarget, canary)
		p.Fix = fmt.Sprintf("Remove the wildcard, or publish this record instead: %s.%s. CNAME %s.%s.", Prefix, adn, token, c.ch.CNAMETarget)
		c.m.add(rankCertain, p)
		return false, nil
	}
	proven(c.v, adn, i, name)
	return true, nil
}

func (c *cname) publish(adn dcv.Name) string {
	if len(c.ch.Values) == 0 {
		return "Generate a random value, and publish the CNAME record shown with it."
	}
	return fmt.Sprintf("Publish this record, then check again: %s.%s. CNAME %s.%s.", Prefix, adn, c.ch.Values[0].Token, c.ch.CNAMETarget)
}

func (c *cname) absent() *dcv.Problem {
	var looked []string
	for _, o := range c.v.Seen {
		looked = append(looked, strings.TrimPrefix(o.Asked, "CNAME ")+" ("+o.Result+")")
	}
	p := dcv.NewProblem(dcv.CNAMENotFound, "No CNAME record with the random value was found at %s.", strings.Join(looked, ", "))
	p.Fix = c.publish(c.v.ADN)
	return p
}

// equalFold compares two names as the DNS does; no name equals none.
func equalFold(a, b string) bool { return a != "" && dnssec.SameName(a, b) }
