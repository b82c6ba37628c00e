package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"deed/capsule"
	"deed/dcv"
	"deed/resolve/dnssec"
	"deed/rules"
)

// Replayed is a recorded attempt, judged again.
type Replayed struct {
	Sealed   capsule.Sealed
	Capsule  *capsule.Capsule
	Recorded dcv.Verdict
	Again    dcv.Verdict
	// Same: the decision is the same, bit for bit (dcv.Decision).
	Same bool
	// Difference says what differs, and which rule changed; "" when Same.
	Difference string
	// Words: the decision is the same, but this version says it otherwise.
	Words bool
}

// Diagnosis is why the attempt did not pass, as recorded; nil if there is none
// that can be read. It is told again, not made again.
func (r *Replayed) Diagnosis() *dcv.Diagnosis {
	if r.Capsule == nil || r.Capsule.Diagnosis == nil {
		return nil
	}
	var d dcv.Diagnosis
	if json.Unmarshal(r.Capsule.Diagnosis.JSON, &d) != nil || d.Problem == nil {
		return nil
	}
	return &d
}

// ReplayOptions say how to judge again.
type ReplayOptions struct {
	HostName func(string) (string, error) // Options.HostName
	// AsOf judges by another day's rules; the zero time judges by those of the
	// recording. With it, the mark "test" is not compared.
	AsOf time.Time
}

// Replay judges a capsule again, with nothing but what stands in it. The
// error is that of a capsule that cannot be read.
func Replay(raw []byte, o ReplayOptions) (Replayed, error) {
	sealed, err := capsule.Open(raw)
	if err != nil {
		return Replayed{}, err
	}
	c, err := capsule.Decode(sealed.Capsule)
	if err != nil {
		return Replayed{}, err
	}
	r := Replayed{Sealed: sealed, Capsule: c}
	if err := json.Unmarshal(c.Verdict, &r.Recorded); err != nil {
		return r, fmt.Errorf("check: the capsule's verdict: %w", err)
	}
	r.Recorded.Matched = c.Decision.Matched
	if r.Recorded.Decision() != c.Decision {
		return r, errors.New("check: the capsule's verdict and its decision disagree")
	}
	ch := c.Challenge
	if !o.AsOf.IsZero() {
		ch.RulesAsOf = o.AsOf
	}
	ready, err := replayed(c, &ch, o, &r)
	if err != nil || !ready {
		return r, err
	}
	now := r.Again.Decision()
	if !o.AsOf.IsZero() {
		now.Test = c.Decision.Test
	}
	r.Same = now == c.Decision
	if !r.Same {
		r.Difference = difference(c, &ch, &now, &r.Again)
		return r, nil
	}
	again, err := json.Marshal(r.Again)
	r.Words = o.AsOf.IsZero() && !bytes.Equal(again, c.Verdict)
	return r, err
}

// replayed judges; false where this version asks for what was not recorded.
func replayed(c *capsule.Capsule, ch *dcv.Challenge, ro ReplayOptions, r *Replayed) (bool, error) {
	servers, err := c.Resolvers()
	if err != nil {
		return false, fmt.Errorf("check: the capsule's resolvers: %w", err)
	}
	if len(servers) == 0 && c.Mail == nil && len(c.DNS) > 0 {
		return false, errors.New("check: the capsule names no resolver")
	}
	o := Options{Servers: servers, DNSSEC: ch.DNSSEC, HostName: ro.HostName}
	if ch.TrustAnchors != "" {
		if o.Anchors, err = dnssec.ParseAnchors(ch.TrustAnchors); err != nil {
			return false, fmt.Errorf("check: the capsule's trust anchors: %w", err)
		}
	}
	p := c.Play()
	if c.Mail != nil {
		r.Again, err = New(o).judgeMail(context.Background(), ch, c.Mail, p)
	} else {
		r.Again, err = New(o).judge(context.Background(), ch, p, p)
	}
	if err != nil {
		// This version asks what the recorded one did not: it cannot judge.
		r.Difference = "this version asks for something that was not recorded: " + err.Error()
		return false, nil
	}
	return true, nil
}

// difference names what differs, and the rule that is behind it.
func difference(c *capsule.Capsule, ch *dcv.Challenge, now *dcv.Decision, again *dcv.Verdict) string {
	old := &c.Decision
	s := ""
	switch {
	case old.Outcome != now.Outcome:
		s = fmt.Sprintf("the outcome was %s and is now %s", old.Outcome, now.Outcome)
	case old.Code != now.Code:
		s = fmt.Sprintf("the leading problem was %s and is now %s", old.Code, now.Code)
	case old.ADN != now.ADN:
		s = fmt.Sprintf("the authorization domain name was %s and is now %s", old.ADN, now.ADN)
	case old.Section != now.Section || old.Scope != now.Scope:
		s = fmt.Sprintf("the proof rested on BR %s for the scope %s, and now on BR %s for %s", old.Section, old.Scope, now.Section, now.Scope)
	case old.Matched != now.Matched || old.Where != now.Where:
		s = fmt.Sprintf("the value was number %d at %s and is now number %d at %s", old.Matched, old.Where, now.Matched, now.Where)
	case old.CAA != now.CAA || old.CAAAt != now.CAAAt:
		s = fmt.Sprintf("CAA was read as %q at %q and is now %q at %q", old.CAA, old.CAAAt, now.CAA, now.CAAAt)
	default:
		s = "the mark test differs"
	}
	if p := again.Problem; p != nil && p.Whose == dcv.Policy {
		s += ". The rule: " + p.Detail
	}
	if c.Rules != rules.Version {
		s += fmt.Sprintf(" (recorded under Baseline Requirements %s, judged under %s)", c.Rules, rules.Version)
	}
	if ch.RulesAsOf != c.Challenge.RulesAsOf {
		s += " (judged by the rules of " + ch.RulesAsOf.Format(time.DateOnly) + ")"
	}
	return s
}
