package authority

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"deed/check"
	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// ArmMethod is one method of a command that arms several.
type ArmMethod struct {
	Method dcv.Method
	// KeyAuthorization is the caller's, for the ACME methods (RFC 8555 section
	// 8.1), and nothing for others.
	KeyAuthorization string
	// AccountURL is the ACME account's; dns-account-01 needs it.
	AccountURL string
	Locale     string   // of e-mails
	Recipients []string // of e-mails; empty for all contacts
}

// AddArmed is the command of POST /v1/domains. The name is taken as it is,
// "www." included.
type AddArmed struct {
	Name           string
	OrganizationID int64    // 0: the account's first
	Types          []string // none: "ov"
	// Methods are armed at once. The domain's own is the first of them that
	// needs no key authorization, else the first.
	Methods []ArmMethod
}

// ready is a method that was vetted, with what stands outside a transaction.
type ready struct {
	ArmMethod
	rule    rules.Method
	token   string // of the key authorization
	letters []letter
}

// vetMethods vets a list of methods for a name, whole or not at all.
func (a *Authority) vetMethods(ctx context.Context, actor Actor, name dcv.Name, list []ArmMethod) ([]ready, error) {
	if len(list) == 0 || len(list) > len(rules.Methods()) {
		return nil, refusal(Invalid, "methods", "methods", "Name 1 to %d methods.", len(rules.Methods()))
	}
	now := a.now()
	out := make([]ready, 0, len(list))
	for i, m := range list {
		rule, err := a.allowed(m.Method, name, now)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list[:i], func(x ArmMethod) bool { return x.Method == m.Method }) {
			return nil, refusal(Invalid, "methods", "methods", "The method %s is named twice.", m.Method)
		}
		r := ready{ArmMethod: m, rule: rule}
		key, ok := check.ParseKeyAuthorization(m.KeyAuthorization)
		switch {
		case !rule.ByKey && (m.KeyAuthorization != "" || m.AccountURL != ""):
			return nil, refusal(Invalid, "key_authorization", "key_authorization", "The method %s takes neither a key authorization nor an account.", m.Method)
		case rule.ByKey && !ok:
			return nil, refusal(Invalid, "key_authorization", "key_authorization", "The method %s needs a key authorization: a token of at least 22 base64url characters, a dot, and the SHA-256 thumbprint of the account's key (RFC 8555 section 8.1).", m.Method)
		case rule.ByKey && !accountURL(m.AccountURL, m.Method == dcv.ACMEDNSAccount):
			return nil, refusal(Invalid, "account_url", "account_url", "The account_url must be the https URL of the ACME account; dns-account-01 needs one.")
		}
		r.token = key.Token
		if rule.Mailed {
			contacts, err := a.contactsFor(ctx, m.Method, name)
			if err != nil {
				return nil, err
			}
			if r.letters, err = a.letters(ctx, actor, name, contacts, choice{m.Locale, m.Recipients}, now); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// accountURL vets the URL of an ACME account: it is hashed into a label, and
// compared with accounturi in CAA, so it must be able to stand there.
func accountURL(s string, needed bool) bool {
	if s == "" {
		return !needed
	}
	u, err := url.Parse(s)
	return err == nil && len(s) <= 512 && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == "" &&
		!strings.ContainsFunc(s, func(c rune) bool { return c <= 0x20 || c >= 0x7f || c == ';' })
}

// AddArmed adds a name to the account, submits it and arms its methods.
func (a *Authority) AddArmed(ctx context.Context, actor Actor, c AddArmed) (Plan, error) {
	name, err := a.normalise("name", c.Name)
	if err != nil {
		return Plan{}, err
	}
	if len(c.Types) == 0 {
		c.Types = []string{"ov"}
	}
	types, err := typesOf(c.Types)
	if err != nil {
		return Plan{}, err
	}
	list, err := a.vetMethods(ctx, actor, name, c.Methods)
	if err != nil {
		return Plan{}, err
	}
	own := list[0].Method
	if i := slices.IndexFunc(list, func(r ready) bool { return !r.rule.ByKey }); i >= 0 {
		own = list[i].Method
	}
	now := a.now()
	var id int64
	err = a.write(ctx, func(t store.Tx) error {
		d := Domain{AccountID: actor.Account, OrganizationID: c.OrganizationID, Name: name, Active: true, Method: own, KeepWWW: true, Created: now}
		if d.OrganizationID == 0 {
			first, _, err := t.Organizations(actor.Account, Page{Limit: 1})
			if err != nil {
				return err
			}
			if len(first) == 0 {
				return refusal(Invalid, "organization_missing", "organization", "The account has no organization; add one.")
			}
			d.OrganizationID = first[0].ID
		}
		if _, err := t.Organization(actor.Account, d.OrganizationID); err != nil {
			return found(err, "organization")
		}
		if _, err := t.DomainByName(actor.Account, name); err == nil {
			return refusal(Conflict, "exists", "name", "The domain %s already exists in this account.", name)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		submit(&d, types, now)
		var err error
		if d.ID, err = t.InsertDomain(d); err != nil {
			return err
		}
		d.Version, id = 1, d.ID
		if err := a.armAll(t, &d, list, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.added", d.ID, 0)
	})
	a.nudge()
	if err != nil {
		return Plan{}, err
	}
	return a.Plan(ctx, actor, id)
}

// Arm arms methods for a domain beside its own, and submits it: it is pending
// until one of them passes. A method that is armed keeps its random value; a
// key authorization takes the place of the one before.
func (a *Authority) Arm(ctx context.Context, actor Actor, id int64, methods []ArmMethod) (Plan, error) {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return Plan{}, err
	}
	list, err := a.vetMethods(ctx, actor, d.Name, methods)
	if err != nil {
		return Plan{}, err
	}
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		types := []string{"ov"}
		if len(d.Validations) > 0 {
			types = nil
			for _, v := range d.Validations {
				types = append(types, v.Type)
			}
		}
		submit(&d, types, now)
		if err := a.armAll(t, &d, list, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "domain.armed", id, 0)
	})
	a.nudge()
	if err != nil {
		return Plan{}, err
	}
	return a.Plan(ctx, actor, id)
}

// armAll arms what was vetted, starts the schedule and writes the domain.
func (a *Authority) armAll(t store.Tx, d *Domain, list []ready, now time.Time) error {
	for i := range list {
		if err := a.armOne(t, d, &list[i], now); err != nil {
			return err
		}
	}
	if err := restart(t, d, now); err != nil {
		return err
	}
	return t.UpdateDomain(*d)
}

func (a *Authority) armOne(t store.Tx, d *Domain, r *ready, now time.Time) error {
	own := r.Method == d.Method
	x := Arming{AccountID: d.AccountID, DomainID: d.ID, Method: r.Method, Created: now}
	switch {
	case r.rule.ByKey:
		x.Token, x.KeyAuthorization, x.AccountURL, x.Expires = r.token, r.KeyAuthorization, r.AccountURL, now.Add(r.rule.TokenLife)
	case r.rule.Mailed:
		if err := t.EndMails(d.ID, now); err != nil {
			return err
		}
		if err := post(t, r.letters, d.ID, 0); err != nil || own {
			return err
		}
		x.Expires = now.Add(r.rule.TokenLife)
	case own && r.rule.ByValue:
		if v, err := t.DomainValue(d.ID); err == nil && live(&v, r.Method, now) {
			return nil
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		v, err := a.newValue(d.AccountID, r.Method, now)
		if err != nil {
			return err
		}
		return renew(t, &v, d.ID)
	case own:
		return nil // the record stands, or does not
	default:
		if cur, err := armedFor(t, d.ID, r.Method, now); err != nil || cur != nil {
			return err
		}
		if r.rule.ByValue {
			v, err := a.newValue(d.AccountID, r.Method, now)
			if err != nil {
				return err
			}
			x.Token, x.Expires = v.Token, v.Expires
		}
	}
	if err := disarm(t, d.ID, now, r.Method); err != nil {
		return err
	}
	_, err := t.InsertArming(x)
	return err
}

// Disarm ends a method that is armed beside the domain's own, at once.
func (a *Authority) Disarm(ctx context.Context, actor Actor, id int64, m dcv.Method) error {
	now := a.now()
	err := a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		list, err := t.Armed(id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(x Arming) bool { return x.Method == m })
		switch {
		case i < 0 && d.Method == m:
			return refusal(Conflict, "own_method", "method", "%s is the domain's own method; it can be changed, not disarmed.", m)
		case i < 0:
			return refusal(NotFound, "not_armed", "method", "The method %s is not armed for this domain.", m)
		}
		if err := t.EndArming(list[i].ID, now); err != nil {
			return err
		}
		if m == dcv.Email {
			if err := t.EndMails(id, now); err != nil {
				return err
			}
		}
		if left := toLookAt(&d, slices.Delete(list, i, i+1), now); len(left) == 0 && d.Pending() {
			begin(&d, now, false) // nothing is left to look at
			if err := t.UpdateDomain(d); err != nil {
				return err
			}
		}
		return a.event(t, actor, now, "domain.disarmed", id, 0)
	})
	return err
}

// GenerateFor makes a new random value for a method of the domain, its own or
// armed; the one before ends at once. Those of other methods stay.
func (a *Authority) GenerateFor(ctx context.Context, actor Actor, id int64, m dcv.Method) (Plan, error) {
	rule, ok := rules.For(m)
	if !ok {
		return Plan{}, refusal(Invalid, "dcv_method", "method", "There is no method %q.", m)
	}
	if !rule.ByValue {
		return Plan{}, refusal(Invalid, "method_needs_no_value", "method", "The method %s needs no random value of ours.", m)
	}
	now := a.now()
	err := a.write(ctx, func(t store.Tx) error {
		d, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		if _, err := a.allowed(m, d.Name, now); err != nil {
			return err
		}
		v, err := a.newValue(d.AccountID, m, now)
		if err != nil {
			return err
		}
		if m == d.Method {
			err = renew(t, &v, id)
		} else {
			err = a.regenerate(t, &d, &v, now)
		}
		if err != nil {
			return err
		}
		return note(t, actor, now, "value.generated", id, 0)
	})
	if err != nil {
		return Plan{}, err
	}
	return a.Plan(ctx, actor, id)
}

// regenerate puts a value in the place of the one that is armed.
func (a *Authority) regenerate(t store.Tx, d *Domain, v *Value, now time.Time) error {
	list, err := t.Armed(d.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(x Arming) bool { return x.Method == v.Method }) {
		return refusal(Conflict, "not_armed", "method", "The method %s is not armed for this domain.", v.Method)
	}
	if err := disarm(t, d.ID, now, v.Method); err != nil {
		return err
	}
	_, err = t.InsertArming(Arming{AccountID: d.AccountID, DomainID: d.ID, Method: v.Method, Token: v.Token, Created: now, Expires: v.Expires})
	return err
}
