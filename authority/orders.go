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
			if letters[n] != nil {
				continue
			}
			contacts, err := a.contactsFor(ctx, c.Method, n)
			if err != nil {
				return OrderState{}, err
			}
			if letters[n], err = a.letters(ctx, actor, n.Base(), contacts, choice{locale: c.Locale}, now); err != nil {
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
			if isNew || !a.covers(&d, n, now) {
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
				if err := post(t, letters[n.Name], n.DomainID, id); err != nil {
					return err
				}
			}
		}
		if rule, _ := rules.For(c.Method); open && rule.ByValue {
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
	have, err := t.DomainsNamed(actor.Account, a.above(n))
	if err != nil {
		return Domain{}, false, err
	}
	var own *Domain
	for i := range have {
		if a.covers(&have[i], n, now) {
			return have[i], false, nil
		}
		if have[i].Name == a.ownName(n) {
			own = &have[i]
		}
	}
	if own != nil {
		if !own.Pending() {
			submit(own, types, now)
			if err := restart(t, own, now); err != nil {
				return *own, false, err
			}
			if err := t.UpdateDomain(*own); err != nil {
				return *own, false, err
			}
			own.Version++
		}
		return *own, false, nil
	}
	org := o.OrganizationID
	if org == 0 { // DV orders name none, but a domain always has one: the account's first
		if list, _, err := t.Organizations(actor.Account, Page{Limit: 1}); err != nil {
			return Domain{}, false, err
		} else if len(list) > 0 {
			org = list[0].ID
		}
	}
	d := Domain{AccountID: actor.Account, OrganizationID: org, Name: a.ownName(n), Active: true, Method: o.Method, KeepWWW: true, Created: now}
	submit(&d, types, now)
	begin(&d, now, o.Method != dcv.Email)
	if d.ID, err = t.InsertDomain(d); err != nil {
		return d, false, err
	}
	d.Version = 1
	return d, true, a.event(t, actor, now, "domain.added", d.ID, 0)
}

// above lists the names whose domains' proofs may cover n: its own, and the
// parents down to the base domain name.
func (a *Authority) above(n dcv.Name) []dcv.Name {
	list := []dcv.Name{n.Base()}
	if n.Wildcard() {
		list = append(list, n)
	}
	if base, ok := a.o.Names.BaseDomain(n); ok {
		for p := n.Base(); p != base; {
			p = p.Parent()
			list = append(list, p)
		}
	}
	return list
}

// proofFor finds the account's domain whose proof may be used for an order's
// name at now: the domain that the name rests on, or one above it.
func (a *Authority) proofFor(r store.Reader, actor Actor, own *Domain, n dcv.Name, now time.Time) (Domain, bool, error) {
	if a.covers(own, n, now) {
		return *own, true, nil
	}
	have, err := r.DomainsNamed(actor.Account, a.above(n))
	for i := range have {
		if a.covers(&have[i], n, now) {
			return have[i], true, nil
		}
	}
	return *own, false, err
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
		proof, ok, err := a.proofFor(r, actor, &d, n.Name, now)
		if err != nil {
			return s, err
		}
		st := NameState{Name: n.Name, Domain: d, Proven: ok, Until: proof.ProvenUntil, Proof: proof.ProofAttempt}
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
