package authority

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"deed/dcv"
	"deed/rules"
)

// The virtual clock goes over both sides of every date in the tables: proofs of
// several ages, by every method, are asked for at the last instant before it
// and at it, directly and through a name below.
func TestEveryDateOfTheCalendar(t *testing.T) {
	w := newStage(t)
	seen := map[time.Time]bool{}
	n, ends := 0, 0
	for _, date := range rules.Calendar() {
		if seen[date.At] {
			continue
		}
		seen[date.At] = true
		for _, m := range rules.Methods() {
			if !provable(m.Method) {
				continue
			}
			for _, age := range []time.Duration{time.Minute, 5 * 24 * time.Hour, 9 * 24 * time.Hour, 50 * 24 * time.Hour, 150 * 24 * time.Hour} {
				began := date.At.Add(-age)
				if began.Before(m.Begins()) || !m.Usable(began) {
					continue
				}
				n++
				name := fmt.Sprintf("n%d.example.com", n)
				w.at(began)
				d := w.prove(name, m.Method)
				var order int64
				if m.Scope == dcv.ScopeSubtree {
					order = w.order(m.Method, "below."+name).Order.ID
				}
				for _, at := range []time.Time{date.At.Add(-time.Microsecond), date.At} {
					w.at(at)
					d = w.read(d.ID)
					want := rules.Proof{Method: m.Method, Began: began}.At(at)
					if got := w.speaks(d, name); got != want.Stands {
						t.Errorf("%s (%s): a proof by %s, %s old, at %s: counts %t, want %t: %s", date.At.Format(time.DateOnly), date.What, m.Method, age, at, got, want.Stands, want.Why.Detail)
					}
					if want.Stands {
						if v := d.Validations[0]; v.Pending || !at.Before(v.Until) {
							t.Errorf("%s: a validation that stands: %+v at %s", name, v, at)
						}
					} else {
						ends++
						if v := d.Validations[0]; at.Before(v.Until) {
							t.Errorf("%s: a validation that does not stand until %s", name, v.Until)
						}
					}
					if order == 0 {
						continue
					}
					s, err := w.Order(t.Context(), w.actor, order)
					if err != nil || s.Proven != want.Stands || s.Names[0].Proven != want.Stands {
						t.Errorf("%s: an order for a name below is proven %t at %s (%v), want %t", name, s.Proven, at, err, want.Stands)
					}
				}
				// What begins at the date itself begins by its rules.
				_, err := w.AddDomain(t.Context(), w.actor, AddDomain{Name: "new." + name, OrganizationID: w.org, Types: []string{"ov"}, Method: m.Method})
				var refused *Error
				switch usable := m.Usable(date.At); {
				case usable && err != nil:
					t.Errorf("%s by %s on %s: %v", name, m.Method, date.At, err)
				case !usable && (!errors.As(err, &refused) || refused.Code != "method_ended"):
					t.Errorf("%s by %s on %s: %v, want method_ended", name, m.Method, date.At, err)
				}
			}
		}
	}
	if n < 50 || ends < 20 {
		t.Errorf("only %d proofs were walked, %d of which ended", n, ends)
	}
}

// rules.as_of judges the proofs that lie there, too.
func TestProofsAreJudgedByTheDayOfTheSettings(t *testing.T) {
	asOf := time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC)
	w := newStage(t)
	mail := w.prove("mail.example.com", dcv.Email)
	old := w.prove("old.example.com", dcv.DNSTXT)
	if !w.speaks(mail, "mail.example.com") || !w.speaks(old, "old.example.com") {
		t.Fatal("a fresh proof does not count")
	}
	w.o.RulesAsOf = asOf
	if w.speaks(mail, "mail.example.com") {
		t.Error("e-mail has ended by the rules of that day")
	}
	w.at(today.Add(99 * 24 * time.Hour))
	if w.speaks(old, "old.example.com") {
		t.Error("100 days less the margin have passed by the rules of that day")
	}
	w.o.RulesAsOf = time.Time{}
	if !w.speaks(old, "old.example.com") {
		t.Error("200 days have not passed by today's")
	}
	if end, ok := w.UsableUntil(&old); !ok || !end.At.Equal(old.ProvenUntil) || end.Reason != rules.EndsByTable {
		t.Errorf("usable until %+v", end)
	}
}
