package storetest

import (
	"testing"

	"deed/dcv"
	"deed/store"
)

func armed(t *testing.T, w world) {
	mine := w.account(t)
	d, other := w.domain(t, mine, "example.com", nil), w.domain(t, mine, "example.net", nil)
	list := func(t *testing.T, domain int64, want ...store.Arming) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			got, err := r.Armed(domain)
			same(t, "armed methods", got, want)
			return err
		})
	}
	insert := func(a store.Arming) store.Arming {
		w.write(t, func(tx store.Tx) (err error) {
			a.ID, err = tx.InsertArming(a)
			return err
		})
		return a
	}
	list(t, d.ID)
	key := insert(store.Arming{AccountID: mine, DomainID: d.ID, Method: dcv.ACMEDNSAccount, Token: "token", KeyAuthorization: "token.print", AccountURL: "https://example.com/1", Created: noon, Expires: hour(1)})
	record := insert(store.Arming{AccountID: mine, DomainID: d.ID, Method: dcv.Persistent, Created: hour(1)})
	theirs := insert(store.Arming{AccountID: mine, DomainID: other.ID, Method: dcv.Persistent, Created: noon})
	t.Run("oldest first, to the last field, though expired; those of another domain are its own", func(t *testing.T) {
		list(t, d.ID, key, record)
		list(t, other.ID, theirs)
	})
	t.Run("a method is armed once", func(t *testing.T) {
		again := key
		again.Token = "another"
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { _, err := tx.InsertArming(again); return err })
	})
	t.Run("ended once; then the method can be armed anew, last in the list", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.EndArming(key.ID, hour(2)) })
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.EndArming(key.ID, hour(3)) })
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.EndArming(1<<40, hour(3)) })
		list(t, d.ID, record)
		key = insert(key)
		list(t, d.ID, record, key)
	})
	t.Run("they go with their domain", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.DeleteDomain(mine, d.ID) })
		list(t, d.ID)
		list(t, other.ID, theirs)
	})
}
