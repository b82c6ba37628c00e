package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"deed/dcv"
	"deed/store"
)

func writes(t *testing.T, w world) {
	t.Run("a write that returned is seen by the next read", func(t *testing.T) {
		for range 50 {
			id := w.account(t)
			w.read(t, func(r store.Reader) error { _, err := r.Account(id); return err })
		}
	})
	t.Run("a transaction reads its own writes", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error {
			id, err := tx.InsertAccount(store.Account{Name: "a", Created: noon})
			if err != nil {
				return err
			}
			_, err = tx.Account(id)
			return err
		})
	})
	t.Run("a write whose function fails gets that error back and leaves nothing", func(t *testing.T) {
		mine := errors.New("mine")
		var id int64
		err := w.Write(t.Context(), func(tx store.Tx) (err error) {
			if id, err = tx.InsertAccount(store.Account{Name: "a", Created: noon}); err != nil {
				return err
			}
			return fmt.Errorf("wrapped: %w", mine)
		})
		if !errors.Is(err, mine) {
			t.Errorf("got error %v", err)
		}
		w.missing(t, "the account of a failed write", func(r store.Reader) error { _, err := r.Account(id); return err })
	})
	t.Run("of many writes at once, those that fail undo only themselves", func(t *testing.T) {
		mine := errors.New("mine")
		made, failed := make([]int64, 200), make([]error, 200)
		var wg sync.WaitGroup
		for i := range made {
			wg.Go(func() {
				failed[i] = w.Write(context.Background(), func(tx store.Tx) (err error) {
					made[i], err = tx.InsertAccount(store.Account{Name: fmt.Sprint("number ", i), Created: noon})
					if err == nil && i%2 == 1 {
						err = mine
					}
					return err
				})
			})
		}
		wg.Wait()
		w.read(t, func(r store.Reader) error {
			for i, id := range made {
				if (i%2 == 1) != errors.Is(failed[i], mine) || (i%2 == 0) != (failed[i] == nil) {
					t.Errorf("write %d: got error %v", i, failed[i])
				}
				a, err := r.Account(id)
				if i%2 == 0 && (err != nil || a.Name != fmt.Sprint("number ", i)) {
					t.Errorf("write %d kept %+v, %v", i, a, err)
				}
			}
			return nil
		})
	})
	t.Run("nothing happens when the context ended before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		err := w.Write(ctx, func(store.Tx) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("got error %v, ran %v", err, ran)
		}
	})
	t.Run("a write that has started runs to its end though the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var id int64
		err := w.Write(ctx, func(tx store.Tx) (err error) {
			cancel()
			id, err = tx.InsertAccount(store.Account{Name: "a", Created: noon})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.read(t, func(r store.Reader) error { _, err := r.Account(id); return err })
	})
	t.Run("of many who change one row from the same version, one wins", func(t *testing.T) {
		d := w.domain(t, w.account(t), "race.example.com", nil)
		var wg sync.WaitGroup
		got := make([]error, 40)
		for i := range got {
			wg.Go(func() {
				mine := d
				mine.OrganizationID = int64(100 + i)
				got[i] = w.Write(context.Background(), func(tx store.Tx) error { return tx.UpdateDomain(mine) })
			})
		}
		wg.Wait()
		won := -1
		for i, err := range got {
			switch {
			case err == nil && won < 0:
				won = i
			case err == nil:
				t.Errorf("%d and %d both won", won, i)
			case !errors.Is(err, store.ErrConflict):
				t.Errorf("%d: got error %v", i, err)
			}
		}
		w.read(t, func(r store.Reader) error {
			kept, err := r.Domain(d.AccountID, d.ID)
			if kept.OrganizationID != int64(100+won) || kept.Version != 2 {
				t.Errorf("%d won, kept %+v", won, kept)
			}
			return err
		})
	})
	t.Run("it is ready", func(t *testing.T) {
		if err := w.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func reads(t *testing.T, w world) {
	account := w.account(t)
	d := w.domain(t, account, "read.example.com", nil)
	t.Run("a read sees one moment though a write returns meanwhile, and does not hold that write up", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			before, err := r.Domain(account, d.ID)
			if err != nil {
				return err
			}
			changed := before
			changed.OrganizationID = 99
			w.write(t, func(tx store.Tx) error {
				if err := tx.UpdateDomain(changed); err != nil {
					return err
				}
				_, err := tx.InsertDomain(store.Domain{AccountID: account, Name: dcv.MustName("later.example.com"), Active: true, Created: noon})
				return err
			})
			after, err := r.Domain(account, d.ID)
			same(t, "the row within one read", after, before)
			_, total, err2 := r.Domains(store.DomainQuery{Account: account, Page: all})
			if total != 1 {
				t.Errorf("a row of later is counted: %d", total)
			}
			return errors.Join(err, err2)
		})
		w.read(t, func(r store.Reader) error {
			now, err := r.Domain(account, d.ID)
			if now.OrganizationID != 99 {
				t.Errorf("the next read has %+v", now)
			}
			return err
		})
	})
	t.Run("a reader's error comes back", func(t *testing.T) {
		mine := errors.New("mine")
		if err := w.Read(t.Context(), func(store.Reader) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("reads go on beside writes", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 20 {
					if i%2 == 0 {
						w.account(t)
						continue
					}
					w.read(t, func(r store.Reader) error { _, err := r.Domain(account, d.ID); return err })
				}
			})
		}
		wg.Wait()
	})
}
