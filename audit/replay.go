package audit

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"deed/check"
	"deed/store"
)

// Replays counts what judging all stored capsules again came to.
type Replays struct {
	Capsules  int64 `json:"capsules"`
	Same      int64 `json:"same"`
	Different int64 `json:"different"`
	Words     int64 `json:"other_words"` // the same decision, said otherwise
	Removed   int64 `json:"removed"`     // capsules that were removed after their time
	Unread    int64 `json:"unreadable"`
}

// Difference is an attempt that is judged otherwise now.
type Difference struct {
	Attempt string `json:"attempt"`
	Domain  string `json:"domain"`
	What    string `json:"difference"`
}

// ReplayAll judges every stored capsule again, on all cores, and calls tell
// for each that comes out otherwise. tell is never called twice at once.
func ReplayAll(ctx context.Context, st store.Store, o check.ReplayOptions, tell func(Difference)) (Replays, error) {
	var n struct{ capsules, same, different, words, removed, unread atomic.Int64 }
	jobs := make(chan store.Attempt, 256)
	var pool sync.WaitGroup
	var one sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		pool.Go(func() {
			for a := range jobs {
				n.capsules.Add(1)
				r, err := check.Replay(a.Capsule, o)
				switch {
				case err != nil:
					n.unread.Add(1)
					r.Difference = err.Error()
				case r.Same:
					n.same.Add(1)
					if r.Words {
						n.words.Add(1)
					}
					continue
				default:
					n.different.Add(1)
				}
				one.Lock()
				tell(Difference{a.ID, a.Name.String(), r.Difference})
				one.Unlock()
			}
		})
	}
	err := func() error {
		for after := ""; ; {
			var list []store.Attempt
			err := st.Read(ctx, func(r store.Reader) (err error) { list, err = r.AttemptsAfter(after, chunk); return err })
			if err != nil || len(list) == 0 {
				return err
			}
			for _, a := range list {
				after = a.ID
				if len(a.Capsule) == 0 {
					n.removed.Add(1)
					continue
				}
				jobs <- a
			}
		}
	}()
	close(jobs)
	pool.Wait()
	return Replays{n.capsules.Load(), n.same.Load(), n.different.Load(), n.words.Load(), n.removed.Load(), n.unread.Load()}, err
}
