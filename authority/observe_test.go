package authority_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"deed/authority"
	"deed/dcv"
)

// counts is a Watch that remembers.
type counts struct{ seen []string }

func (c *counts) Attempted(m dcv.Method, trigger string, o dcv.Outcome, code dcv.Code, took time.Duration) {
	c.seen = append(c.seen, fmt.Sprint(m, " ", trigger, " ", o, " ", code))
}
func (c *counts) Mailed(result string) { c.seen = append(c.seen, "mail "+result) }

func TestOneEventTellsAnAttempt(t *testing.T) {
	w := newWorld(t)
	c := &counts{}
	o := w.options
	o.Watch = c
	var err error
	w.Authority, err = authority.New(o)
	must(t, err)
	a := w.add("example.com", dcv.DNSTXT)
	no := w.check(a.Domain.ID)
	w.publish("example.com", a.Value.Token)
	w.advance(time.Minute)
	w.tick()
	w.add("example.org", dcv.Email)
	w.tick()
	link, code := parts(w.post.made[0])
	_, err = w.ApproveMail(t.Context(), link, code)
	must(t, err)
	want := []string{"dns-txt-token manual not_proven " + string(no.Verdict.Problem.Code), "dns-txt-token scheduled proven "}
	want = append(want, slices.Repeat([]string{"mail sent"}, 5)...)
	want = append(want, "email email proven ")
	if !slices.Equal(c.seen, want) {
		t.Errorf("%q\nwant %q", c.seen, want)
	}
	lines := strings.Split(strings.TrimSpace(w.logs.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines for 3 attempts:\n%s", len(lines), w.logs.String())
	}
	var first map[string]any
	must(t, json.Unmarshal([]byte(lines[0]), &first))
	for key, want := range map[string]any{
		"msg": "attempt", "attempt": no.Attempt.ID, "account": float64(w.actor.Account), "actor": w.actor.Name, "trigger": "manual", "domain": float64(a.Domain.ID),
		"name": "example.com", "method": "dns-txt-token", "outcome": "not_proven", "problem": string(no.Verdict.Problem.Code), "test": true,
	} {
		if first[key] != want {
			t.Errorf("%s = %v, want %v", key, first[key], want)
		}
	}
	for _, secret := range []string{a.Value.Token, code, link} {
		if strings.Contains(w.logs.String(), secret) {
			t.Error("a secret is logged")
		}
	}
}
