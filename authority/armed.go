package authority

import (
	"context"
	"slices"
	"time"

	"deed/check"
	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// usable reports whether an armed method may still be looked for at now.
func usable(x *Arming, now time.Time) bool { return x.Expires.IsZero() || !now.After(x.Expires) }

// armedFor finds the domain's armed method that a look at now may use; nil if
// there is none.
func armedFor(r store.Reader, domain int64, m dcv.Method, now time.Time) (*Arming, error) {
	list, err := r.Armed(domain)
	for i := range list {
		if err == nil && list[i].Method == m && usable(&list[i], now) {
			return &list[i], nil
		}
	}
	return nil, err
}

// armedInto adds what an armed method brings to a challenge. Its value stands
// behind those of the domain and its orders, and proves by this method only
// (rule T7).
func armedInto(ch *dcv.Challenge, x *Arming) {
	if x == nil {
		return
	}
	if x.Token != "" {
		ch.Values = append(ch.Values, dcv.Value{Token: x.Token, Source: "armed", ID: x.ID, Created: x.Created, Expires: x.Expires})
	}
	ch.KeyAuthorization, ch.AccountURL = x.KeyAuthorization, x.AccountURL
}

// stillArmed reports whether the armed method that a look passed on has not
// ended since, and the look began within its life (rule T8).
func stillArmed(r store.Reader, domain int64, x *Arming, began time.Time) (bool, error) {
	if x == nil {
		return false, nil
	}
	list, err := r.Armed(domain)
	return err == nil && usable(x, began) && slices.ContainsFunc(list, func(cur Arming) bool { return cur.ID == x.ID }), err
}

// stillWanted is stillArmed for a method whose record stands: it is the
// domain's own, is armed, was asked for by an order, or renews the proof.
func stillWanted(r store.Reader, d *Domain, p applied) (bool, error) {
	if d.Method == p.method || p.order != 0 || (!d.Pending() && d.ProofMethod == p.method) {
		return true, nil
	}
	return stillArmed(r, d.ID, p.armed, time.Time{})
}

// disarm ends a domain's armed methods: those named, or all.
func disarm(t store.Tx, domain int64, now time.Time, only ...dcv.Method) error {
	list, err := t.Armed(domain)
	for i := range list {
		if err == nil && (len(only) == 0 || slices.Contains(only, list[i].Method)) {
			err = t.EndArming(list[i].ID, now)
		}
	}
	return err
}

// restart begins the schedule anew if any method of the domain is looked at.
func restart(r store.Reader, d *Domain, now time.Time) error {
	list, err := r.Armed(d.ID)
	if err != nil {
		return err
	}
	begin(d, now, len(toLookAt(d, list, now)) > 0)
	return nil
}

// toLookAt lists the methods that a pending domain can be proven by with a
// look: its own first, then those armed, oldest first.
func toLookAt(d *Domain, list []Arming, now time.Time) []dcv.Method {
	var methods []dcv.Method
	if rule, ok := rules.For(d.Method); ok && rule.LookedAt() && !rule.ByKey {
		methods = append(methods, d.Method)
	}
	for i := range list {
		if rule, ok := rules.For(list[i].Method); ok && rule.LookedAt() && usable(&list[i], now) && !slices.Contains(methods, list[i].Method) {
			methods = append(methods, list[i].Method)
		}
	}
	return methods
}

// maxOrders bounds the orders whose methods an automatic look considers.
const maxOrders = 8

// next is when a pending domain is looked at again after an attempt that did
// not pass. What is known of when another answer can come holds for the method
// that was tried; where there are others, it delays none of them.
func next(r store.Reader, d *Domain, rec *check.Record, now time.Time) (time.Time, error) {
	list, err := r.Armed(d.ID)
	if err != nil {
		return time.Time{}, err
	}
	if len(toLookAt(d, list, now)) > 1 {
		return following(d, now, time.Time{}), nil
	}
	return following(d, now, worth(rec)), nil
}

// due lists what an automatic look at a domain tries, and why: all its methods
// and those of its orders while it is pending; else the one that its proof is renewed by.
func (a *Authority) due(ctx context.Context, d *Domain) (methods []dcv.Method, trigger string, err error) {
	now := a.now()
	if !d.Pending() {
		if renewal(d, now).IsZero() {
			return nil, "", nil
		}
		return []dcv.Method{d.ProofMethod}, "renewal", nil
	}
	if !d.Active {
		return nil, "", nil
	}
	err = a.read(ctx, func(r store.Reader) error {
		list, err := r.Armed(d.ID)
		if err != nil {
			return err
		}
		methods = toLookAt(d, list, now)
		// An order has a method of its own, and a value to be found by it.
		orders, err := r.OrdersOfDomain(d.AccountID, d.ID, maxOrders)
		for _, o := range orders {
			if rule, ok := rules.For(o.Method); ok && o.Status == "pending" && rule.ByValue && !slices.Contains(methods, o.Method) {
				methods = append(methods, o.Method)
			}
		}
		return err
	})
	return methods, "scheduled", err
}

// maxPatience is how long a look by hand goes on to a further method.
const maxPatience = 45 * time.Second

// lookBy tries methods one after the other, each an attempt of its own, until
// one passes: that one proves the domain and ends the others. It tries each
// method once at most, so it is bounded by their number; and where someone
// waits for it, by time.
func (a *Authority) lookBy(ctx context.Context, actor Actor, d Domain, methods []dcv.Method, trigger string) ([]CheckResult, error) {
	var list []CheckResult
	began := a.now()
	for _, m := range methods {
		if trigger == "manual" && a.now().Sub(began) > maxPatience {
			break
		}
		res, err := a.look(ctx, actor, d, m, 0, trigger)
		if err != nil {
			return list, err
		}
		list = append(list, res)
		if res.Verdict.Outcome == dcv.Proven || (trigger != "renewal" && !res.Domain.Pending()) {
			break
		}
	}
	return list, nil
}
