package authority

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// method vets a method that a domain or an order is to have for its own: one
// that needs nothing of the caller.
func (a *Authority) method(m dcv.Method, name dcv.Name, now time.Time) (rules.Method, error) {
	rule, err := a.allowed(m, name, now)
	if err == nil && rule.ByKey {
		err = refusal(Invalid, "dcv_method", "dcv_method", "The method %s needs a key authorization; arm it by POST /v1/domains/{id}/methods.", m)
	}
	return rule, err
}

// allowed vets a method for a name at an instant.
func (a *Authority) allowed(m dcv.Method, name dcv.Name, now time.Time) (rules.Method, error) {
	rule, ok := rules.For(m)
	switch {
	case !ok:
		return rule, refusal(Invalid, "dcv_method", "dcv_method", "There is no DCV method %q.", m)
	case !rule.Usable(a.rulesAt(now)):
		return rule, refusal(Invalid, "method_ended", "dcv_method", "The method %s may not be used since %s (BR %s).", m, rule.Ends().Format(time.DateOnly), rule.Sections[0])
	case !rule.Serves(name):
		return rule, refusal(Invalid, "wildcard_method", "dcv_method", "The method %s cannot prove a wildcard.", m)
	case m == dcv.Email && a.o.Post == nil:
		return rule, refusal(Unable, "no_mail", "dcv_method", "The e-mail method is not available: this server has no SMTP server set.")
	}
	return rule, nil
}

// types vets validation types.
func typesOf(list []string) ([]string, error) {
	if len(list) == 0 {
		return nil, refusal(Invalid, "types", "validations", "Name at least one validation type: ov or ev.")
	}
	var out []string
	for _, t := range list {
		if t != "ov" && t != "ev" {
			return nil, refusal(Invalid, "types", "validations", "There is no validation type %q; there are ov and ev.", t)
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(x, y string) int { return -strings.Compare(x, y) }) // ov, ev
	return out, nil
}

// submit marks types as pending; an unexpired proof of a type survives.
func submit(d *Domain, types []string, now time.Time) {
	d.Submitted = now
	for _, t := range types {
		i := slices.IndexFunc(d.Validations, func(v Validation) bool { return v.Type == t })
		if i < 0 {
			d.Validations = append(d.Validations, Validation{Type: t})
			i = len(d.Validations) - 1
		}
		d.Validations[i].Pending = true
	}
	slices.SortFunc(d.Validations, func(x, y Validation) int { return -strings.Compare(x.Type, y.Type) })
}

// AddDomain adds a name to the account and submits it (dialect contract 3.3).
func (a *Authority) AddDomain(ctx context.Context, actor Actor, c AddDomain) (Armed, error) {
	if c.Method == "" {
		c.Method = dcv.Email
	}
	name, err := a.normalise("name", c.Name)
	if err != nil {
		return Armed{}, err
	}
	if strings.HasPrefix(name.String(), "www.") && !c.KeepWWW && c.Method != dcv.HTTP {
		// The rest is a name already, and is not normalised again.
		if _, ok := a.o.Names.BaseDomain(name.Parent()); ok {
			name = name.Parent()
		}
	}
	types, err := typesOf(c.Types)
	if err != nil {
		return Armed{}, err
	}
	if c.OrganizationID == 0 {
		return Armed{}, refusal(Invalid, "organization_missing", "organization", "Name the organization by its id.")
	}
	if _, err := a.method(c.Method, name, a.now()); err != nil {
		return Armed{}, err
	}
	contacts, err := a.contactsFor(ctx, c.Method, name)
	if err != nil {
		return Armed{}, err
	}
	now := a.now()
	d := Domain{AccountID: actor.Account, OrganizationID: c.OrganizationID, Name: name, Active: true, Method: c.Method, KeepWWW: c.KeepWWW, Created: now}
	submit(&d, types, now)
	armed := Armed{Contacts: contacts}
	letters, err := a.letters(ctx, actor, d.Name, contacts, choice{c.Locale, c.Recipients}, now)
	if err != nil {
		return Armed{}, err
	}
	err = a.write(ctx, func(t store.Tx) error {
		if _, err := t.Organization(actor.Account, c.OrganizationID); err != nil {
			return found(err, "organization")
		}
		if _, err := t.DomainByName(actor.Account, name); err == nil {
			return refusal(Conflict, "exists", "name", "The domain %s already exists in this account.", name)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		armed.Domain = d
		begin(&armed.Domain, now, c.Method != dcv.Email)
		var err error
		if armed.Domain.ID, err = t.InsertDomain(armed.Domain); err != nil {
			return err
		}
		armed.Domain.Version = 1
		if err := a.arm(t, &armed, c.Method, letters, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.added", armed.Domain.ID, 0)
	})
	a.nudge()
	return armed, err
}

// arm gives the domain a fresh value, or its messages, for a method just set.
func (a *Authority) arm(t store.Tx, armed *Armed, m dcv.Method, letters []letter, now time.Time) error {
	d := &armed.Domain
	if err := t.EndMails(d.ID, now); err != nil {
		return err
	}
	// What was armed beside the former method goes on, but for this one, which is
	// the domain's own now, and for e-mail, whose messages just ended.
	if err := disarm(t, d.ID, now, m, dcv.Email); err != nil {
		return err
	}
	if rule, _ := rules.For(m); !rule.ByValue {
		if err := t.EndDomainValue(d.ID, now); err != nil {
			return err
		}
		armed.Value = nil
		return post(t, letters, d.ID, 0)
	}
	v, err := a.newValue(d.AccountID, m, now)
	if err != nil {
		return err
	}
	if err := renew(t, &v, d.ID); err != nil {
		return err
	}
	armed.Value = &v
	return nil
}

// Submit submits a domain for validation (3.4). With a method it makes a fresh
// value or sends mail; without one it keeps what is live.
func (a *Authority) Submit(ctx context.Context, actor Actor, id int64, c Submit) (Armed, error) {
	types, err := typesOf(c.Types)
	if err != nil {
		return Armed{}, err
	}
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return Armed{}, err
	}
	m, vet := c.Method, a.method
	if m == "" {
		m, vet = d.Method, a.allowed
	}
	if _, err := vet(m, d.Name, a.now()); err != nil {
		return Armed{}, err
	}
	contacts, err := a.contactsFor(ctx, m, d.Name)
	if err != nil {
		return Armed{}, err
	}
	now := a.now()
	letters, err := a.letters(ctx, actor, d.Name, contacts, choice{c.Locale, c.Recipients}, now)
	if err != nil {
		return Armed{}, err
	}
	var armed Armed
	err = a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		if c.Method == "" && d.Method != m {
			return store.ErrConflict // another changed the method meanwhile
		}
		armed = Armed{Domain: d, Contacts: contacts}
		submit(&armed.Domain, types, now)
		armed.Domain.Method = m
		if err := restart(t, &armed.Domain, now); err != nil {
			return err
		}
		if err := t.UpdateDomain(armed.Domain); err != nil {
			return err
		}
		armed.Domain.Version++
		if v, err := t.DomainValue(id); err == nil && c.Method == "" && live(&v, m, now) {
			armed.Value = &v
		} else if rule, _ := rules.For(m); c.Method == "" && !rule.ByValue && !rule.Mailed && (err == nil || errors.Is(err, store.ErrNotFound)) {
			// There is no value to make: a record that stands, or a key that the
			// caller gave.
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		} else if err := a.arm(t, &armed, m, letters, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.submitted", id, 0)
	})
	a.nudge()
	return armed, found(err, "domain")
}

// ChangeMethod sets a domain's method (3.6). The method already set changes
// nothing and sends nothing.
func (a *Authority) ChangeMethod(ctx context.Context, actor Actor, id int64, c ChangeMethod) (Armed, error) {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return Armed{}, err
	}
	if _, ok := rules.For(c.Method); ok && d.Method == c.Method {
		return Armed{Domain: d, Unchanged: true}, nil
	}
	if _, err := a.method(c.Method, d.Name, a.now()); err != nil {
		return Armed{}, err
	}
	contacts, err := a.contactsFor(ctx, c.Method, d.Name)
	if err != nil {
		return Armed{}, err
	}
	now := a.now()
	var letters []letter
	if c.SendEmail {
		if letters, err = a.letters(ctx, actor, d.Name, contacts, choice{c.Locale, c.Recipients}, now); err != nil {
			return Armed{}, err
		}
	}
	var armed Armed
	err = a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		if d.Method == c.Method {
			armed = Armed{Domain: d, Unchanged: true}
			return nil
		}
		armed = Armed{Domain: d, Contacts: contacts}
		armed.Domain.Method = c.Method
		if err := restart(t, &armed.Domain, now); err != nil {
			return err
		}
		if err := t.UpdateDomain(armed.Domain); err != nil {
			return err
		}
		armed.Domain.Version++
		if err := a.arm(t, &armed, c.Method, letters, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.method_changed", id, 0)
	})
	a.nudge()
	return armed, err
}

// GenerateValue makes a new domain random value; the one before ends at once
// (3.7). Order values stay.
func (a *Authority) GenerateValue(ctx context.Context, actor Actor, id int64) (Armed, error) {
	now := a.now()
	var armed Armed
	err := a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		rule, err := a.method(d.Method, d.Name, now)
		if err != nil {
			return err
		}
		if !rule.ByValue {
			return refusal(Invalid, "method_needs_no_value", "dcv_method", "The domain's DCV method %s needs no random value.", d.Method)
		}
		v, err := a.newValue(d.AccountID, d.Method, now)
		if err != nil {
			return err
		}
		armed = Armed{Domain: d, Value: &v}
		if err := renew(t, &v, id); err != nil {
			return err
		}
		return note(t, actor, now, "value.generated", id, 0)
	})
	return armed, err
}
