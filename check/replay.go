package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"deed/capsule"
	"deed/dcv"
	"deed/resolve/dnssec"
	"deed/rules"
)

// Replayed is a recorded attempt, judged again.
type Replayed struct {
	Capsule  *capsule.Capsule
	Recorded dcv.Verdict
	Again    dcv.Verdict
	// Same: the two verdicts are the same, bit for bit.
	Same bool
	// Difference says what differs; "" when Same.
	Difference string
}

// Replay judges a capsule again, with nothing but what stands in it. hostName
// is Options.HostName. The error is that of a capsule that cannot be read.
func Replay(raw []byte, hostName func(string) (string, error)) (Replayed, error) {
	c, err := capsule.Decode(raw)
	if err != nil {
		return Replayed{}, err
	}
	r := Replayed{Capsule: c}
	if err := json.Unmarshal(c.Verdict, &r.Recorded); err != nil {
		return r, fmt.Errorf("check: the capsule's verdict: %w", err)
	}
	servers, err := c.Resolvers()
	if err != nil {
		return r, fmt.Errorf("check: the capsule's resolvers: %w", err)
	}
	if len(servers) == 0 && c.Mail == nil && len(c.DNS) > 0 {
		return r, fmt.Errorf("check: the capsule names no resolver")
	}
	o := Options{Servers: servers, DNSSEC: c.Challenge.DNSSEC, HostName: hostName}
	if c.Challenge.TrustAnchors != "" {
		if o.Anchors, err = dnssec.ParseAnchors(c.Challenge.TrustAnchors); err != nil {
			return r, fmt.Errorf("check: the capsule's trust anchors: %w", err)
		}
	}
	e := New(o)
	switch {
	case c.Mail != nil:
		if v := ended(&c.Challenge); v != nil {
			r.Again = *v
		} else {
			r.Again = Email(&c.Challenge, c.Mail)
		}
	default:
		p := c.Play()
		if r.Again, err = e.judge(context.Background(), &c.Challenge, p, p); err != nil {
			// This version asks what the recorded one did not: it cannot judge.
			r.Difference = "this version asks for something that was not recorded: " + err.Error()
			return r, nil
		}
	}
	again, err := json.Marshal(r.Again)
	if err != nil {
		return r, err
	}
	r.Same = bytes.Equal(again, c.Verdict)
	if !r.Same {
		r.Difference = difference(c, &r.Recorded, &r.Again)
	}
	return r, nil
}

func difference(c *capsule.Capsule, old, now *dcv.Verdict) string {
	s := ""
	switch {
	case old.Outcome != now.Outcome:
		s = fmt.Sprintf("the outcome was %s and is now %s", old.Outcome, now.Outcome)
	case old.Problem != nil && now.Problem != nil && old.Problem.Code != now.Problem.Code:
		s = fmt.Sprintf("the leading problem was %s and is now %s", old.Problem.Code, now.Problem.Code)
	default:
		s = "the outcome is the same; the words or the observations differ"
	}
	if c.Rules != rules.Version {
		s += fmt.Sprintf(" (recorded under Baseline Requirements %s, judged under %s)", c.Rules, rules.Version)
	}
	return s
}
