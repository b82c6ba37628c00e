package authority_test

import (
	"testing"
	"time"

	"deed/authority"
	"deed/dcv"
	"deed/store"
)

func TestPendingDomainsAreLookedAtBySchedule(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.DNSTXT).Domain
	if d.NextCheck != start.Add(time.Minute) || d.GivesUp != start.Add(240*time.Hour) {
		t.Errorf("next_check %s, gives_up_at %s", d.NextCheck, d.GivesUp)
	}
	w.tick()
	if w.looks.Load() != 0 {
		t.Error("looked before it was due")
	}
	for i := range 3 {
		w.advance(time.Minute)
		w.tick()
		if got := w.looks.Load(); got != int64(i+1) {
			t.Fatalf("%d looks after %d minutes", got, i+1)
		}
	}
	// A look by hand is always possible, and shifts nothing.
	w.advance(30 * time.Second)
	w.check(d.ID)
	if got := w.view(d.ID).Domain; got.NextCheck != start.Add(4*time.Minute) || got.PollStart != start {
		t.Errorf("next_check %s after a look by hand", got.NextCheck)
	}
	// A server that was down for hours looks once, not once for each mark missed.
	w.advance(20 * time.Hour)
	w.tick()
	if w.looks.Load() != 5 {
		t.Errorf("%d looks", w.looks.Load())
	}
	w.advance(221 * time.Hour)
	w.tick()
	got := w.view(d.ID).Domain
	if !got.NextCheck.IsZero() || !got.Pending() {
		t.Errorf("after day 10 it rests, pending: %s", got.NextCheck)
	}
	before := w.looks.Load()
	w.advance(24 * time.Hour)
	w.tick()
	if w.looks.Load() != before {
		t.Error("a resting domain was looked at")
	}
	// By hand it still passes, and submitting again starts the schedule anew.
	_, err := w.Submit(t.Context(), w.actor, d.ID, authority.Submit{Types: []string{"ov"}})
	must(t, err)
	if got := w.view(d.ID).Domain; got.NextCheck != w.now().Add(time.Minute) {
		t.Errorf("next_check %s", got.NextCheck)
	}
	w.publish("example.com", w.view(d.ID).Value.Token)
	w.check(d.ID)
	got = w.view(d.ID).Domain
	if got.Pending() || !got.NextCheck.IsZero() || !got.GivesUp.IsZero() {
		t.Errorf("a proven domain is on a schedule: %+v", got)
	}
}

func TestScheduledLookProves(t *testing.T) {
	w := newWorld(t)
	a := w.add("example.com", dcv.DNSTXT)
	w.publish("_dnsauth.example.com", a.Value.Token)
	w.advance(time.Minute)
	w.tick()
	v := w.view(a.Domain.ID)
	if v.Pending || v.Last == nil || v.Last.Trigger != "scheduled" || v.Last.Outcome != dcv.Proven || !v.Last.Test {
		t.Errorf("%+v", v)
	}
}

func TestInactiveDomainsAreNotLookedAt(t *testing.T) {
	w := newWorld(t)
	a := w.add("example.com", dcv.DNSTXT)
	w.publish("example.com", a.Value.Token)
	must(t, w.SetActive(t.Context(), w.actor, a.Domain.ID, false))
	w.advance(time.Hour)
	w.tick()
	if w.looks.Load() != 0 {
		t.Error("looked at")
	}
	_, err := w.CheckDomain(t.Context(), w.actor, a.Domain.ID)
	refused(t, err, authority.Conflict, "inactive")
	must(t, w.SetActive(t.Context(), w.actor, a.Domain.ID, true))
	w.advance(time.Minute)
	w.tick()
	if w.view(a.Domain.ID).Pending {
		t.Error("not looked at again once active")
	}
}

func TestTwoSchedulersOnOneDatabaseDoNoHarm(t *testing.T) {
	w := newWorld(t)
	other, err := authority.New(w.options)
	must(t, err)
	a := w.add("example.com", dcv.DNSTXT)
	w.publish("example.com", a.Value.Token)
	w.advance(time.Minute)
	// The second takes the same domain, whole, while the first looks at it.
	w.during = func() {
		_, err := other.Tick(t.Context())
		must(t, err)
	}
	w.tick()
	v := w.view(a.Domain.ID)
	if v.Pending || v.Domain.Proven.IsZero() {
		t.Error("not proven")
	}
	_, n, err := w.Attempts(t.Context(), w.actor, a.Domain.ID, store.Page{Limit: 10})
	must(t, err)
	if n != 2 {
		t.Errorf("%d attempts", n)
	}
}

func TestWhatChangesWhileACheckRuns(t *testing.T) {
	type fixture struct {
		w *world
		a authority.Armed
	}
	for _, row := range []struct {
		name   string
		change func(f fixture)
		proven bool
	}{
		{"nothing: proven", func(fixture) {}, true},
		{"a new domain value ends the one found", func(f fixture) {
			_, err := f.w.GenerateValue(t.Context(), f.w.actor, f.a.Domain.ID)
			must(t, err)
		}, false},
		{"another method ends the value found", func(f fixture) {
			_, err := f.w.ChangeMethod(t.Context(), f.w.actor, f.a.Domain.ID, authority.ChangeMethod{Method: dcv.HTTP})
			must(t, err)
		}, false},
		{"the method changed and changed back: the value is another", func(f fixture) {
			for _, m := range []dcv.Method{dcv.HTTP, dcv.DNSTXT} {
				_, err := f.w.ChangeMethod(t.Context(), f.w.actor, f.a.Domain.ID, authority.ChangeMethod{Method: m})
				must(t, err)
			}
		}, false},
		{"the domain was deactivated", func(f fixture) { must(t, f.w.SetActive(t.Context(), f.w.actor, f.a.Domain.ID, false)) }, false},
		{"the value expired, but the look began before", func(f fixture) { f.w.advance(31 * 24 * time.Hour) }, true},
		{"an order value came beside it", func(f fixture) { f.w.order(dcv.DNSTXT, "example.com") }, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			f := fixture{w, w.add("example.com", dcv.DNSTXT)}
			w.publish("example.com", f.a.Value.Token)
			w.during = func() { row.change(f) }
			r := w.check(f.a.Domain.ID)
			if got := r.Verdict.Outcome == dcv.Proven; got != row.proven {
				t.Errorf("outcome %s, %v", r.Verdict.Outcome, r.Verdict.Problem)
			}
			v := w.view(f.a.Domain.ID)
			if v.Domain.Proven.IsZero() == row.proven || v.Last == nil {
				t.Fatalf("proven at %s; the attempt must be kept: %v", v.Domain.Proven, v.Last)
			}
			// What is kept of the attempt says what its caller was told.
			if v.Last.Outcome != r.Verdict.Outcome || (v.Last.Code == dcv.ValueExpired) == row.proven {
				t.Errorf("kept as %s %s, told %s", v.Last.Outcome, v.Last.Code, r.Verdict.Outcome)
			}
		})
	}
	t.Run("the domain was deleted: history, and nothing proven", func(t *testing.T) {
		w := newWorld(t)
		a := w.add("example.com", dcv.DNSTXT)
		w.publish("example.com", a.Value.Token)
		w.during = func() { must(t, w.Delete(t.Context(), w.actor, a.Domain.ID)) }
		r := w.check(a.Domain.ID)
		_, err := w.Domain(t.Context(), w.actor, a.Domain.ID)
		refused(t, err, authority.NotFound, "domain")
		if kept, err := w.Attempt(t.Context(), w.actor, r.Attempt.ID); err != nil || kept.Outcome != dcv.NotProven || r.Verdict.Outcome != dcv.NotProven {
			t.Errorf("told %s, kept %s, %v", r.Verdict.Outcome, kept.Outcome, err)
		}
	})
	t.Run("deleted and added again: the new one is not proven by the old look", func(t *testing.T) {
		w := newWorld(t)
		a := w.add("example.com", dcv.DNSTXT)
		w.publish("example.com", a.Value.Token)
		var again authority.Armed
		w.during = func() {
			must(t, w.Delete(t.Context(), w.actor, a.Domain.ID))
			again = w.add("example.com", dcv.DNSTXT)
		}
		w.check(a.Domain.ID)
		if !w.view(again.Domain.ID).Pending {
			t.Error("proven by a value that is no more")
		}
	})
}

func TestDomainValueAndOrderValue(t *testing.T) {
	w := newWorld(t)
	o := w.order(dcv.DNSTXT, "example.com", "example.net")
	id := o.Names[0].Domain.ID
	one, err := w.GenerateValue(t.Context(), w.actor, id)
	must(t, err)
	w.publish("example.com", one.Value.Token)
	two, err := w.GenerateValue(t.Context(), w.actor, id)
	must(t, err)
	if one.Value.Token == two.Value.Token {
		t.Fatal("the value is not new")
	}
	if r := w.check(id); r.Verdict.Outcome == dcv.Proven {
		t.Error("a superseded domain value was found")
	}
	v, err := w.OrderValue(t.Context(), w.actor, o.Order.ID)
	must(t, err)
	if v.Token != o.Value.Token {
		t.Error("the order value was remade")
	}
	w.publish("example.com", "other", v.Token)
	if r := w.check(id); r.Verdict.Outcome != dcv.Proven || r.Value == nil || r.Value.OrderID != o.Order.ID {
		t.Errorf("by the order's value: %s %+v", r.Verdict.Outcome, r.Value)
	}
	state, err := w.CheckOrder(t.Context(), w.actor, o.Order.ID, nil)
	must(t, err)
	if state.Proven || !state.Names[0].Proven || state.Order.Status != "pending" {
		t.Errorf("%+v", state)
	}
	w.publish("_dnsauth.example.net", v.Token)
	state, err = w.CheckOrder(t.Context(), w.actor, o.Order.ID, nil)
	must(t, err)
	if !state.Proven || state.Order.Status != "pending" {
		t.Errorf("all proven, and pending for an issuer: %+v", state)
	}
}

func TestProofsEnd(t *testing.T) {
	w := newWorld(t)
	a := w.add("example.com", dcv.DNSTXT)
	w.publish("example.com", a.Value.Token)
	w.check(a.Domain.ID)
	until := w.view(a.Domain.ID).Domain.ProvenUntil
	// 200 days from 15 March 2026 on, 100 from 15 March 2027 (BR 4.2.1): at that
	// instant the proof of November is older than 100 days.
	if want := time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC); until != want {
		t.Errorf("until %s, want %s", until, want)
	}
	covered := func() bool {
		return w.order(dcv.DNSTXT, "www.example.com").Value == nil
	}
	w.advance(until.Add(-time.Microsecond).Sub(w.now()))
	if !covered() {
		t.Error("not usable in its last instant")
	}
	looks := w.looks.Load()
	w.check(a.Domain.ID)
	if w.looks.Load() != looks {
		t.Error("a proven domain was looked at again")
	}
	w.advance(time.Microsecond)
	if covered() {
		t.Error("usable after its end")
	}
}
