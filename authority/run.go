package authority

import (
	"context"
	"sync"
	"time"

	"deed/store"
)

// idle is how long the scheduler sleeps at most: another process may have
// written to the same database.
const idle = 30 * time.Second

// Run looks at domains that are due and sends messages that wait, until ctx
// ends. Only one Run may be active for an Authority.
func (a *Authority) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		a.sweep(ctx)
		busy, err := a.Tick(ctx)
		if err != nil && ctx.Err() == nil {
			a.o.Log.Error("the scheduler could not work", "error", err)
			busy = false
		}
		if busy {
			continue
		}
		wait := a.untilNext(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-a.wake:
		}
		timer.Stop()
	}
	return ctx.Err()
}

func (a *Authority) untilNext(ctx context.Context) time.Duration {
	next := a.now().Add(idle)
	err := a.read(ctx, func(r store.Reader) error {
		for _, when := range []func() (time.Time, error){r.NextDue, r.NextMail} {
			t, err := when()
			if err != nil {
				return err
			}
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		return nil
	})
	if err != nil {
		return time.Second
	}
	return min(max(next.Sub(a.now()), time.Millisecond), idle)
}

// Tick does what is due now, at most Workers at once, and reports whether
// there was anything.
func (a *Authority) Tick(ctx context.Context) (busy bool, err error) {
	now := a.now()
	var domains []store.Domain
	var mails []store.Mail
	err = a.read(ctx, func(r store.Reader) error {
		var err error
		if domains, err = r.DueDomains(now, 4*a.o.Workers); err != nil {
			return err
		}
		mails, err = r.DueMails(now, 4*a.o.Workers)
		return err
	})
	if err != nil {
		return false, err
	}
	slots := make(chan struct{}, a.o.Workers)
	var wg sync.WaitGroup
	work := func(fn func(context.Context) error) {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		a.flight.Add(1)
		wg.Go(func() {
			defer a.flight.Done()
			defer func() { <-slots }()
			if err := fn(context.WithoutCancel(ctx)); err != nil {
				a.o.Log.Error("scheduled work failed", "error", err)
			}
		})
	}
	for _, m := range mails {
		work(func(ctx context.Context) error { return a.deliver(ctx, m) })
	}
	for _, d := range domains {
		work(func(ctx context.Context) error { return a.scheduled(ctx, d) })
	}
	wg.Wait()
	return len(domains)+len(mails) > 0, nil
}

// scheduled is one automatic check. When it fails on our side, the domain
// stays on its schedule.
func (a *Authority) scheduled(ctx context.Context, d store.Domain) error {
	actor := Actor{Account: d.AccountID, Name: "scheduler"}
	if methods, trigger, err := a.due(ctx, &d); err == nil && len(methods) > 0 {
		if _, err = a.lookBy(ctx, actor, d, methods, trigger); err == nil {
			return nil
		}
		a.o.Log.Error("an automatic check failed on our side", "domain", d.ID, "error", err)
	}
	now := a.now()
	return a.write(ctx, func(t store.Tx) error {
		cur, err := t.Domain(d.AccountID, d.ID)
		if err != nil || cur.NextCheck.After(now) {
			return nil //nolint:nilerr // deleted, or moved on already
		}
		cur.NextCheck = following(&cur, now, time.Time{})
		return t.UpdateDomain(cur)
	})
}
