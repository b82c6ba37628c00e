package storetest

import (
	"context"
	"errors"
	"testing"

	"deed/store"
)

// RunReopened tests what a store keeps over its end. open gives a function
// that opens one and the same database each time it is called.
func RunReopened(t *testing.T, open func(t testing.TB) func() store.Store) {
	t.Run("what was acknowledged is there after a close and a new open", func(t *testing.T) {
		again := open(t)
		w := world{again()}
		account := w.account(t)
		d := w.domain(t, account, "example.com", full)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = world{again()}
		w.read(t, func(r store.Reader) error {
			got, err := r.Domain(account, d.ID)
			same(t, "the domain", got, d)
			return err
		})
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("what was acknowledged is seen by another who has the database open", func(t *testing.T) {
		again := open(t)
		w, beside := world{again()}, world{again()}
		for range 20 {
			account := w.account(t)
			beside.read(t, func(r store.Reader) error { _, err := r.Account(account); return err })
			account = beside.account(t)
			w.read(t, func(r store.Reader) error { _, err := r.Account(account); return err })
		}
		if err := errors.Join(w.Close(), beside.Close()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a closed store refuses, and can be closed again", func(t *testing.T) {
		w := world{open(t)()}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(context.Background(), func(store.Tx) error { return nil }); err == nil {
			t.Error("a write was acknowledged")
		}
		if err := w.Read(context.Background(), func(store.Reader) error { return nil }); err == nil {
			t.Error("a read was served")
		}
		if err := w.Ready(context.Background()); err == nil {
			t.Error("it says it is ready")
		}
		if err := w.Close(); err != nil {
			t.Errorf("a second close: %v", err)
		}
	})
}
