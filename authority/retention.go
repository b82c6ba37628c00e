package authority

import (
	"context"
	"errors"
	"time"

	"deed/audit"
	"deed/store"
)

// sweepEvery is how often capsules past their time are looked for.
const sweepEvery = time.Hour

// sweepBatch is how many are removed in one transaction, and named in one leaf.
const sweepBatch = 200

// Sweep removes the capsules of attempts whose use ended longer ago than the
// retention: of a proof, when it could no longer be used; of any other attempt,
// when it was over. The log keeps their hashes and says what was removed, so it
// stays verifiable. Nothing happens without a retention.
func (a *Authority) Sweep(ctx context.Context) (removed int, err error) {
	if a.o.Retention <= 0 {
		return 0, nil
	}
	for ctx.Err() == nil {
		now := a.now()
		var list []Attempt
		err := a.read(ctx, func(r store.Reader) (err error) {
			list, err = r.KeptCapsules(now.Add(-a.o.Retention), sweepBatch)
			return err
		})
		if err != nil || len(list) == 0 {
			return removed, err
		}
		l := audit.Leaf{Kind: audit.KindRemoved, At: now, Actor: "retention"}
		for _, att := range list {
			l.Removed = append(l.Removed, att.ID)
		}
		err = a.o.Store.Write(ctx, func(t store.Tx) error {
			for _, id := range l.Removed {
				if err := t.RemoveCapsule(id); err != nil {
					return err
				}
			}
			_, err := audit.Append(t, l)
			return err
		})
		if errors.Is(err, store.ErrConflict) {
			continue // another process removed some of them
		}
		if err != nil {
			return removed, err
		}
		removed += len(list)
	}
	return removed, ctx.Err()
}

// sweep is Sweep when its hour has come.
func (a *Authority) sweep(ctx context.Context) {
	now := a.now()
	if !a.swept.IsZero() && now.Sub(a.swept) < sweepEvery {
		return
	}
	a.swept = now
	n, err := a.Sweep(ctx)
	if err != nil && ctx.Err() == nil {
		a.o.Log.Error("capsules past their time could not be removed", "error", err)
	}
	if n > 0 {
		a.o.Log.Info("capsules past their time were removed", "count", n)
	}
}
