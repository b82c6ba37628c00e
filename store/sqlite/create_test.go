package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deed.db")
	mode := func(want os.FileMode) {
		t.Helper()
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, f := range []string{path, path + "-wal"} {
			info, err := os.Stat(f)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", f, info.Mode(), err, want)
			}
		}
	}
	mode(0o600)
	// What the operator has set since stays as it is.
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	mode(0o640)
}
