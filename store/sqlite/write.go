package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"deed/store"
)

// maxBatch bounds how many writes share a commit.
const maxBatch = 256

// write is one caller's transaction.
type write struct {
	ctx  context.Context
	fn   func(store.Tx) error
	err  error
	done chan struct{}
}

// Write is store.Store.
func (db *DB) Write(ctx context.Context, fn func(store.Tx) error) error {
	w := &write{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case db.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.stop:
		return errClosed
	}
	select {
	case <-w.done:
		return w.err
	case <-db.stopped:
		select {
		case <-w.done: // it was the last one served
			return w.err
		default:
			return errClosed
		}
	}
}

// commits is the one writer: it takes what waits, runs each in a savepoint,
// commits once, and only then answers. While the disk flushes, the next
// batch gathers by itself; nobody is made to wait for company.
func (db *DB) commits() {
	defer close(db.stopped)
	batch := make([]*write, 0, maxBatch)
	for {
		select {
		case w := <-db.queue:
			batch = append(batch[:0], w)
		case <-db.stop:
			return
		}
		for more := true; more && len(batch) < maxBatch && !db.alone; {
			select {
			case w := <-db.queue:
				batch = append(batch, w)
			default:
				more = false
			}
		}
		db.commit(batch)
		for i, w := range batch {
			close(w.done)
			batch[i] = nil
		}
	}
}

// commit runs a batch in one transaction and sets each write's err.
func (db *DB) commit(batch []*write) {
	s := db.writer
	fail := func(err error) {
		for _, w := range batch {
			if w.err == nil {
				w.err = err
			}
		}
	}
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		fail(err)
		return
	}
	kept, whole := false, s.edge
	s.appended = false
	undo := func() {
		s.edge = whole
		_ = s.exec("ROLLBACK")
	}
	for _, w := range batch {
		if w.err = w.ctx.Err(); w.err != nil {
			continue
		}
		if w.err = s.exec("SAVEPOINT one"); w.err != nil {
			continue
		}
		edge, appended := s.edge, s.appended
		if w.err = guarded(w.fn, tx{reader{s}}); w.err != nil {
			s.edge, s.appended = edge, appended
			if err := s.exec("ROLLBACK TO one"); err != nil {
				fail(err)
				undo()
				return
			}
		} else {
			kept = true
		}
		if err := s.exec("RELEASE one"); err != nil {
			fail(err)
			undo()
			return
		}
	}
	if !kept {
		if err := s.exec("ROLLBACK"); err != nil {
			fail(err)
		}
		return
	}
	if s.appended {
		if err := guarded(func(store.Tx) error { return db.checkpoint(s) }, tx{reader{s}}); err != nil {
			fail(err)
			undo()
			return
		}
	}
	if err := s.exec("COMMIT"); err != nil {
		fail(err)
		undo()
	}
}

// guarded keeps one caller's panic from the others of its batch.
func guarded(fn func(store.Tx) error, t store.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sqlite: panic in a write: %v", p)
		}
	}()
	return fn(t)
}

// translate finds broken uniqueness and references in the driver's errors.
func translate(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return fmt.Errorf("%w: %w", store.ErrConflict, err)
		}
	}
	return fmt.Errorf("sqlite: %w", err)
}
