package authority

import (
	"context"
	"errors"

	"deed/store"
)

// DomainView is a domain with what hangs on it.
type DomainView struct {
	Domain       Domain
	Organization Organization
	Value        *Value // the domain value that has not ended; nil if none
	Last         *Attempt
	Pending      bool // some validation waits for a proof
}

func (a *Authority) domain(ctx context.Context, actor Actor, id int64) (d Domain, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		d, err = r.Domain(actor.Account, id)
		return err
	})
	return d, found(err, "domain")
}

// Domain is one domain of the account (3.2); it never makes a value.
func (a *Authority) Domain(ctx context.Context, actor Actor, id int64) (v DomainView, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		if v.Domain, err = r.Domain(actor.Account, id); err != nil {
			return found(err, "domain")
		}
		if v.Organization, err = r.Organization(actor.Account, v.Domain.OrganizationID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if val, err := a.shown(r, &v.Domain); err == nil {
			v.Value = &val
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if last, err := r.LastAttempt(id); err == nil {
			v.Last = &last
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil
	})
	v.Pending = v.Domain.Pending()
	a.lapsed(&v.Domain, a.now())
	return v, err
}

// shown is the value that domain info shows: the domain's own, else that of
// the newest order that names it (dialect contract section 5).
func (a *Authority) shown(r store.Reader, d *Domain) (Value, error) {
	v, err := r.DomainValue(d.ID)
	if !errors.Is(err, store.ErrNotFound) {
		return v, err
	}
	list, err := r.LiveValues(d.ID, d.Method, a.now())
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// DomainIDByName finds a domain by what a person typed, for paths that take either.
func (a *Authority) DomainIDByName(ctx context.Context, actor Actor, input string) (id int64, err error) {
	n, err := a.o.Names.Normalise(input)
	if err != nil {
		return 0, refusal(NotFound, "domain", "", "There is no such domain.")
	}
	err = a.read(ctx, func(r store.Reader) error {
		d, err := r.DomainByName(actor.Account, n)
		id = d.ID
		return err
	})
	return id, found(err, "domain")
}

// Domains lists the account's domains with their organizations and the exact
// total.
func (a *Authority) Domains(ctx context.Context, actor Actor, q DomainQuery) (list []Domain, orgs map[int64]Organization, total int, err error) {
	q.Account = actor.Account
	orgs = map[int64]Organization{}
	err = a.read(ctx, func(r store.Reader) error {
		if list, total, err = r.Domains(q); err != nil {
			return err
		}
		now := a.now()
		for i := range list {
			a.lapsed(&list[i], now)
		}
		for _, d := range list {
			if _, ok := orgs[d.OrganizationID]; ok {
				continue
			}
			o, err := r.Organization(actor.Account, d.OrganizationID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			orgs[d.OrganizationID] = o
		}
		return nil
	})
	return list, orgs, total, err
}

// Expirations counts proofs by their end (3.12).
func (a *Authority) Expirations(ctx context.Context, actor Actor, typ string) (e Expirations, err error) {
	now := a.now()
	err = a.read(ctx, func(r store.Reader) error {
		e, err = r.Expirations(actor.Account, now, typ)
		return err
	})
	return e, err
}

// SetActive activates or deactivates a domain; setting what is set is no error.
// An inactive domain is not looked at by itself.
func (a *Authority) SetActive(ctx context.Context, actor Actor, id int64, active bool) error {
	now := a.now()
	err := a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		if d.Active == active {
			return nil
		}
		d.Active = active
		if err := restart(t, &d, now); err != nil {
			return err
		}
		if err := t.UpdateDomain(d); err != nil {
			return err
		}
		kind := "domain.deactivated"
		if active {
			kind = "domain.activated"
		}
		return a.event(t, actor, now, kind, id, 0)
	})
	a.nudge()
	return err
}

// Delete removes a domain, its values and its messages; attempts and history
// stay. A domain that an order names cannot be deleted.
func (a *Authority) Delete(ctx context.Context, actor Actor, id int64) error {
	now := a.now()
	err := a.o.Store.Write(ctx, func(t store.Tx) error {
		if err := t.DeleteDomain(actor.Account, id); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.deleted", id, 0)
	})
	if errors.Is(err, store.ErrConflict) {
		return refusal(Conflict, "in_use", "", "An order names this domain; it cannot be deleted.")
	}
	return found(err, "domain")
}
