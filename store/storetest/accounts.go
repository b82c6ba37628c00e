package storetest

import (
	"testing"
	"time"

	"deed/store"
)

func accounts(t *testing.T, w world) {
	t.Run("an account comes back as it was", func(t *testing.T) {
		a := store.Account{Name: "Ünïcode & 'quotes'; -- Ltd", Created: noon}
		w.write(t, func(tx store.Tx) (err error) { a.ID, err = tx.InsertAccount(a); return err })
		w.read(t, func(r store.Reader) error {
			got, err := r.Account(a.ID)
			same(t, "the account", got, a)
			return err
		})
	})
	t.Run("times come back in UTC and whole microseconds, whatever their zone was", func(t *testing.T) {
		a := store.Account{Name: "a", Created: noon.Add(789 * time.Nanosecond).In(time.FixedZone("", 5*3600))}
		w.write(t, func(tx store.Tx) (err error) { a.ID, err = tx.InsertAccount(a); return err })
		w.read(t, func(r store.Reader) error {
			got, err := r.Account(a.ID)
			same(t, "the time", got.Created, noon)
			return err
		})
	})
	w.missing(t, "an account that never was", func(r store.Reader) error { _, err := r.Account(1 << 40); return err })
}

func keys(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	insert := func(account int64, hash string) store.Key {
		k := store.Key{AccountID: account, Name: "ci", Role: store.RoleDomains, Hint: "abcd", Hash: []byte(hash), Created: noon}
		w.write(t, func(tx store.Tx) (err error) { k.ID, err = tx.InsertKey(k); return err })
		return k
	}
	a, b, c := insert(mine, "hash a"), insert(other, "hash b"), insert(mine, "hash c")
	t.Run("a key is found by its hash and nothing near it", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, err := r.KeyByHash([]byte("hash a"))
			same(t, "the key", got, a)
			return err
		})
		for _, h := range []string{"", "hash", "hash a ", "HASH A"} {
			w.missing(t, "hash "+h, func(r store.Reader) error { _, err := r.KeyByHash([]byte(h)); return err })
		}
	})
	t.Run("keys are listed by account, and of all with account 0", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, err := r.Keys(mine)
			same(t, "the account's", got, []store.Key{a, c})
			everyone, err2 := r.Keys(0)
			same(t, "of all", everyone, []store.Key{a, b, c})
			none, err3 := r.Keys(1 << 40)
			if len(none) != 0 {
				t.Errorf("an unknown account has %v", none)
			}
			return first(err, err2, err3)
		})
	})
	t.Run("two keys never share a hash", func(t *testing.T) {
		w.refused(t, store.ErrConflict, func(tx store.Tx) error {
			_, err := tx.InsertKey(store.Key{AccountID: other, Role: store.RoleFull, Hash: []byte("hash a"), Created: noon})
			return err
		})
	})
	t.Run("a key is revoked once, and still found by its hash", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.RevokeKey(a.ID, hour(1)) })
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.RevokeKey(a.ID, hour(2)) })
		w.read(t, func(r store.Reader) error {
			got, err := r.KeyByHash([]byte("hash a"))
			want := a
			want.Revoked = hour(1)
			same(t, "the revoked key", got, want)
			return err
		})
	})
	t.Run("a key that never was cannot be revoked", func(t *testing.T) {
		w.refused(t, store.ErrNotFound, func(tx store.Tx) error { return tx.RevokeKey(1<<40, noon) })
	})
}

func clients(t *testing.T, w world) {
	c := store.Client{ID: "client-1", AccountID: w.account(t), Hash: []byte("secret's hash"), Scope: "dcv", Created: noon}
	w.write(t, func(tx store.Tx) error { return tx.InsertClient(c) })
	w.read(t, func(r store.Reader) error {
		got, err := r.ClientByID("client-1")
		same(t, "the client", got, c)
		return err
	})
	w.missing(t, "a client that never was", func(r store.Reader) error { _, err := r.ClientByID("client-2"); return err })
	w.missing(t, "an id in other case", func(r store.Reader) error { _, err := r.ClientByID("CLIENT-1"); return err })
	w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.InsertClient(c) })
}

func organizations(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	var list []store.Organization
	for range 5 {
		o := store.Organization{AccountID: mine, Name: unique(), AssumedName: "dba", Active: true, Created: noon, Details: `{"city":"Zürich"}`}
		w.write(t, func(tx store.Tx) (err error) { o.ID, err = tx.InsertOrganization(o); return err })
		list = append(list, o)
	}
	t.Run("an organization comes back as it was", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, err := r.Organization(mine, list[0].ID)
			same(t, "the organization", got, list[0])
			return err
		})
	})
	t.Run("another account's cannot be told from one that never was", func(t *testing.T) {
		w.missing(t, "another's", func(r store.Reader) error { _, err := r.Organization(other, list[0].ID); return err })
		w.missing(t, "none", func(r store.Reader) error { _, err := r.Organization(mine, 1<<40); return err })
		w.refused(t, store.ErrConflict, func(tx store.Tx) error {
			o := list[0]
			o.AccountID = other
			return tx.UpdateOrganization(o)
		})
		w.read(t, func(r store.Reader) error {
			_, total, err := r.Organizations(other, all)
			if total != 0 {
				t.Errorf("another account counts %d", total)
			}
			return err
		})
	})
	t.Run("pages are by id and totals exact, past the end too", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, total, err := r.Organizations(mine, store.Page{Limit: 2, Offset: 3})
			same(t, "the last page", got, list[3:])
			past, total2, err2 := r.Organizations(mine, store.Page{Limit: 2, Offset: 5})
			if len(past) != 0 || total != 5 || total2 != 5 {
				t.Errorf("past the end: %v; totals %d and %d", past, total, total2)
			}
			return first(err, err2)
		})
	})
	t.Run("a change is kept", func(t *testing.T) {
		o := list[2]
		o.Name, o.AssumedName, o.Active, o.Details = "new", "", false, ""
		w.write(t, func(tx store.Tx) error { return tx.UpdateOrganization(o) })
		w.read(t, func(r store.Reader) error {
			got, err := r.Organization(mine, o.ID)
			same(t, "the changed organization", got, o)
			return err
		})
	})
}

func events(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	var list []store.Event
	for i := range 5 {
		e := store.Event{At: hour(i), AccountID: mine, Actor: "key:1", Kind: "domain.added", DomainID: int64(i), OrderID: 3, Detail: `{"name":"example.com"}`}
		w.write(t, func(tx store.Tx) error { return tx.InsertEvent(e) })
		list = append(list, e)
	}
	w.read(t, func(r store.Reader) error {
		got, total, err := r.Events(mine, store.Page{Limit: 2, Offset: 1})
		if err != nil {
			return err
		}
		for i := range got {
			if got[i].ID == 0 {
				t.Error("an event without an id")
			}
			got[i].ID = 0
		}
		same(t, "newest first", got, []store.Event{list[3], list[2]})
		_, none, err := r.Events(other, all)
		if total != 5 || none != 0 {
			t.Errorf("totals %d and %d", total, none)
		}
		return err
	})
	t.Run("an event belongs to its change: undone with it", func(t *testing.T) {
		w.refused(t, store.ErrNotFound, func(tx store.Tx) error {
			if err := tx.InsertEvent(store.Event{At: noon, AccountID: mine, Actor: "cli", Kind: "key.revoked"}); err != nil {
				return err
			}
			return tx.RevokeKey(1<<40, noon)
		})
		w.read(t, func(r store.Reader) error {
			_, total, err := r.Events(mine, all)
			if total != 5 {
				t.Errorf("%d events", total)
			}
			return err
		})
	})
}

// first is the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
