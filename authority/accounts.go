package authority

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"deed/store"
)

// keyPrefix makes API keys easy to find where they leaked.
const keyPrefix = "deed_"

// secret makes a text of 256 random bits.
func (a *Authority) secret() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(a.o.Random, b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// hash is how secrets of 256 bits are kept: nothing slower is needed.
func hash(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

// label vets a text that people chose: 1 to 200 characters, no controls.
func label(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || utf8.RuneCountInString(s) > 200 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
		return "", refusal(Invalid, field, field, "The %s must have 1 to 200 printable characters.", field)
	}
	return s, nil
}

// CreateAccount makes a tenant with a first organization and a first API key,
// which is shown this once.
func (a *Authority) CreateAccount(ctx context.Context, name string) (acc Account, org Organization, key string, err error) {
	if name, err = label("name", name); err != nil {
		return acc, org, "", err
	}
	if key, err = a.secret(); err != nil {
		return acc, org, "", err
	}
	key = keyPrefix + key
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		acc = Account{Name: name, Created: now}
		var err error
		if acc.ID, err = t.InsertAccount(acc); err != nil {
			return err
		}
		org = Organization{AccountID: acc.ID, Name: name, Active: true, Created: now}
		if org.ID, err = t.InsertOrganization(org); err != nil {
			return err
		}
		_, err = t.InsertKey(Key{AccountID: acc.ID, Name: "first key", Role: store.RoleFull, Hint: key[:9], Hash: hash(key), Created: now})
		if err != nil {
			return err
		}
		return a.event(t, Actor{Account: acc.ID, Name: "operator"}, now, "account.created", 0, 0)
	})
	return acc, org, key, err
}

// CreateKey makes an API key of an account; the text is shown this once.
func (a *Authority) CreateKey(ctx context.Context, account int64, name string, role Role) (k Key, text string, err error) {
	if name == "" {
		name = "key"
	}
	if name, err = label("name", name); err != nil {
		return k, "", err
	}
	if role != store.RoleFull && role != store.RoleDomains && role != store.RoleViewOnly {
		return k, "", refusal(Invalid, "role", "role", "There is no role %q; there are full, domains and view_only.", role)
	}
	if text, err = a.secret(); err != nil {
		return k, "", err
	}
	text = keyPrefix + text
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		if _, err := t.Account(account); err != nil {
			return found(err, "account")
		}
		k = Key{AccountID: account, Name: name, Role: role, Hint: text[:9], Hash: hash(text), Created: now}
		var err error
		if k.ID, err = t.InsertKey(k); err != nil {
			return err
		}
		return a.event(t, Actor{Account: account, Name: "operator"}, now, "key.created", 0, 0)
	})
	return k, text, err
}

// Keys lists API keys; account 0 stands for all accounts.
func (a *Authority) Keys(ctx context.Context, account int64) (keys []Key, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		keys, err = r.Keys(account)
		return err
	})
	return keys, err
}

// RevokeKey ends an API key at once.
func (a *Authority) RevokeKey(ctx context.Context, id int64) error {
	now := a.now()
	err := a.o.Store.Write(ctx, func(t store.Tx) error { return t.RevokeKey(id, now) })
	if errors.Is(err, store.ErrConflict) {
		return refusal(Conflict, "revoked", "", "The key is revoked already.")
	}
	return found(err, "key")
}

// Authenticate finds the actor of an API key. Each call asks the store, so
// that a revoked key stops at once.
func (a *Authority) Authenticate(ctx context.Context, presented string) (Actor, error) {
	denied := refusal(Denied, "invalid_key", "", "The API key is missing, unknown or revoked.")
	if !strings.HasPrefix(presented, keyPrefix) || len(presented) > 128 {
		return Actor{}, denied
	}
	want := hash(presented)
	var k Key
	err := a.read(ctx, func(r store.Reader) (err error) {
		k, err = r.KeyByHash(want)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, denied
	}
	if err != nil {
		return Actor{}, err
	}
	if subtle.ConstantTimeCompare(k.Hash, want) != 1 || !k.Revoked.IsZero() {
		return Actor{}, denied
	}
	return Actor{Account: k.AccountID, Name: fmt.Sprintf("key:%d", k.ID), Role: k.Role, KeyID: k.ID}, nil
}

// Account is the actor's own.
func (a *Authority) Account(ctx context.Context, actor Actor) (acc Account, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		acc, err = r.Account(actor.Account)
		return err
	})
	return acc, err
}

// Organizations lists the account's, by id, with the exact total.
func (a *Authority) Organizations(ctx context.Context, actor Actor, page Page) (list []Organization, total int, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		list, total, err = r.Organizations(actor.Account, page)
		return err
	})
	return list, total, err
}

// Organization is one of the account's.
func (a *Authority) Organization(ctx context.Context, actor Actor, id int64) (o Organization, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		o, err = r.Organization(actor.Account, id)
		return err
	})
	return o, found(err, "organization")
}

// CreateOrganization adds one; details are further fields as a JSON object.
func (a *Authority) CreateOrganization(ctx context.Context, actor Actor, name, details string) (o Organization, err error) {
	if name, err = label("name", name); err != nil {
		return o, err
	}
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		o = Organization{AccountID: actor.Account, Name: name, Active: true, Created: now, Details: details}
		var err error
		if o.ID, err = t.InsertOrganization(o); err != nil {
			return err
		}
		return a.event(t, actor, now, "organization.created", 0, 0)
	})
	return o, err
}
