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
		if o.PerDomain {
			return refusal(Invalid, "method_needs_no_value", "dcv_method", "Each domain of this order has a random value of its own.")
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
	if err := a.notRequested(ctx, actor, id); err != nil {
		return before, err
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
	rule, _ := rules.For(m)
	if before.Order.Method == m {
		if rule.ByValue {
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
			if done[d.ID] || a.covers(&d, n.Name, now) {
				continue
			}
			done[d.ID] = true
			d.Method = m
			if err := restart(t, &d, now); err != nil {
				return err
			}
			if err := t.UpdateDomain(d); err != nil {
				return err
			}
			if err := t.EndDomainValue(d.ID, now); err != nil { // it was of the other method
				return err
			}
			if err := disarm(t, d.ID, now, m); err != nil {
				return err
			}
			if err := t.EndMails(d.ID, now); err != nil {
				return err
			}
			if err := post(t, letters[d.ID], d.ID, id); err != nil {
				return err
			}
		}
		if !rule.ByValue {
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

// notRequested refuses an order that is a certificate request: its method is
// one of its own dialect's, and its values may be its domains'.
func (a *Authority) notRequested(ctx context.Context, actor Actor, id int64) error {
	err := a.read(ctx, func(r store.Reader) error {
		_, err := r.Certificate(actor.Account, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = refusal(Conflict, "certificate_request", "", "The order is a certificate request; change its DCV method there.")
	}
	return err
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
		if n.Proven || !n.Domain.Active || (len(want) > 0 && !want[n.Name]) {
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

// OrderMail limits a resend to one name of an order and one of its contacts.
type OrderMail struct {
	Name      string // as typed; one of the order's
	Recipient string
	NameScope string // "" for the name itself
}

// ResendOrderMail sends the messages of an order's names again, of all that
// are not proven or of those in only.
func (a *Authority) ResendOrderMail(ctx context.Context, actor Actor, id int64, locale string, only []OrderMail) error {
	s, err := a.Order(ctx, actor, id)
	if err != nil {
		return err
	}
	if s.Order.Method != dcv.Email {
		return refusal(Invalid, "method_not_mail", "dcv_method", "The order's DCV method is %s, not email.", s.Order.Method)
	}
	if len(only) > maxNames {
		return refusal(Invalid, "too_many_names", "domain_approval_emails", "An order has at most %d names.", maxNames)
	}
	type target struct {
		domain int64
		mail   ResendMail
	}
	var targets []target
	add := func(n *NameState, scope string, recipients ...string) {
		if n.Proven || n.Domain.Method != dcv.Email {
			return
		}
		i := slices.IndexFunc(targets, func(t target) bool { return t.domain == n.Domain.ID && t.mail.NameScope == scope })
		if i < 0 {
			targets, i = append(targets, target{n.Domain.ID, ResendMail{NameScope: scope, Locale: locale}}), len(targets)
		}
		targets[i].mail.Recipients = append(targets[i].mail.Recipients, recipients...)
	}
	for _, o := range only {
		n, err := a.normalise("domain_approval_emails", o.Name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(s.Names, func(x NameState) bool { return x.Name == n })
		if i < 0 {
			return refusal(Invalid, "not_in_order", "domain_approval_emails", "The order does not name %s.", n)
		}
		if o.Recipient == "" {
			return refusal(Invalid, "recipients", "domain_approval_emails", "Name an e-mail address for %s.", n)
		}
		add(&s.Names[i], o.NameScope, o.Recipient)
	}
	for i := range s.Names {
		if len(only) == 0 {
			add(&s.Names[i], "")
		}
	}
	for _, t := range targets {
		if err := a.Resend(ctx, actor, t.domain, t.mail); err != nil {
			return err
		}
	}
	return nil
}
