package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// maxNames bounds the names of one order.
const maxNames = 100

// PlaceOrder makes an order: a set of names that share one order random value
// (dialect contract section 5). Names that the account has no domain for become
// domains, submitted for validation.
func (a *Authority) PlaceOrder(ctx context.Context, actor Actor, c PlaceOrder) (OrderState, error) {
	if c.Method == "" {
		c.Method = dcv.Email
	}
	cn, err := a.normalise("common_name", c.CommonName)
	if err != nil {
		return OrderState{}, err
	}
	all := []dcv.Name{cn}
	if len(c.DNSNames) > maxNames {
		return OrderState{}, refusal(Invalid, "too_many_names", "dns_names", "An order may have at most %d names.", maxNames)
	}
	for _, s := range c.DNSNames {
		n, err := a.normalise("dns_names", s)
		if err != nil {
			return OrderState{}, err
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	types := c.Types
	if len(types) == 0 {
		types = []string{"ov"}
	}
	if types, err = typesOf(types); err != nil {
		return OrderState{}, err
	}
	for _, n := range all {
		if _, err := a.method(c.Method, n, a.now()); err != nil {
			return OrderState{}, err
		}
	}
	now := a.now()
	var letters = map[dcv.Name][]letter{}
	if c.Method == dcv.Email {
		for _, n := range all {
			if letters[n.Base()] != nil {
				continue
			}
			contacts, err := a.contactsFor(ctx, c.Method, n)
			if err != nil {
				return OrderState{}, err
			}
			if letters[n.Base()], err = a.letters(ctx, actor, n.Base(), contacts, choice{locale: c.Locale}, now); err != nil {
				return OrderState{}, err
			}
		}
	}
	var id int64
	err = a.write(ctx, func(t store.Tx) error {
		if c.OrganizationID != 0 {
			if _, err := t.Organization(actor.Account, c.OrganizationID); err != nil {
				return found(err, "organization")
			}
		}
		o := Order{AccountID: actor.Account, OrganizationID: c.OrganizationID, Product: c.Product, CommonName: cn, Method: c.Method, Status: "pending", Created: now, Details: c.Details}
		open := false
		var mailed []int64
		for _, n := range all {
			d, isNew, err := a.domainOfName(t, actor, n, &o, types, now)
			if err != nil {
				return err
			}
			o.Names = append(o.Names, OrderName{Name: n, DomainID: d.ID})
			if isNew || !covers(&d, n, now) {
				open = true
				if c.Method == dcv.Email && !slices.Contains(mailed, d.ID) {
					mailed = append(mailed, d.ID)
				}
			}
		}
		var err error
		if id, err = t.InsertOrder(o); err != nil {
			return err
		}
		for _, n := range o.Names {
			if i := slices.Index(mailed, n.DomainID); i >= 0 {
				mailed = slices.Delete(mailed, i, i+1)
				if err := post(t, letters[n.Name.Base()], n.DomainID, id); err != nil {
					return err
				}
			}
		}
		if open && c.Method != dcv.Email {
			v, err := a.newValue(actor.Account, c.Method, now)
			if err != nil {
				return err
			}
			v.OrderID = id
			if _, err := t.InsertValue(v); err != nil {
				return err
			}
		}
		return a.event(t, actor, now, "order.placed", 0, id)
	})
	a.nudge()
	if err != nil {
		return OrderState{}, err
	}
	return a.Order(ctx, actor, id)
}

// domainOfName finds the account's domain that an order's name rests on: the
// name itself, or one whose usable proof covers it; else it makes one.
func (a *Authority) domainOfName(t store.Tx, actor Actor, n dcv.Name, o *Order, types []string, now time.Time) (Domain, bool, error) {
	candidates := []dcv.Name{n.Base()}
	if n.Wildcard() {
		candidates = append(candidates, n)
	}
	if base, ok := a.o.Names.BaseDomain(n); ok {
		for p := n.Base(); p != base; {
			p = p.Parent()
			candidates = append(candidates, p)
		}
	}
	have, err := t.DomainsNamed(actor.Account, candidates)
	if err != nil {
		return Domain{}, false, err
	}
	var own *Domain
	for i := range have {
		if covers(&have[i], n, now) {
			return have[i], false, nil
		}
		if have[i].Name == n.Base() {
			own = &have[i]
		}
	}
	if own != nil {
		if !own.Pending() {
			submit(own, types, now)
			begin(own, now, own.Method != dcv.Email)
			if err := t.UpdateDomain(*own); err != nil {
				return *own, false, err
			}
			own.Version++
		}
		return *own, false, nil
	}
	d := Domain{AccountID: actor.Account, OrganizationID: o.OrganizationID, Name: n.Base(), Active: true, Method: o.Method, KeepWWW: true, Created: now}
	submit(&d, types, now)
	begin(&d, now, o.Method != dcv.Email)
	if d.ID, err = t.InsertDomain(d); err != nil {
		return d, false, err
	}
	d.Version = 1
	return d, true, a.event(t, actor, now, "domain.added", d.ID, 0)
}

// covers reports whether a domain's proof may be used for a name at now. What
// was proven is never widened (BR 3.2.2.4): a website's proof speaks for its
// own host alone.
func covers(d *Domain, n dcv.Name, now time.Time) bool {
	if !d.Active || d.Proven.IsZero() || now.After(d.ProvenUntil) {
		return false
	}
	rule, ok := rules.For(d.ProofMethod)
	return ok && rule.Usable(now) && d.ProofScope.Covers(d.ProofADN, n)
}

// Order is one order of the account with the state of its names.
func (a *Authority) Order(ctx context.Context, actor Actor, id int64) (s OrderState, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		s, err = a.orderState(r, actor, id)
		return err
	})
	return s, err
}

func (a *Authority) orderState(r store.Reader, actor Actor, id int64) (s OrderState, err error) {
	if s.Order, err = r.Order(actor.Account, id); err != nil {
		return s, found(err, "order")
	}
	if v, err := r.OrderValue(id); err == nil {
		s.Value = &v
	} else if !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	now := a.now()
	s.Proven = true
	for _, n := range s.Order.Names {
		d, err := r.Domain(actor.Account, n.DomainID)
		if err != nil {
			return s, err
		}
		st := NameState{Name: n.Name, Domain: d, Proven: covers(&d, n.Name, now), Until: d.ProvenUntil}
		s.Proven = s.Proven && st.Proven
		s.Names = append(s.Names, st)
	}
	return s, nil
}

// Orders lists the account's, newest first, with the exact total.
func (a *Authority) Orders(ctx context.Context, actor Actor, page Page) (list []Order, total int, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		list, total, err = r.Orders(actor.Account, page)
		return err
	})
	return list, total, err
}

// OrderValue gives the order random value: the one there is while it lives, a
// new one only after it expired.
func (a *Authority) OrderValue(ctx context.Context, actor Actor, id int64) (v Value, err error) {
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		o, err := t.Order(actor.Account, id)
		if err != nil {
			return found(err, "order")
		}
		if rule, ok := rules.For(o.Method); !ok || !rule.ByValue {
			return refusal(Invalid, "method_needs_no_value", "dcv_method", "The order's DCV method %s needs no random value.", o.Method)
		}
		if o.Status != "pending" {
			return refusal(Conflict, "not_pending", "", "The order is %s.", o.Status)
		}
		v, err = t.OrderValue(id)
		if err == nil && live(&v, o.Method, now) {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		v, err = a.renewOrder(t, &o, now)
		return err
	})
	return v, err
}

func (a *Authority) renewOrder(t store.Tx, o *Order, now time.Time) (Value, error) {
	v, err := a.newValue(o.AccountID, o.Method, now)
	if err != nil {
		return v, err
	}
	if err := t.EndOrderValue(o.ID, now); err != nil {
		return v, err
	}
	v.OrderID = o.ID
	v.ID, err = t.InsertValue(v)
	return v, err
}

// ChangeOrderMethod sets the method of an order and of its names that are not
// proven yet. The method already set keeps the live value.
func (a *Authority) ChangeOrderMethod(ctx context.Context, actor Actor, id int64, m dcv.Method, locale string) (OrderState, error) {
	before, err := a.Order(ctx, actor, id)
	if err != nil {
		return before, err
	}
	if before.Order.Status != "pending" {
		return before, refusal(Conflict, "not_pending", "", "The order is %s.", before.Order.Status)
	}
	now := a.now()
	letters := map[int64][]letter{}
	for _, n := range before.Names {
		if _, err := a.method(m, n.Name, now); err != nil {
			return before, err
		}
		if m != dcv.Email || n.Proven || before.Order.Method == m || letters[n.Domain.ID] != nil {
			continue
		}
		contacts, err := a.contactsFor(ctx, m, n.Domain.Name)
		if err != nil {
			return before, err
		}
		if letters[n.Domain.ID], err = a.letters(ctx, actor, n.Domain.Name, contacts, choice{locale: locale}, now); err != nil {
			return before, err
		}
	}
	if before.Order.Method == m {
		if m != dcv.Email {
			v, err := a.OrderValue(ctx, actor, id)
			before.Value = &v
			return before, err
		}
		return before, nil
	}
	var after OrderState
	err = a.write(ctx, func(t store.Tx) error {
		o, err := t.Order(actor.Account, id)
		if err != nil {
			return found(err, "order")
		}
		o.Method = m
		if err := t.UpdateOrder(o); err != nil {
			return err
		}
		done := map[int64]bool{}
		for _, n := range o.Names {
			d, err := t.Domain(actor.Account, n.DomainID)
			if err != nil {
				return err
			}
			if done[d.ID] || covers(&d, n.Name, now) {
				continue
			}
			done[d.ID] = true
			d.Method = m
			begin(&d, now, m != dcv.Email)
			if err := t.UpdateDomain(d); err != nil {
				return err
			}
			if err := t.EndDomainValue(d.ID, now); err != nil { // it was of the other method
				return err
			}
			if err := t.EndMails(d.ID, now); err != nil {
				return err
			}
			if err := post(t, letters[d.ID], d.ID, id); err != nil {
				return err
			}
		}
		if m == dcv.Email {
			if err := t.EndOrderValue(id, now); err != nil {
				return err
			}
		} else if _, err := a.renewOrder(t, &o, now); err != nil {
			return err
		}
		if err := a.event(t, actor, now, "order.method_changed", 0, id); err != nil {
			return err
		}
		after, err = a.orderState(t, actor, id)
		return err
	})
	a.nudge()
	return after, err
}

// CheckOrder looks at the names of an order that are not proven yet, or at
// those given. A name that is not the order's is refused.
func (a *Authority) CheckOrder(ctx context.Context, actor Actor, id int64, only []string) (OrderState, error) {
	s, err := a.Order(ctx, actor, id)
	if err != nil {
		return s, err
	}
	if s.Order.Status != "pending" {
		return s, refusal(Conflict, "not_pending", "", "The order is %s.", s.Order.Status)
	}
	if s.Order.Method == dcv.Email {
		return s, refusal(Invalid, "method_by_mail", "dcv_method", "The order's DCV method is email: it is confirmed by its recipients, not checked.")
	}
	want := map[dcv.Name]bool{}
	for _, input := range only {
		n, err := a.normalise("dns_names_validations", input)
		if err != nil {
			return s, err
		}
		if !slices.ContainsFunc(s.Names, func(x NameState) bool { return x.Name == n }) {
			return s, refusal(Invalid, "not_in_order", "dns_names_validations", "The order does not name %s.", n)
		}
		want[n] = true
	}
	looked := map[int64]CheckResult{}
	for i := range s.Names {
		n := &s.Names[i]
		if n.Proven || (len(want) > 0 && !want[n.Name]) {
			continue
		}
		res, ok := looked[n.Domain.ID]
		if !ok {
			if res, err = a.look(ctx, actor, n.Domain, s.Order.Method, id, "order"); err != nil {
				return s, err
			}
			looked[n.Domain.ID] = res
		}
		n.Attempt, n.Problem = res.Attempt.ID, res.Verdict.Problem
	}
	after, err := a.Order(ctx, actor, id)
	if err != nil {
		return s, err
	}
	for i := range after.Names {
		after.Names[i].Attempt, after.Names[i].Problem = s.Names[i].Attempt, s.Names[i].Problem
	}
	if len(want) > 0 {
		after.Names = slices.DeleteFunc(after.Names, func(x NameState) bool { return !want[x.Name] })
	}
	return after, nil
}

// ResendOrderMail sends the messages of an order's names again.
func (a *Authority) ResendOrderMail(ctx context.Context, actor Actor, id int64, locale string) error {
	s, err := a.Order(ctx, actor, id)
	if err != nil {
		return err
	}
	if s.Order.Method != dcv.Email {
		return refusal(Invalid, "method_not_mail", "dcv_method", "The order's DCV method is %s, not email.", s.Order.Method)
	}
	done := map[int64]bool{}
	for _, n := range s.Names {
		if n.Proven || done[n.Domain.ID] || n.Domain.Method != dcv.Email {
			continue
		}
		done[n.Domain.ID] = true
		if err := a.Resend(ctx, actor, n.Domain.ID, ResendMail{Locale: locale}); err != nil {
			return err
		}
	}
	return nil
}
