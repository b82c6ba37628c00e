package authority

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"deed/audit"
	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// challenge makes what a check must know of a domain at now.
func (a *Authority) challenge(d *Domain, m dcv.Method, values []Value, now time.Time) (dcv.Challenge, error) {
	ch := dcv.Challenge{Name: d.Name, Method: m, CNAMETarget: a.o.CNAMETarget, HTTPPort: a.o.HTTPPort, HTTPSPort: a.o.HTTPSPort, Now: now, RulesAsOf: a.o.RulesAsOf}
	a.permit(&ch, d.AccountID)
	if m == dcv.Persistent {
		ch.Issuers = a.issuers()
	}
	rule, ok := rules.For(m)
	base, known := a.o.Names.BaseDomain(d.Name)
	if ok && known {
		ch.ADNs = rule.ADNs(d.Name, base)
	}
	for _, p := range a.o.AllowPrivate {
		ch.AllowPrivate = append(ch.AllowPrivate, p.String())
	}
	for _, v := range values {
		source := "domain"
		if v.OrderID != 0 {
			source = "order"
		}
		ch.Values = append(ch.Values, dcv.Value{Token: v.Token, Source: source, ID: v.ID, Created: v.Created, Expires: v.Expires})
	}
	if m == dcv.DNSCNAME {
		canary, err := a.token(m)
		if err != nil {
			return ch, err
		}
		ch.CanaryLabel = canary
	}
	return ch, nil
}

// CheckDomain looks now (3.8). A domain that is proven already is not looked
// at again; its last attempt is named.
func (a *Authority) CheckDomain(ctx context.Context, actor Actor, id int64) (CheckResult, error) {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return CheckResult{}, err
	}
	if d.Method == dcv.Email {
		return CheckResult{Domain: d}, refusal(Invalid, "method_by_mail", "dcv_method", "The domain's DCV method is email: it is confirmed by its recipients, not checked.")
	}
	if !d.Active {
		return CheckResult{Domain: d}, refusal(Conflict, "inactive", "", "The domain is not active; activate it first.")
	}
	if !d.Pending() && a.standsAt(&d, a.now()) {
		r := CheckResult{Domain: d, Verdict: dcv.Verdict{Outcome: dcv.Proven, Method: d.ProofMethod, ADN: d.ProofADN, Matched: -1}}
		err := a.read(ctx, func(rd store.Reader) error {
			att, err := rd.Attempt(actor.Account, d.ProofAttempt)
			r.Attempt = att
			if v, verr := a.shown(rd, &d); verr == nil {
				r.Value = &v
			}
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return r, err
	}
	return a.look(ctx, actor, d, d.Method, 0, "manual")
}

// look makes one attempt and applies it. Nothing of the store is held while it
// looks; what it found is applied only if it is still true afterwards.
func (a *Authority) look(ctx context.Context, actor Actor, d Domain, m dcv.Method, order int64, trigger string) (CheckResult, error) {
	now := a.now()
	var values []Value
	var by *Arming
	err := a.read(ctx, func(r store.Reader) (err error) {
		if by, err = armedFor(r, d.ID, m, now); err != nil {
			return err
		}
		if values, err = r.LiveValues(d.ID, m, now); err != nil || order == 0 {
			return err
		}
		values, err = withOrder(r, values, order, m, now)
		return err
	})
	if err != nil {
		return CheckResult{}, err
	}
	ch, err := a.challenge(&d, m, values, now)
	if err != nil {
		return CheckResult{}, err
	}
	armedInto(&ch, by)
	// The work outlives a caller who hangs up: what was seen is kept.
	a.flight.Add(1)
	defer a.flight.Done()
	work := context.WithoutCancel(ctx)
	rec, err := a.o.Engine.Attempt(work, ch)
	if err != nil {
		return CheckResult{}, err
	}
	var matched *Value
	if i := rec.Verdict.Matched; i >= 0 && i < len(values) {
		matched = &values[i]
	}
	return a.apply(work, actor, d, rec, applied{method: m, value: matched, armed: by, order: order, trigger: trigger})
}

// withOrder puts an order's own value among those of a look that it asked for,
// though newer orders have taken all the places.
func withOrder(r store.Reader, values []Value, order int64, m dcv.Method, now time.Time) ([]Value, error) {
	v, err := r.OrderValue(order)
	if errors.Is(err, store.ErrNotFound) {
		return values, nil
	}
	if err != nil || !live(&v, m, now) || slices.ContainsFunc(values, func(x Value) bool { return x.ID == v.ID }) {
		return values, err
	}
	return append(values, v), nil
}

// applied says what an attempt was made for.
type applied struct {
	method  dcv.Method
	value   *Value  // that matched, of the domain's own or an order's
	armed   *Arming // the armed method that was looked for; nil if none
	order   int64
	trigger string
}

// apply keeps an attempt and, if it proves the domain and is still true,
// changes the domain's state, all in one transaction.
func (a *Authority) apply(ctx context.Context, actor Actor, seen Domain, rec check.Record, p applied) (CheckResult, error) {
	var res CheckResult
	err := a.write(ctx, func(t store.Tx) error {
		now := a.now()
		res = CheckResult{Verdict: rec.Verdict, Value: p.value}
		att := store.Attempt{
			ID: rec.ID, AccountID: seen.AccountID, DomainID: seen.ID, OrderID: p.order, Trigger: p.trigger, Name: seen.Name, ADN: rec.Verdict.ADN,
			Method: p.method, Started: rec.Started, Ended: rec.Ended, Outcome: rec.Verdict.Outcome, Test: rec.Verdict.Test, Verdict: rec.JSON, Capsule: rec.Capsule,
		}
		att.Diagnosis = rec.DiagnosisJSON
		if p := rec.Problem(); p != nil {
			att.Code = p.Code
		}
		if p.value != nil {
			att.ValueID = p.value.ID
		}
		d, err := t.Domain(seen.AccountID, seen.ID)
		if errors.Is(err, store.ErrNotFound) || (err == nil && d.Name != seen.Name) {
			// Deleted meanwhile: the attempt is history, nothing is proven.
			res.Domain = seen
			if rec.Verdict.Outcome == dcv.Proven {
				if res.Verdict, err = overtaken(&att, rec.Verdict, "the domain was deleted"); err != nil {
					return err
				}
			}
			kept := rec
			kept.Facets = nil // nothing rests on it
			res.Attempt, err = keep(t, att, &kept, now)
			return err
		}
		if err != nil {
			return err
		}
		stands, err := a.stands(t, &d, rec, p, now)
		if err != nil {
			return err
		}
		switch {
		case stands:
			a.prove(&d, rec)
			if p.value != nil {
				if err := t.UseValue(p.value.ID, now); err != nil {
					return err
				}
			}
			if err := t.EndMails(d.ID, now); err != nil {
				return err
			}
			if err := disarm(t, d.ID, now); err != nil {
				return err
			}
			if err := a.history(t, audit.OfProof(&d, actor.Name, p.order, now)); err != nil {
				return err
			}
		case rec.Verdict.Outcome == dcv.Proven:
			// Found, but superseded while we looked, or the domain deactivated: it
			// counts no more.
			if res.Verdict, err = overtaken(&att, rec.Verdict, "its random value was superseded, or the domain was deactivated,"); err != nil {
				return err
			}
			fallthrough
		default:
			if d.NextCheck, err = next(t, &d, &rec, now); err != nil {
				return err
			}
		}
		att.NextCheck, att.GivesUp = d.NextCheck, d.GivesUp
		if err := t.UpdateDomain(d); err != nil {
			return err
		}
		d.Version++
		res.Domain = d
		kept := rec
		if stands {
			att.UsedUntil = d.ProvenUntil
		} else {
			kept.Facets = nil // nothing rests on it
		}
		res.Attempt, err = keep(t, att, &kept, now)
		return err
	})
	if err == nil {
		a.attempted(actor, &res, rec.Problem())
	}
	return res, err
}

// overtaken turns a pass that came too late into what is shown and stored of the
// attempt. Its capsule keeps what the world said.
func overtaken(att *store.Attempt, v dcv.Verdict, what string) (dcv.Verdict, error) {
	v.Outcome, v.Scope, v.Section = dcv.NotProven, "", ""
	v.Problem = dcv.NewProblem(dcv.ValueExpired, "The proof was there at %s, but %s while we looked.", v.Where, what)
	att.Outcome, att.Code = v.Outcome, v.Problem.Code
	var err error
	att.Verdict, err = json.Marshal(v)
	return v, err
}

// keep stores an attempt with its capsule and writes both into the log.
func keep(t store.Tx, att Attempt, rec *check.Record, now time.Time) (Attempt, error) {
	if att.UsedUntil.IsZero() {
		att.UsedUntil = att.Ended
	}
	if err := t.InsertAttempt(att); err != nil {
		return att, err
	}
	return att, audit.AppendAttempt(t, &att, rec, now)
}

// stands reports whether a pass may still be applied: the value it found has
// not ended, in life or by another's hand, and the method is still allowed.
func (a *Authority) stands(t store.Tx, d *Domain, rec check.Record, p applied, now time.Time) (bool, error) {
	if rec.Verdict.Outcome != dcv.Proven || !d.Active {
		return false, nil
	}
	rule, ok := rules.For(p.method)
	if !ok || !rule.Usable(a.rulesAt(now)) {
		return false, nil
	}
	if rule.Mailed {
		return true, nil // the message named its own state
	}
	if rule.Stands() {
		return stillWanted(t, d, p)
	}
	if p.value == nil {
		return stillArmed(t, d.ID, p.armed, rec.Started)
	}
	var cur Value
	var err error
	if p.value.OrderID != 0 {
		cur, err = t.OrderValue(p.value.OrderID)
	} else {
		cur, err = t.DomainValue(d.ID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	// The look must have begun within the value's life (rule T8).
	return err == nil && cur.ID == p.value.ID && !rec.Started.After(cur.Expires), err
}

// prove writes a proof into a domain. Its clock runs from when the look began.
func (a *Authority) prove(d *Domain, rec check.Record) {
	until := a.until(rules.Proof{Method: rec.Verdict.Method, Section: rec.Verdict.Section, Began: rec.Started}).At
	for i := range d.Validations {
		if v := &d.Validations[i]; v.Pending || v.Until.Before(until) {
			v.Pending, v.Proven, v.Until = false, rec.Started, until
		}
	}
	d.Proven, d.ProvenUntil, d.ProofMethod = rec.Started, until, rec.Verdict.Method
	d.ProofScope, d.ProofADN, d.ProofAttempt = rec.Verdict.Scope, rec.Verdict.ADN, rec.ID
	d.ProofSection, d.ProofTest = rec.Verdict.Section, rec.Verdict.Test
	settle(d, rec.Started)
}

// worth is the first instant at which looking again can give another answer;
// zero when that is not known.
func worth(rec *check.Record) time.Time {
	if rec.Diagnosis == nil {
		return time.Time{}
	}
	return rec.Diagnosis.Worth
}

// following is the next automatic check of a pending domain; zero while it
// rests.
func following(d *Domain, now, worth time.Time) time.Time {
	if next := renewal(d, now); !next.IsZero() {
		return next
	}
	if d.PollStart.IsZero() || !d.Pending() || !d.Active {
		return time.Time{}
	}
	return later(d.PollStart, now, worth)
}

// Attempt is one of the account's attempts.
func (a *Authority) Attempt(ctx context.Context, actor Actor, id string) (att Attempt, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		att, err = r.Attempt(actor.Account, id)
		return err
	})
	return att, found(err, "attempt")
}

// Attempts lists a domain's, newest first.
func (a *Authority) Attempts(ctx context.Context, actor Actor, domain int64, page Page) (list []Attempt, total int, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		if _, err := r.Domain(actor.Account, domain); err != nil {
			return found(err, "domain")
		}
		list, total, err = r.Attempts(actor.Account, domain, page)
		return err
	})
	return list, total, err
}

// Capsule is the evidence of an attempt, unpacked: the envelope as
// docs/capsule.md describes it, without the dictionary. It may hold live values;
// they are the account's own, and its keys read them elsewhere too.
func (a *Authority) Capsule(ctx context.Context, actor Actor, id string) (b []byte, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		b, err = r.Capsule(actor.Account, id)
		return err
	})
	if err != nil {
		return nil, found(err, "attempt")
	}
	if len(b) == 0 {
		return nil, refusal(NotFound, "capsule_removed", "", "The capsule was removed after its time; its hash stays in the log.")
	}
	sealed, err := capsule.Open(b)
	if err != nil {
		return nil, err
	}
	return sealed.Encode(false)
}
