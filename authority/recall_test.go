package authority_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"deed/authority"
	"deed/check"
	"deed/dcv"
	"deed/diagnose"
	"deed/fetch"
	"deed/reserve"
	"deed/resolve"
)

// diagnosing gives the world an engine that says why.
func (w *world) diagnosing(t *testing.T) {
	t.Helper()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	e := w.options.Engine.(engine)
	o := w.options
	o.Engine = engine{check.New(check.Options{
		DNS: resolve.NewLive(resolve.LiveOptions{Now: w.now}), HTTP: fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: loopback}}),
		Servers: []netip.AddrPort{w.dns}, DNSSEC: "off", Now: w.now, QueryTimeout: 5 * time.Second, Diagnose: diagnose.New(diagnose.Options{Issued: w}),
	}), e.w}
	var err error
	w.Authority, err = authority.New(o)
	must(t, err)
}

// An old value of the domain is known by its dates. Another account's is only
// known as such: neither its owner, nor its domain, nor its dates are told.
func TestOldValuesAndThoseOfOthers(t *testing.T) {
	w := newWorld(t)
	w.diagnosing(t)
	mine := w.add("example.com", dcv.DNSTXT)
	old := mine.Value.Token
	w.advance(36 * time.Hour)
	renewed, err := w.GenerateValue(t.Context(), w.actor, mine.Domain.ID)
	must(t, err)
	me := w.actor
	var org int64
	w.actor, org = w.tenant("Somebody Else")
	w.org, org = org, w.org
	theirs := w.add("example.com", dcv.DNSTXT)
	w.actor, w.org = me, org
	otherDomain := w.add("example.net", dcv.DNSTXT)

	for _, row := range []struct {
		name, published string
		code            dcv.Code
		says            []string
		hides           []string
	}{
		{"the domain's own old value", old, dcv.ValueOld, []string{"2026-11-24 12:00 UTC", "2026-11-26 00:00 UTC", renewed.Value.Token}, nil},
		{"another account's value of the same name", theirs.Value.Token, dcv.ValueOther, []string{"not for example.com in this account"}, []string{"Somebody", theirs.Value.Token + ","}},
		{"the account's own value of another domain", otherDomain.Value.Token, dcv.ValueOther, nil, []string{"example.net"}},
		{"a value that nobody handed out", strings.Repeat("x", 32), dcv.TXTNoMatch, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.t = t
			w.publish("_dnsauth.example.com", row.published)
			r := w.check(mine.Domain.ID)
			att, err := w.Attempt(t.Context(), w.actor, r.Attempt.ID)
			must(t, err)
			var d dcv.Diagnosis
			must(t, json.Unmarshal(att.Diagnosis, &d))
			if d.Problem == nil || d.Problem.Code != row.code || att.Code != row.code || !d.Problem.FixProven {
				t.Fatalf("%s: %+v", att.Code, d.Problem)
			}
			for _, s := range row.says {
				if !strings.Contains(d.Problem.Detail+d.Problem.Fix, s) {
					t.Errorf("does not say %q: %+v", s, d.Problem)
				}
			}
			for _, s := range row.hides {
				if strings.Contains(string(att.Diagnosis), s) {
					t.Errorf("says %q: %s", s, att.Diagnosis)
				}
			}
			if !strings.Contains(string(att.Verdict), string(r.Verdict.Problem.Code)) {
				t.Error("the verdict is not its own any more")
			}
		})
	}
}

// A "no" that resolvers remember for 200 seconds is not met again each minute;
// one of an hour is, at the mark of five minutes. Told with the attempt.
func TestARememberedNoIsNotMetAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		ttl  string
		next time.Duration
	}{
		{"five seconds: the next minute", "5", time.Minute},
		{"200 seconds: when they are over", "200", 201 * time.Second},
		{"an hour: no later than the mark of five minutes", "3600", 5 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.diagnosing(t)
			a := w.add("example.com", dcv.DNSTXT)
			must(t, w.net.Records(`_dnsauth.example.com. `+row.ttl+` IN TXT "no"`, `example.com. `+row.ttl+` IN TXT "no"`))
			r := w.check(a.Domain.ID)
			if got := w.view(a.Domain.ID).Domain.NextCheck.Sub(start).Round(time.Second); got != row.next || !r.Attempt.NextCheck.Equal(w.view(a.Domain.ID).Domain.NextCheck) {
				t.Errorf("the next look is after %s, want %s", got, row.next)
			}
			var d dcv.Diagnosis
			must(t, json.Unmarshal(r.Attempt.Diagnosis, &d))
			if d.Worth.IsZero() || !strings.Contains(d.Problem.Detail, d.Worth.Format("15:04:05 UTC")) {
				t.Errorf("until when is not told: %+v %s", d.Problem, d.Worth)
			}
		})
	}
}
