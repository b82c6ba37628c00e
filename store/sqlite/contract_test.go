package sqlite

import (
	"path/filepath"
	"testing"

	"deed/store"
	"deed/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, Options{}) })
}

func TestContractWithOneCommitPerWrite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, Options{CommitEach: true}) })
}

func TestContractOverReopening(t *testing.T) {
	storetest.RunReopened(t, func(t testing.TB) func() store.Store {
		path := filepath.Join(t.TempDir(), "deed.db")
		return func() store.Store {
			db, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
	})
}
