package authority

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"deed/capsule"
	"deed/dcv"
	"deed/mail"
	"deed/rules"
	"deed/store"
)

// choice is what a caller may say about messages.
type choice struct {
	locale     string
	recipients []string
}

// letter is a message ready to be stored.
type letter = store.Mail

// maxTries is how many wrong codes lock a message: with a value of 160 bits
// this is not against guessing, but against noise.
const maxTries = 10

// contactsFor finds the addresses of a name where the method is e-mail; nil
// otherwise. The scope is the name itself; a resend may choose a parent of it,
// down to the base domain name (dialect contract 3.10).
func (a *Authority) contactsFor(ctx context.Context, m dcv.Method, name dcv.Name) (*Contacts, error) {
	if m != dcv.Email {
		return nil, nil
	}
	scope := name.Base()
	c, err := a.contactsAt(ctx, scope)
	return &c, err
}

func (a *Authority) contactsAt(ctx context.Context, scope dcv.Name) (Contacts, error) {
	c := Contacts{NameScope: scope}
	for _, local := range rules.ConstructedLocalParts() {
		c.Base = append(c.Base, local+"@"+scope.String())
	}
	var err error
	c.CAA, c.TXT, err = a.o.Engine.Contacts(ctx, scope)
	return c, err
}

// Contacts are the addresses that the e-mail method would write to (3.9).
func (a *Authority) Contacts(ctx context.Context, actor Actor, id int64) (Contacts, error) {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return Contacts{}, err
	}
	return a.contactsAt(ctx, d.Name.Base())
}

// letters composes one message for each recipient: a random value and a link
// of its own in each (rule E2). If none of the recipients asked for is a
// contact, all contacts get one (dialect contract 3.6).
func (a *Authority) letters(ctx context.Context, actor Actor, name dcv.Name, c *Contacts, ch choice, now time.Time) ([]letter, error) {
	if c == nil {
		return nil, nil
	}
	acc, err := a.Account(ctx, actor)
	if err != nil {
		return nil, err
	}
	type to struct{ address, kind string }
	var all []to
	add := func(kind string, addresses []string) {
		for _, s := range addresses {
			if !slices.ContainsFunc(all, func(x to) bool { return strings.EqualFold(x.address, s) }) {
				all = append(all, to{s, kind})
			}
		}
	}
	add("constructed", c.Base)
	add("caa", c.CAA)
	add("txt", c.TXT)
	chosen := slices.DeleteFunc(slices.Clone(all), func(x to) bool {
		return !slices.ContainsFunc(ch.recipients, func(r string) bool { return strings.EqualFold(r, x.address) })
	})
	if len(chosen) == 0 {
		chosen = all
	}
	rule, _ := rules.For(dcv.Email)
	var list []letter
	for _, r := range chosen {
		link, err := a.secret()
		if err != nil {
			return nil, err
		}
		code, err := a.token(dcv.Email)
		if err != nil {
			return nil, err
		}
		l := letter{
			AccountID: actor.Account, Kind: r.kind, Recipient: r.address, ADN: c.NameScope, Locale: mail.Locale(ch.locale), LinkHash: hash(link), CodeHash: hash(code),
			Created: now, Expires: now.Add(rule.TokenLife), SendAfter: now,
		}
		l.Body, err = a.o.Post.Compose(mail.Message{
			To: r.address, Domain: a.o.Names.Unicode(name), ASCII: name.String(), Account: acc.Name, Link: a.o.PublicURL + "/approve/" + link, Code: code,
			Locale: l.Locale, Expires: l.Expires, Date: now,
		})
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// post hands messages to the outbox.
func post(t store.Tx, letters []letter, domain, order int64) error {
	for _, l := range letters {
		l.DomainID, l.OrderID = domain, order
		if _, err := t.InsertMail(l); err != nil {
			return err
		}
	}
	return nil
}

// ResendMail is the command of PUT /domain/{id}/dcv/emails.
type ResendMail struct {
	NameScope  string
	Locale     string
	Recipients []string
}

// Resend sends the domain's messages again: the same to the byte to the same
// recipients (rule E3), or new ones where another scope, other recipients or
// another language are asked for, or none is live.
func (a *Authority) Resend(ctx context.Context, actor Actor, id int64, c ResendMail) error {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return err
	}
	if d.Method != dcv.Email {
		return refusal(Invalid, "method_not_mail", "dcv_method", "The domain's DCV method is %s, not email.", d.Method)
	}
	if _, err := a.method(dcv.Email, d.Name, a.now()); err != nil {
		return err
	}
	scope := d.Name.Base()
	if c.NameScope != "" {
		n, err := a.normalise("name_scope", c.NameScope)
		if err != nil {
			return err
		}
		rule, _ := rules.For(dcv.Email)
		base, _ := a.o.Names.BaseDomain(d.Name)
		if !slices.Contains(rule.ADNs(d.Name, base), n) {
			return refusal(Invalid, "name_scope", "name_scope", "%s is neither the domain nor a parent of it down to %s.", n, base)
		}
		scope = n
	}
	now := a.now()
	fresh := c.Locale != "" || len(c.Recipients) > 0
	if !fresh {
		again := false
		err := a.write(ctx, func(t store.Tx) error {
			again = false
			list, err := t.MailsOfDomain(id)
			if err != nil {
				return err
			}
			for _, m := range list {
				if m.ADN != scope || now.After(m.Expires) {
					continue
				}
				full, err := t.MailByLink(m.LinkHash)
				if err != nil {
					return err
				}
				old := full
				full.SendAfter, full.Fails, full.SendError = now, 0, ""
				if err := t.UpdateMail(old, full); err != nil {
					return err
				}
				again = true
			}
			return nil
		})
		if err != nil || again {
			a.nudge()
			return err
		}
	}
	contacts, err := a.contactsAt(ctx, scope)
	if err != nil {
		return err
	}
	letters, err := a.letters(ctx, actor, d.Name, &contacts, choice{c.Locale, c.Recipients}, now)
	if err != nil {
		return err
	}
	err = a.write(ctx, func(t store.Tx) error {
		cur, err := t.Domain(actor.Account, id)
		if err != nil {
			return found(err, "domain")
		}
		if cur.Method != dcv.Email {
			return refusal(Conflict, "method_not_mail", "dcv_method", "The domain's DCV method was changed.")
		}
		if err := post(t, letters, id, 0); err != nil {
			return err
		}
		return a.event(t, actor, now, "mail.sent", id, 0)
	})
	a.nudge()
	return err
}

// MailView shows what the page behind a link may show; it changes nothing.
func (a *Authority) MailView(ctx context.Context, link string) (MailView, error) {
	var v MailView
	now := a.now()
	err := a.read(ctx, func(r store.Reader) error {
		m, err := a.mailByLink(r, link)
		if err != nil {
			return err
		}
		v, err = view(r, &m, now)
		return err
	})
	return v, err
}

func (a *Authority) mailByLink(r store.Reader, link string) (store.Mail, error) {
	want := hash(link)
	m, err := r.MailByLink(want)
	if err == nil && !bytes.Equal(m.LinkHash, want) {
		err = store.ErrNotFound
	}
	return m, found(err, "message")
}

func view(r store.Reader, m *store.Mail, now time.Time) (MailView, error) {
	v := MailView{ADN: m.ADN, Recipient: m.Recipient, Locale: m.Locale, Expires: m.Expires, State: "open"}
	acc, err := r.Account(m.AccountID)
	if err != nil {
		return v, err
	}
	v.Account = acc.Name
	d, err := r.Domain(m.AccountID, m.DomainID)
	if err != nil {
		return v, found(err, "message")
	}
	v.Domain = d.Name
	switch {
	case !m.Approved.IsZero():
		v.State = "approved"
	case m.Tries >= maxTries:
		v.State = "locked"
	case !m.Ended.IsZero():
		v.State = "ended"
	case now.After(m.Expires):
		v.State = "expired"
	}
	return v, nil
}

// ApproveMail takes the code that stands in the message behind a link (rule
// E8). A right code proves the domain; a wrong one is counted and refused.
func (a *Authority) ApproveMail(ctx context.Context, link, code string) (MailView, error) {
	now := a.now()
	var m, before store.Mail
	var d Domain
	var v MailView
	wrong := false
	err := a.write(ctx, func(t store.Tx) error {
		wrong = false
		var err error
		if m, err = a.mailByLink(t, link); err != nil {
			return err
		}
		if v, err = view(t, &m, now); err != nil {
			return err
		}
		if v.State != "open" {
			return refusal(Conflict, v.State, "", "This message cannot be used any more.")
		}
		if d, err = t.Domain(m.AccountID, m.DomainID); err != nil {
			return found(err, "message")
		}
		old := m
		if subtle.ConstantTimeCompare(hash(strings.TrimSpace(code)), m.CodeHash) != 1 {
			wrong = true
			m.Tries++
			return t.UpdateMail(old, m)
		}
		before = old
		// The code is used up in this commit; no second one can start here.
		m.Approved, m.Ended, m.Body, m.SendAfter = now, now, nil, time.Time{}
		return t.UpdateMail(old, m)
	})
	if err != nil {
		return v, err
	}
	if wrong {
		return v, refusal(Invalid, "code", "code", "This is not the code of this message.")
	}
	ch, err := a.challenge(&d, dcv.Email, nil, now)
	if err != nil {
		return v, err
	}
	rec, err := a.o.Engine.Mail(context.WithoutCancel(ctx), ch, capsule.Mail{Kind: m.Kind, Recipient: m.Recipient, ADN: m.ADN, Created: m.Created, Expires: m.Expires, Approved: now, CodeHash: m.CodeHash})
	if err != nil {
		return v, err
	}
	res, err := a.apply(context.WithoutCancel(ctx), Actor{Account: m.AccountID, Name: "mail:" + m.Recipient}, d, rec, applied{method: dcv.Email, order: m.OrderID, trigger: "email"})
	if err != nil {
		return v, err
	}
	if err := a.reopen(context.WithoutCancel(ctx), m, before, &res.Verdict); err != nil {
		return v, err
	}
	if res.Verdict.Outcome != dcv.Proven {
		return v, refusal(Conflict, string(res.Verdict.Problem.Code), "", "%s", res.Verdict.Problem.Detail)
	}
	v.State = "approved"
	return v, nil
}

// mailPause is how long after the n-th failure in a row a message is tried
// again; after the last it rests, and the failure can be read.
var mailPause = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}

// deliver sends one due message and notes how it went.
func (a *Authority) deliver(ctx context.Context, m store.Mail) error {
	sendErr := errors.New("no SMTP server is set")
	if a.o.Post != nil {
		sendErr = a.o.Post.Send(ctx, m.Recipient, m.Body)
	}
	now := a.now()
	n := m
	var final *mail.Error
	result := "sent"
	switch {
	case sendErr == nil:
		n.Sends, n.Fails, n.SendError, n.SendAfter = m.Sends+1, 0, "", time.Time{}
	case errors.As(sendErr, &final) && final.Permanent, m.Fails >= len(mailPause):
		result, n.Fails, n.SendError, n.SendAfter = "refused", m.Fails+1, sendErr.Error(), time.Time{}
	default:
		result, n.Fails, n.SendError, n.SendAfter = "failed", m.Fails+1, sendErr.Error(), now.Add(mailPause[m.Fails])
	}
	a.o.Watch.Mailed(result)
	n.SendError = n.SendError[:min(len(n.SendError), 500)]
	err := a.o.Store.Write(ctx, func(t store.Tx) error { return t.UpdateMail(m, n) })
	if errors.Is(err, store.ErrConflict) {
		return nil // ended meanwhile
	}
	return err
}
