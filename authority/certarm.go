package authority

import (
	"context"
	"errors"
	"math"
	"time"

	"deed/dcv"
	"deed/store"
)

// lettersFor composes the messages of each name's domain, by its name.
func (a *Authority) lettersFor(ctx context.Context, actor Actor, m dcv.Method, names []dcv.Name, now time.Time) (map[dcv.Name][]letter, error) {
	if m != dcv.Email {
		return nil, nil
	}
	letters := map[dcv.Name][]letter{}
	all, errs := make([][]letter, len(names)), make([]error, len(names))
	each(names, func(i int, n dcv.Name) {
		contacts, err := a.contactsFor(ctx, m, n)
		if err == nil {
			all[i], err = a.letters(ctx, actor, n, contacts, choice{}, now)
		}
		errs[i] = err
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, n := range names {
		letters[n] = all[i]
	}
	return letters, nil
}

// domainNamed is the account's domain of exactly this name; it is made where
// there is none. So a request's domain is the account's domain in every dialect.
func (a *Authority) domainNamed(t store.Tx, actor Actor, n dcv.Name, org int64, m dcv.Method, now time.Time) (Domain, error) {
	d, err := t.DomainByName(actor.Account, n)
	if err == nil && !d.Active {
		err = refusal(Conflict, "inactive", "domains", "The domain %s is deactivated in this account; activate it first.", n)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	d = Domain{AccountID: actor.Account, OrganizationID: org, Name: n, Active: true, Method: m, KeepWWW: true, Created: now}
	if d.ID, err = t.InsertDomain(d); err != nil {
		return d, err
	}
	if d.ID > math.MaxInt32 {
		return d, errors.New("authority: the ids of domains have left the 31 bits that clients read")
	}
	d.Version = 1
	return d, a.event(t, actor, now, "domain.added", d.ID, 0)
}

// arming says how armName goes about it.
type arming struct {
	types   []string
	fresh   bool       // a live value is replaced too
	again   bool       // a running schedule begins again too
	follows dcv.Method // a domain of this method follows the order; "" for none
}

// armName readies an order's name to be proven by the order's method: its
// domain is submitted and on the schedule, and has what is to be published or
// was written to. A name whose proof can be used is left alone.
func (a *Authority) armName(t store.Tx, actor Actor, o *Order, d *Domain, letters map[dcv.Name][]letter, how arming, now time.Time) error {
	if _, ok, err := a.proofFor(t, actor, d, d.Name, now); err != nil || ok {
		return err
	}
	byMail := o.Method == dcv.Email
	anew := !d.Pending()
	submit(d, how.types, now)
	// A domain has one method of its own. One that waits by another keeps it,
	// unless the request needs the domain's value or its messages: the schedule
	// looks by the methods of its orders too.
	if d.Method != o.Method && (anew || byMail || o.PerDomain || d.Method == how.follows) {
		d.Method, anew = o.Method, true
		if err := t.EndDomainValue(d.ID, now); err != nil {
			return err
		}
		if err := t.EndMails(d.ID, now); err != nil {
			return err
		}
		if err := disarm(t, d.ID, now, o.Method); err != nil {
			return err
		}
	}
	switch {
	case !anew && !how.again && !d.NextCheck.IsZero():
	case byMail:
		if err := restart(t, d, now); err != nil {
			return err
		}
	default:
		begin(d, now, true)
	}
	if err := t.UpdateDomain(*d); err != nil {
		return err
	}
	d.Version++
	switch {
	case byMail:
		return post(t, letters[d.Name], d.ID, o.ID)
	case !o.PerDomain:
		return nil
	}
	v, err := t.DomainValue(d.ID)
	if err == nil && live(&v, o.Method, now) && !how.fresh {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return a.renewDomain(t, d, o.Method, now)
}

func (a *Authority) renewDomain(t store.Tx, d *Domain, m dcv.Method, now time.Time) error {
	v, err := a.newValue(d.AccountID, m, now)
	if err != nil {
		return err
	}
	return renew(t, &v, d.ID)
}
