package storetest

import (
	"context"
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

// full is a domain with every field set.
func full(d *store.Domain) {
	d.KeepWWW, d.Submitted, d.Method = true, hour(1), dcv.Email
	d.Validations = []store.Validation{{Type: "ov", Proven: hour(2), Until: hour(3)}, {Type: "ev", Pending: true, Proven: hour(4), Until: hour(5)}}
	d.Proven, d.ProvenUntil, d.ProofMethod, d.ProofScope = hour(6), hour(7), dcv.DNSTXT, "name"
	d.ProofADN, d.ProofAttempt = dcv.MustName("example.com"), "0193-attempt"
	d.ProofSection, d.ProofTest = "3.2.2.4.7", true
	d.PollStart, d.NextCheck, d.GivesUp = hour(8), hour(9), hour(10)
}

func domains(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	whole := w.domain(t, mine, "whole.example.com", full)
	bare := w.domain(t, mine, "bare.example.com", nil)
	wild := w.domain(t, mine, "*.wild.example.com", nil)
	t.Run("a domain comes back as it was, by id and by name", func(t *testing.T) {
		for _, want := range []store.Domain{whole, bare, wild} {
			w.read(t, func(r store.Reader) error {
				byID, err := r.Domain(mine, want.ID)
				same(t, "by id", byID, want)
				byName, err2 := r.DomainByName(mine, want.Name)
				same(t, "by name", byName, want)
				return first(err, err2)
			})
		}
	})
	t.Run("another account's cannot be told from one that never was", func(t *testing.T) {
		w.missing(t, "another's, by id", func(r store.Reader) error { _, err := r.Domain(other, bare.ID); return err })
		w.missing(t, "another's, by name", func(r store.Reader) error { _, err := r.DomainByName(other, bare.Name); return err })
		w.missing(t, "none, by id", func(r store.Reader) error { _, err := r.Domain(mine, 1<<40); return err })
		w.missing(t, "none, by name", func(r store.Reader) error {
			_, err := r.DomainByName(mine, dcv.MustName("wild.example.com")) // only the wildcard is there
			return err
		})
		w.read(t, func(r store.Reader) error {
			list, err := r.DomainsNamed(other, []dcv.Name{bare.Name, whole.Name})
			if len(list) != 0 {
				t.Errorf("another account gets %v", list)
			}
			return err
		})
	})
	t.Run("an account has a name once; another account may have it too", func(t *testing.T) {
		again := store.Domain{AccountID: mine, Name: bare.Name, Active: true, Created: noon}
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { _, err := tx.InsertDomain(again); return err })
		theirs := w.domain(t, other, bare.Name.String(), nil)
		w.read(t, func(r store.Reader) error {
			got, err := r.DomainByName(mine, bare.Name)
			if got.ID != bare.ID || got.ID == theirs.ID {
				t.Errorf("got %d, ours %d, theirs %d", got.ID, bare.ID, theirs.ID)
			}
			return err
		})
	})
	t.Run("domains by names: those that are there, once each", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			list, err := r.DomainsNamed(mine, []dcv.Name{wild.Name, dcv.MustName("never.example.com"), whole.Name, whole.Name})
			same(t, "the named", list, []store.Domain{whole, wild})
			none, err2 := r.DomainsNamed(mine, nil)
			if len(none) != 0 {
				t.Errorf("no names give %v", none)
			}
			return first(err, err2)
		})
	})
}

func domainChanges(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	t.Run("a change writes every field, and the version grows by one", func(t *testing.T) {
		d := w.domain(t, mine, "change.example.com", nil)
		full(&d)
		d.OrganizationID, d.Active = 8, false
		w.write(t, func(tx store.Tx) error { return tx.UpdateDomain(d) })
		d.Version = 2
		w.read(t, func(r store.Reader) error {
			got, err := r.Domain(mine, d.ID)
			same(t, "the changed domain", got, d)
			return err
		})
		// And back again: nothing sticks.
		d.Validations, d.NextCheck, d.ProofADN = nil, time.Time{}, dcv.Name{}
		w.write(t, func(tx store.Tx) error { return tx.UpdateDomain(d) })
		d.Version = 3
		w.read(t, func(r store.Reader) error {
			got, err := r.Domain(mine, d.ID)
			same(t, "the domain changed back", got, d)
			return err
		})
	})
	for _, c := range []struct {
		name   string
		change func(*store.Domain)
	}{
		{"a change from an older version conflicts", func(d *store.Domain) { d.Version-- }},
		{"a change from a version yet to come conflicts", func(d *store.Domain) { d.Version++ }},
		{"a change in another account's name conflicts", func(d *store.Domain) { d.AccountID = other }},
		{"a change of a domain that never was conflicts", func(d *store.Domain) { d.ID = 1 << 40 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := w.domain(t, mine, unique()+".example.com", nil)
			w.write(t, func(tx store.Tx) error { return tx.UpdateDomain(d) })
			d.Version = 2
			bad := d
			bad.OrganizationID = 666
			c.change(&bad)
			w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateDomain(bad) })
			w.read(t, func(r store.Reader) error {
				got, err := r.Domain(mine, d.ID)
				same(t, "the domain is untouched", got, d)
				return err
			})
		})
	}
	t.Run("delete removes the domain, its values and mails; attempts and events stay", func(t *testing.T) {
		d := w.domain(t, mine, "gone.example.com", nil)
		w.value(t, store.Value{AccountID: mine, DomainID: d.ID, Method: dcv.DNSTXT, Token: "t", Created: noon, Expires: hour(1)})
		m := w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID})
		a := w.attempt(t, store.Attempt{AccountID: mine, DomainID: d.ID, Name: d.Name})
		w.write(t, func(tx store.Tx) error {
			return first(tx.InsertEvent(store.Event{At: noon, AccountID: mine, Actor: "cli", Kind: "domain.deleted", DomainID: d.ID}), tx.DeleteDomain(mine, d.ID))
		})
		w.missing(t, "the domain", func(r store.Reader) error { _, err := r.Domain(mine, d.ID); return err })
		w.missing(t, "its value", func(r store.Reader) error { _, err := r.DomainValue(d.ID); return err })
		w.missing(t, "its mail", func(r store.Reader) error { _, err := r.MailByLink(m.LinkHash); return err })
		w.read(t, func(r store.Reader) error {
			_, err := r.Attempt(mine, a.ID)
			_, n, err2 := r.Events(mine, all)
			if n != 1 {
				t.Errorf("%d events", n)
			}
			return first(err, err2)
		})
		t.Run("and its id is never given again, though its name may be", func(t *testing.T) {
			again := w.domain(t, mine, "gone.example.com", nil)
			if again.ID <= d.ID {
				t.Errorf("id %d after %d", again.ID, d.ID)
			}
		})
	})
	t.Run("delete of another account's finds nothing and removes nothing", func(t *testing.T) {
		d := w.domain(t, mine, "kept.example.com", nil)
		w.refused(t, store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteDomain(other, d.ID) })
		w.refused(t, store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteDomain(mine, 1<<40) })
		w.read(t, func(r store.Reader) error { _, err := r.Domain(mine, d.ID); return err })
	})
	t.Run("a domain that an order names is not deleted, nor is anything of it", func(t *testing.T) {
		d := w.domain(t, mine, "ordered.example.com", nil)
		w.order(t, mine, d)
		v := w.value(t, store.Value{AccountID: mine, DomainID: d.ID, Method: dcv.DNSTXT, Token: "t", Created: noon, Expires: hour(1)})
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.DeleteDomain(mine, d.ID) })
		w.read(t, func(r store.Reader) error {
			_, err := r.Domain(mine, d.ID)
			got, err2 := r.DomainValue(d.ID)
			same(t, "its value", got, v)
			return first(err, err2)
		})
	})
}

func schedule(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	w.read(t, func(r store.Reader) error {
		at, err := r.NextDue()
		due, err2 := r.DueDomains(hour(1000), 10)
		if !at.IsZero() || len(due) != 0 {
			t.Errorf("with nothing to do: next %v, due %v", at, due)
		}
		return first(err, err2)
	})
	at := func(account int64, n int) store.Domain {
		return w.domain(t, account, unique()+".example.com", func(d *store.Domain) {
			if n >= 0 {
				d.NextCheck = hour(n)
			}
		})
	}
	third, first1, second := at(mine, 30), at(other, 10), at(mine, 20)
	at(mine, -1) // rests
	id := func(d store.Domain) int64 { return d.ID }
	due := func(t *testing.T, n, limit int, want ...int64) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			list, err := r.DueDomains(hour(n), limit)
			if got := ids(list, id); len(got)+len(want) > 0 {
				same(t, "due", got, want)
			}
			return err
		})
	}
	t.Run("what is due comes oldest first, of all accounts, at the instant itself", func(t *testing.T) {
		due(t, 9, 10)
		due(t, 10, 10, first1.ID)
		due(t, 100, 10, first1.ID, second.ID, third.ID)
	})
	t.Run("the limit cuts the newest", func(t *testing.T) { due(t, 100, 2, first1.ID, second.ID) })
	t.Run("the next is the earliest of all; a domain that rests or is gone counts no more", func(t *testing.T) {
		next := func(n int) {
			t.Helper()
			w.read(t, func(r store.Reader) error {
				got, err := r.NextDue()
				same(t, "next due", got, hour(n))
				return err
			})
		}
		next(10)
		first1.NextCheck = time.Time{}
		w.write(t, func(tx store.Tx) error { return tx.UpdateDomain(first1) })
		next(20)
		if err := w.Write(context.Background(), func(tx store.Tx) error { return tx.DeleteDomain(mine, second.ID) }); err != nil {
			t.Fatal(err)
		}
		next(30)
	})
}
