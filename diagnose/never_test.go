package diagnose_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
	"deed/fetch"
	"deed/resolve"
)

// liar is a diagnoser that does all that it can to make a "yes".
type liar struct{ judged bool }

func (l *liar) Diagnose(ctx context.Context, k check.Case) dcv.Diagnosis {
	edit := check.Edit{Name: "_dnsauth.example.com", Type: dns.TypeTXT, Answer: resolve.Answer{TXT: []string{token}}}
	if v, err := k.Judge(ctx, edit); err == nil && v.Outcome == dcv.Proven {
		l.judged = true
		k.Verdict = v
	}
	k.Verdict.Outcome = dcv.Proven
	if k.Verdict.Problem != nil {
		k.Verdict.Problem.Code, k.Verdict.Problem.Detail = "", ""
	}
	for i := range k.Challenge.Values {
		k.Challenge.Values[i].Token = ""
	}
	for i := range k.Challenge.ADNs {
		k.Challenge.ADNs[i] = dcv.MustName("other.example")
	}
	for i := range k.Heard {
		for j := range k.Heard[i].Received {
			k.Heard[i].Received[j] = 0
		}
		for j := range k.Heard[i].Sent {
			k.Heard[i].Sent[j] = 0
		}
	}
	for i := range k.Servers {
		k.Servers[i] = netip.AddrPort{}
	}
	return dcv.Diagnosis{}
}

// Whatever a diagnoser does, the verdict is what it was without one.
func TestADiagnosisNeverTurnsANoIntoAYes(t *testing.T) {
	w := newWorld(t, txt("_dnsauth.example.com", "no"))
	ch := challenge(dcv.DNSTXT, "example.com", token)
	l := &liar{}
	got, err := w.engine(l).Attempt(context.Background(), ch)
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.engine(nil).Attempt(context.Background(), challenge(dcv.DNSTXT, "example.com", token))
	if err != nil {
		t.Fatal(err)
	}
	if !l.judged {
		t.Error("the fix could not be tried")
	}
	if got.Verdict.Outcome != dcv.NotProven || string(got.JSON) != string(want.JSON) || len(got.Facets) > 0 {
		t.Errorf("%s\n%s", got.JSON, want.JSON)
	}
	if p := got.Problem(); p == nil || p.Code != dcv.TXTNoMatch {
		t.Errorf("a diagnosis without a reason leaves none: %+v", p)
	}
	if again, err := check.Replay(got.Capsule, check.ReplayOptions{HostName: hostName(t)}); err != nil || !again.Same {
		t.Errorf("replay: %v %+v", err, again)
	}
}

// Random worlds: near misses of every kind, thrown together. A "no" stays one,
// has exactly one leading code with a row, and what is called proven passes.
func TestRandomWorldsKeepTheirVerdict(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"_dnsauth.example.com", "example.com", "dnsauth.example.com", "_dnsauth.example.com.example.com", "*.example.com", under + ".example.com", token + ".example.com", "_acme-challenge.example.com"}
	texts := []string{token, token[:20], token[20:], `\"` + token, "x=" + token, "v=spf1 -all", older, under, ""}
	targets := []string{target + ".", under + "." + target + ".", target + ".example.com.", "verify.vendor.example.", "_dnsauth.example.com."}
	w := newWorld(t)
	passed := 0
	for i := range 60 {
		w.Clear()
		for range r.IntN(5) {
			n := names[r.IntN(len(names))]
			if r.IntN(3) == 0 {
				w.records(n + ". 60 IN CNAME " + targets[r.IntN(len(targets))])
			} else {
				w.records(txt(n, texts[r.IntN(len(texts))]))
			}
		}
		method, tk := dcv.DNSTXT, token
		if r.IntN(2) == 0 {
			method, tk = dcv.DNSCNAME, under
		}
		with, err := w.engine(w.diagnoser()).Attempt(context.Background(), challenge(method, "example.com", tk))
		if err != nil {
			t.Fatal(err)
		}
		without, err := w.engine(nil).Attempt(context.Background(), challenge(method, "example.com", tk))
		if err != nil {
			t.Fatal(err)
		}
		if string(with.JSON) != string(without.JSON) {
			t.Fatalf("world %d: %s\n%s", i, with.JSON, without.JSON)
		}
		if with.Verdict.Outcome == dcv.Proven {
			passed++
			if with.Diagnosis != nil || with.Problem() != nil {
				t.Errorf("world %d: a proof has a reason against it", i)
			}
			continue
		}
		p := with.Problem()
		if _, ok := dcv.Problems[p.Code]; !ok || p.Detail == "" || p.Fix == "" {
			t.Errorf("world %d: a bare no: %+v", i, p)
		}
		for _, c := range with.Diagnosis.Causes {
			if c.Code == p.Code {
				t.Errorf("world %d: %s leads and follows", i, p.Code)
			}
		}
	}
	if passed == 0 || passed == 60 {
		t.Errorf("%d of 60 worlds pass: they say nothing", passed)
	}
}

// glutton asks without an end.
type glutton struct {
	questions, hops int
	last            error
}

func (g *glutton) Diagnose(ctx context.Context, k check.Case) dcv.Diagnosis {
	for {
		if _, g.last = k.DNS.Exchange(ctx, resolve.Ask{Server: k.Servers[0], Transport: resolve.UDP, Name: fmt.Sprintf("a%d.example.com", g.questions), Type: dns.TypeTXT}); g.last != nil {
			break
		}
		g.questions++
	}
	for {
		if _, err := k.HTTP.Hop(ctx, fetch.Hop{URL: "http://example.com/", Addr: netip.MustParseAddrPort("127.0.0.1:1"), MaxBody: 10}); err != nil {
			break
		}
		g.hops++
	}
	return dcv.Diagnosis{}
}

func TestADiagnosisIsBounded(t *testing.T) {
	w := newWorld(t)
	g := &glutton{}
	if _, err := w.engine(g).Attempt(context.Background(), challenge(dcv.DNSTXT, "example.com", token)); err != nil {
		t.Fatal(err)
	}
	if g.questions != 120 || g.hops != 12 || !errors.Is(g.last, check.ErrSpent) {
		t.Errorf("%d questions, %d hops, %v", g.questions, g.hops, g.last)
	}
}

// Our own trouble is called ours, and nothing more is asked.
func TestOurOwnTroubleIsCalledOurs(t *testing.T) {
	w := newWorld(t)
	if err := w.Fault("_dnsauth.example.com", "timeout"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r, err := w.engine(w.diagnoser()).Attempt(context.Background(), challenge(dcv.DNSTXT, "example.com", token))
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Outcome != dcv.CouldNotCheck || r.Diagnosis != nil || r.Problem().Whose != dcv.Us {
		t.Errorf("%+v %+v", r.Problem(), r.Diagnosis)
	}
}

func TestCAAThatForbidsIsMendedByARecordThatNamesUs(t *testing.T) {
	for _, row := range []struct {
		name   string
		record string
		proven bool
	}{
		{"another issuer at the parent", `example.com. 60 IN CAA 0 issue "other.example"`, true},
		{"a critical property that nobody knows", `example.com. 60 IN CAA 128 unheard "of"`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.record, txt("_dnsauth.www.example.com", token))
			ch := challenge(dcv.DNSTXT, "www.example.com", token)
			ch.Issuers, ch.EnforceCAA = []string{"deed.example"}, true
			d := w.diagnosis(ch)
			expect(t, d, dcv.CAADenied, row.proven, "example.com", `example.com. CAA 0 issue "deed.example"`)
			if len(d.Seen) > 0 {
				t.Errorf("asked for a record that is there: %+v", d.Seen)
			}
		})
	}
}

// When the resolver's memory of an answer ends, and not before, another look
// can give another answer.
func TestWorthIsWhenTheAnswerCanHaveChanged(t *testing.T) {
	w := newWorld(t)
	d := w.diagnosis(challenge(dcv.DNSTXT, "example.com", token))
	// The box's SOA says 5 seconds.
	if want := now.Add(6 * time.Second); !d.Worth.Equal(want) {
		t.Errorf("worth %s, want %s", d.Worth, want)
	}
	if err := w.Fault("_dnsauth.example.com", "servfail"); err != nil {
		t.Fatal(err)
	}
	if d := w.diagnosis(challenge(dcv.DNSTXT, "example.com", token)); !d.Worth.IsZero() {
		t.Errorf("a failure is remembered until %s", d.Worth)
	}
}
