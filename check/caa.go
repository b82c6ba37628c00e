package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"deed/caa"
	"deed/dcv"
	"deed/resolve"
	"deed/rules"
)

// unsigned is what CAA must know of a zone whose name servers fail.
type unsigned interface {
	Insecure(ctx context.Context, name string) (bool, error)
}

// permitted adds to a proof of control what CAA says of issuing for the name
// (BR 4.2.2.1, RFC 8659), in the same recording. It is looked up only for a
// proof: where control is not shown, permission changes nothing. Where the
// challenge enforces it, anything but a permission turns the proof into a
// refusal with a code of its own.
func permitted(ctx context.Context, ch *dcv.Challenge, v *dcv.Verdict, look Lookups) error {
	c := climb{ch: ch, v: v, dns: look}
	ruling, err := c.rule(ctx)
	if err != nil {
		return err
	}
	c.report.Decision, c.report.Reason, c.report.Enforced = string(ruling.Decision), ruling.Reason+".", ch.EnforceCAA
	v.CAA = &c.report
	if !ch.EnforceCAA || ruling.Decision == caa.Permit {
		return nil
	}
	v.Outcome, v.Scope, v.Matched = dcv.NotProven, "", -1
	switch {
	case c.failed != nil && c.failed.Ours():
		ours(v, c.failed)
	case c.failed != nil || c.late:
		v.Problem = dcv.NewProblem(dcv.CAALookupFailed, "Control of %s was shown, but its CAA records could not be read: %s.", ch.Name, ruling.Reason)
		v.Problem.Fix = "Make the name servers answer the question CAA " + c.asked + " for everyone; an empty answer is enough."
	default:
		v.Problem = dcv.NewProblem(dcv.CAADenied, "Control of %s was shown, but the CAA records at %s do not permit issuing: %s.", ch.Name, c.report.Found, ruling.Reason)
		if len(ch.Issuers) > 0 {
			tag := "issue"
			if ch.Name.Wildcard() {
				tag = "issuewild"
			}
			v.Problem.Fix = fmt.Sprintf("Publish this record beside those at %s, or remove them: %s. CAA 0 %s %q", c.report.Found, c.report.Found, tag, ch.Issuers[0])
		}
	}
	return nil
}

type climb struct {
	ch     *dcv.Challenge
	v      *dcv.Verdict
	dns    Lookups
	report dcv.CAAReport
	asked  string         // the name whose look-up failed
	failed *resolve.Error // why
	late   bool           // the attempt's time ended first
}

// rule climbs from the name to its top-level domain: on the name that was
// applied for, never on that of an alias' target (RFC 8659 section 3). The
// first set that is not empty decides; a look-up that fails ends the climb.
func (c *climb) rule(ctx context.Context) (caa.Ruling, error) {
	for _, name := range caa.Climb(c.ch.Name) {
		a, err := c.ask(ctx, name.String())
		if errors.Is(err, context.DeadlineExceeded) {
			c.late, c.asked = true, name.String()
			see(c.v, "CAA "+c.asked, "no answer")
			return caa.DecideFailure(caa.Failure{What: "the time for the whole check ended while asking for CAA " + c.asked}, false), nil
		}
		if errors.As(err, &c.failed) {
			c.asked = name.String()
			see(c.v, "CAA "+c.asked, "no answer")
			return c.excused(ctx)
		}
		if err != nil {
			return caa.Ruling{}, err
		}
		if len(a.CAA) == 0 {
			see(c.v, "CAA "+name.String(), answered(&a))
			continue
		}
		set := make([]caa.Record, len(a.CAA))
		lines := make([]string, len(a.CAA))
		for i, r := range a.CAA {
			set[i] = caa.Record(r)
			lines[i] = printable(fmt.Sprintf("%d %s %q", r.Flags, r.Tag, r.Value), 256)
		}
		see(c.v, "CAA "+name.String(), count(len(set), "record"), lines...)
		c.report.Found, c.report.Records = name, lines[:min(len(lines), maxValues)]
		return caa.Decide(set, c.question()), nil
	}
	return caa.Decide(nil, c.question()), nil
}

func (c *climb) question() caa.Question {
	rule, _ := rules.For(c.ch.Method)
	return caa.Question{Identities: c.ch.Issuers, Wildcard: c.ch.Name.Wildcard(), AccountURI: c.ch.AccountURI, Methods: rule.CAALabels(c.v.Section)}
}

// ask asks for a CAA set, once more if it failed: one failure of theirs may be
// an accident, and nothing may rest on it (BR 4.2.2.1).
func (c *climb) ask(ctx context.Context, name string) (resolve.Answer, error) {
	a, err := c.dns.Lookup(ctx, name, dns.TypeCAA)
	var e *resolve.Error
	if errors.As(err, &e) && !e.Ours() {
		return c.dns.Lookup(ctx, name, dns.TypeCAA)
	}
	return a, err
}

// excused judges a look-up that failed twice.
func (c *climb) excused(ctx context.Context) (caa.Ruling, error) {
	f := caa.Failure{Ours: c.failed.Ours(), Retried: true, What: "CAA " + c.asked + " could not be looked up (" + string(c.failed.Kind) + ")"}
	// Data that fails validation is never from an unsigned zone, whatever else
	// could be shown.
	if u, ok := c.dns.(unsigned); ok && !f.Ours && c.failed.Kind != resolve.Bogus {
		var err error
		f.Insecure, err = u.Insecure(ctx, c.failed.Name)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return caa.Ruling{}, err
		}
	}
	return caa.DecideFailure(f, c.ch.LenientCAA), nil
}
