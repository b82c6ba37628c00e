package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

func open(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "deed.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestGroupedWritesFailAlone(t *testing.T) {
	db := open(t, Options{})
	mine := errors.New("mine")
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			err := db.Write(context.Background(), func(tx store.Tx) error {
				if _, err := tx.InsertAccount(store.Account{Name: "a", Created: time.Unix(1, 0)}); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return mine
				case 2:
					panic("a bug")
				}
				return nil
			})
			if (i%3 == 0) != (err == nil) || (i%3 == 1) != errors.Is(err, mine) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	n := 0
	if err := db.Read(t.Context(), func(store.Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := db.pool.QueryRow("SELECT count(*) FROM accounts").Scan(&n); err != nil || n != 34 {
		t.Errorf("%d accounts, %v", n, err)
	}
}

func TestDomainsRoundTrip(t *testing.T) {
	db := open(t, Options{})
	now := dcv.Stamp(time.Now())
	var d store.Domain
	err := db.Write(t.Context(), func(tx store.Tx) error {
		acc, err := tx.InsertAccount(store.Account{Name: "a", Created: now})
		if err != nil {
			return err
		}
		d = store.Domain{AccountID: acc, OrganizationID: 1, Name: dcv.MustName("example.com"), Active: true, Method: dcv.DNSTXT, Created: now,
			Validations: []store.Validation{{Type: "ov", Pending: true}}, NextCheck: now, Version: 1}
		d.ID, err = tx.InsertDomain(d)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), func(r store.Reader) error {
		got, err := r.Domain(d.AccountID, d.ID)
		if err != nil {
			return err
		}
		if got.Name != d.Name || !got.Pending() || !got.NextCheck.Equal(now) || got.Version != 1 {
			t.Errorf("%+v", got)
		}
		if _, err := r.Domain(d.AccountID+1, d.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another account sees it: %v", err)
		}
		list, total, err := r.Domains(store.DomainQuery{Account: d.AccountID, Sort: []string{"-name"}, Page: store.Page{Limit: 10}})
		if err != nil || total != 1 || len(list) != 1 {
			t.Errorf("%d of %d, %v", len(list), total, err)
		}
		_, err = r.Expirations(d.AccountID, now, "ov")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx store.Tx) error { return tx.UpdateDomain(d) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx store.Tx) error { return tx.UpdateDomain(d) }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second update from the same version: %v", err)
	}
}
