package authority_test

import (
	"strings"
	"testing"

	"deed/authority"
	"deed/dcv"
	"deed/store"
)

func TestKeysAreShownOnceAndStoredHashed(t *testing.T) {
	w := newWorld(t)
	_, text, err := w.CreateKey(t.Context(), w.actor.Account, "second", store.RoleFull)
	must(t, err)
	keys, err := w.Keys(t.Context(), w.actor.Account)
	must(t, err)
	if len(keys) != 2 {
		t.Fatalf("%d keys", len(keys))
	}
	for _, k := range keys {
		if len(k.Hash) != 32 || strings.Contains(string(k.Hash), text) || len(k.Hint) > 9 {
			t.Errorf("%+v", k)
		}
	}
	if len(text) < 48 { // 256 bits and the prefix
		t.Errorf("key of %d characters", len(text))
	}
}

func TestKeysAuthenticateExactly(t *testing.T) {
	w := newWorld(t)
	k, text, err := w.CreateKey(t.Context(), w.actor.Account, "", store.RoleViewOnly)
	must(t, err)
	got, err := w.Authenticate(t.Context(), text)
	must(t, err)
	if got.Account != w.actor.Account || got.Role != store.RoleViewOnly || got.KeyID != k.ID {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"", "deed_", text[:len(text)-1], text + "=", " " + text, text + " ", strings.ToUpper(text), strings.TrimPrefix(text, "deed_"), strings.Repeat("deed_", 1000)} {
		_, err := w.Authenticate(t.Context(), bad)
		refused(t, err, authority.Denied, "invalid_key")
	}
	must(t, w.RevokeKey(t.Context(), k.ID))
	_, err = w.Authenticate(t.Context(), text)
	refused(t, err, authority.Denied, "invalid_key")
	refused(t, w.RevokeKey(t.Context(), k.ID), authority.Conflict, "revoked")
	refused(t, w.RevokeKey(t.Context(), 999), authority.NotFound, "key")
}

func TestAccountsAreVetted(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"", "  ", "a\x00b", "a\nb", "\x7f", "\xff", strings.Repeat("x", 201)} {
		_, _, _, err := w.CreateAccount(t.Context(), name)
		refused(t, err, authority.Invalid, "name")
	}
	_, _, _, err := w.CreateAccount(t.Context(), strings.Repeat("ü", 200))
	must(t, err)
	_, _, err = w.CreateKey(t.Context(), w.actor.Account, "k", "root")
	refused(t, err, authority.Invalid, "role")
	_, _, err = w.CreateKey(t.Context(), 999, "k", store.RoleFull)
	refused(t, err, authority.NotFound, "account")
	_, _, err = w.CreateClient(t.Context(), 999)
	refused(t, err, authority.NotFound, "account")
}

// Every command of a stranger on another account's things finds nothing.
func TestAccountsSeeNothingOfEachOther(t *testing.T) {
	w := newWorld(t)
	a := w.add("example.com", dcv.DNSTXT)
	o := w.order(dcv.DNSTXT, "example.net")
	att := w.check(a.Domain.ID).Attempt
	stranger, org := w.tenant("Stranger")
	ctx, id := t.Context(), a.Domain.ID
	for name, call := range map[string]func() error{
		"domain": func() error { _, err := w.Domain(ctx, stranger, id); return err },
		"submit": func() error {
			_, err := w.Submit(ctx, stranger, id, authority.Submit{Types: []string{"ov"}})
			return err
		},
		"method": func() error {
			_, err := w.ChangeMethod(ctx, stranger, id, authority.ChangeMethod{Method: dcv.DNSTXT})
			return err
		},
		"generate":     func() error { _, err := w.GenerateValue(ctx, stranger, id); return err },
		"check":        func() error { _, err := w.CheckDomain(ctx, stranger, id); return err },
		"contacts":     func() error { _, err := w.Contacts(ctx, stranger, id); return err },
		"resend":       func() error { return w.Resend(ctx, stranger, id, authority.ResendMail{}) },
		"active":       func() error { return w.SetActive(ctx, stranger, id, false) },
		"delete":       func() error { return w.Delete(ctx, stranger, id) },
		"by name":      func() error { _, err := w.DomainIDByName(ctx, stranger, "example.com"); return err },
		"attempts":     func() error { _, _, err := w.Attempts(ctx, stranger, id, store.Page{Limit: 1}); return err },
		"attempt":      func() error { _, err := w.Attempt(ctx, stranger, att.ID); return err },
		"capsule":      func() error { _, err := w.Capsule(ctx, stranger, att.ID); return err },
		"order":        func() error { _, err := w.Order(ctx, stranger, o.Order.ID); return err },
		"order value":  func() error { _, err := w.OrderValue(ctx, stranger, o.Order.ID); return err },
		"order check":  func() error { _, err := w.CheckOrder(ctx, stranger, o.Order.ID, nil); return err },
		"order method": func() error { _, err := w.ChangeOrderMethod(ctx, stranger, o.Order.ID, dcv.HTTP, ""); return err },
		"order mail":   func() error { return w.ResendOrderMail(ctx, stranger, o.Order.ID, "", nil) },
		"organization": func() error { _, err := w.Organization(ctx, stranger, w.org); return err },
		"their organization for my domain": func() error {
			_, err := w.AddDomain(ctx, stranger, authority.AddDomain{Name: "a.example.org", OrganizationID: w.org, Types: []string{"ov"}, Method: dcv.DNSTXT})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var code string
			for _, c := range []string{"domain", "attempt", "order", "organization"} {
				if strings.Contains(name, c) {
					code = c
				}
			}
			switch name {
			case "capsule":
				code = "attempt"
			case "their organization for my domain":
				code = "organization"
			case "attempts", "":
				code = "domain"
			}
			if code == "" {
				code = "domain"
			}
			refused(t, call(), authority.NotFound, code)
		})
	}
	// The same name in both: each has its own value, and neither proves the other.
	theirs, err := w.AddDomain(ctx, stranger, authority.AddDomain{Name: "example.com", OrganizationID: org, Types: []string{"ov"}, Method: dcv.DNSTXT})
	must(t, err)
	w.publish("example.com", a.Value.Token)
	if w.check(id).Verdict.Outcome != dcv.Proven {
		t.Error("mine is not proven")
	}
	r, err := w.CheckDomain(ctx, stranger, theirs.Domain.ID)
	must(t, err)
	if r.Verdict.Outcome == dcv.Proven {
		t.Error("proven by another account's value")
	}
}
