package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"deed/store"
)

// heads collects checkpoints.
type heads struct {
	mu   sync.Mutex
	root map[int64]tlog.Hash
	err  error
}

func (h *heads) Checkpoint(_ store.LogReader, size int64, root store.Hash, _ time.Time) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.root[size] = root
	return []byte("note"), h.err
}

func leaf(i int) store.LogEntry {
	return store.LogEntry{At: time.Unix(int64(i), 0), Kind: "test", Leaf: fmt.Appendf(nil, "leaf %d", i)}
}

// The tree is that of the library, whatever writers share commits, fail or
// come from another process.
func TestTheLogIsTheMerkleTreeOfItsLeaves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deed.db")
	signed := &heads{root: map[int64]tlog.Hash{}}
	var dbs []*DB
	for range 2 { // two processes on one file
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SignLog(signed)
		dbs = append(dbs, db)
	}
	mine := errors.New("mine")
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			err := dbs[rand.IntN(2)].Write(context.Background(), func(tx store.Tx) error {
				for range i%3 + 1 {
					if _, err := tx.AppendLog(leaf(i)); err != nil {
						return err
					}
				}
				switch i % 5 {
				case 1:
					return mine
				case 2:
					panic("a bug")
				}
				return nil
			})
			if (i%5 != 1 && i%5 != 2) != (err == nil) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	err := dbs[0].Read(t.Context(), func(r store.Reader) error {
		list, err := r.LogEntries(0, 10000)
		if err != nil {
			return err
		}
		var stored []tlog.Hash
		hashes := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(ix))
			for i, x := range ix {
				out[i] = stored[x]
			}
			return out, nil
		})
		for i, e := range list {
			if e.N != int64(i) {
				t.Fatalf("entry %d stands at %d", e.N, i)
			}
			h, err := tlog.StoredHashes(e.N, e.Leaf, hashes)
			if err != nil {
				return err
			}
			stored = append(stored, h...)
			if len(e.Hashes) != 32*len(h) {
				t.Fatalf("%d bytes of hashes for %d", len(e.Hashes), len(h))
			}
			if want, ok := signed.root[e.N+1]; ok {
				if root, err := tlog.TreeHash(e.N+1, hashes); err != nil || root != want {
					t.Errorf("the root at %d: %v", e.N+1, err)
				}
			}
		}
		all := make([]int64, len(stored))
		for i := range all {
			all[i] = int64(i)
		}
		got, err := r.LogHashes(all)
		if err != nil {
			return err
		}
		for i := range got {
			if got[i] != stored[i] {
				t.Errorf("hash %d", i)
			}
		}
		heads, err := r.Checkpoints(0, 10000)
		if err != nil || len(heads) == 0 || heads[len(heads)-1].Size != int64(len(list)) {
			t.Errorf("%d checkpoints over %d entries: %v", len(heads), len(list), err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing is kept that nobody could sign.
func TestWithoutACheckpointNothingIsKept(t *testing.T) {
	db := open(t, Options{})
	signed := &heads{root: map[int64]tlog.Hash{}, err: errors.New("no key")}
	db.SignLog(signed)
	append1 := func() error {
		return db.Write(t.Context(), func(tx store.Tx) error { _, err := tx.AppendLog(leaf(1)); return err })
	}
	if err := append1(); !errors.Is(err, signed.err) {
		t.Errorf("%v", err)
	}
	signed.err = nil
	if err := append1(); err != nil {
		t.Fatal(err)
	}
	_ = db.Read(t.Context(), func(r store.Reader) error {
		if n, err := r.LogSize(); n != 1 || err != nil {
			t.Errorf("%d entries, %v", n, err)
		}
		return nil
	})
}

func BenchmarkAppendLog(b *testing.B) {
	db := open(b, Options{})
	db.SignLog(&heads{root: map[int64]tlog.Hash{}})
	i := 0
	for b.Loop() {
		i++
		if err := db.Write(b.Context(), func(tx store.Tx) error {
			for range 100 { // a shared commit
				if _, err := tx.AppendLog(leaf(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}
