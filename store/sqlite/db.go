// Package sqlite is the store in one SQLite file: write-ahead log, full sync,
// one writer whose callers share commits, and a pool of readers.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"deed/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is a store.Store.
type DB struct {
	pool    *sql.DB
	writer  *session
	queue   chan *write
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
	closed  error // what closing the file gave
	readers chan *session
	alone   bool
	signer  atomic.Pointer[store.Checkpointer]
}

var _ store.Store = (*DB)(nil)

// Options open a database.
type Options struct {
	// NoMigrate refuses an older schema instead of migrating it.
	NoMigrate bool
	// Readers is how many reads run at once; 4 if 0.
	Readers int
	// CommitEach gives every Write a commit of its own. For comparison in
	// benchmarks only.
	CommitEach bool
}

// ErrSchema is returned with NoMigrate when the schema is not this version's.
var ErrSchema = errors.New("sqlite: the database has another version's schema; run deed migrate")

// Open opens or creates the file at path and brings its schema to this
// version. Other processes may have it open too.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if o.Readers == 0 {
		o.Readers = 4
	}
	q := url.Values{}
	for _, p := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "cache_size(-4000)", "temp_store(MEMORY)", "wal_autocheckpoint(2000)"} {
		q.Add("_pragma", p)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	pool.SetMaxOpenConns(o.Readers + 2)
	pool.SetMaxIdleConns(o.Readers + 2)
	db := &DB{pool: pool, queue: make(chan *write, 1024), stop: make(chan struct{}), stopped: make(chan struct{}), readers: make(chan *session, o.Readers), alone: o.CommitEach}
	if err := db.open(ctx, o); err != nil {
		pool.Close()
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	go db.commits()
	return db, nil
}

// create makes the file its owner's alone, since it holds the log's private key
// and live values. A file that is there is not touched: closing it would drop
// the locks that other connections of this process hold on it (POSIX).
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func (db *DB) open(ctx context.Context, o Options) error {
	if err := migrate(ctx, db.pool, o.NoMigrate); err != nil {
		return err
	}
	for i := range o.Readers + 1 {
		conn, err := db.pool.Conn(ctx)
		if err != nil {
			return err
		}
		s := &session{conn: conn, stmts: map[string]*sql.Stmt{}}
		if i == 0 {
			db.writer = s
		} else {
			db.readers <- s
		}
	}
	return nil
}

func migrate(ctx context.Context, pool *sql.DB, no bool) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil || !pending {
		return err
	}
	if no {
		return ErrSchema
	}
	_, err = p.Up(ctx)
	return err
}

// Ready is store.Store.
func (db *DB) Ready(ctx context.Context) error {
	return db.Read(ctx, func(r store.Reader) error {
		_, err := r.NextDue()
		return err
	})
}

// Close waits for the commit and the reads under way and closes the file.
func (db *DB) Close() error {
	db.once.Do(func() {
		close(db.stop)
		<-db.stopped
		for range cap(db.readers) {
			_ = (<-db.readers).conn.Close() // back to the pool, which closes it
		}
		_ = db.writer.conn.Close()
		db.closed = db.pool.Close()
	})
	return db.closed
}

// Read is store.Store.
func (db *DB) Read(ctx context.Context, fn func(store.Reader) error) (err error) {
	var s *session
	select {
	case s = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.stopped:
		return errClosed
	}
	defer func() { db.readers <- s }()
	if err := s.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		if e := s.exec("ROLLBACK"); err == nil {
			err = e
		}
	}()
	return fn(reader{s})
}

var errClosed = errors.New("sqlite: the store is closed")

// session is one connection with its prepared statements.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	// Of the writer: the edge of the evidence log, and whether this
	// transaction has appended to it.
	edge     frontier
	appended bool
}

// statements run to their end: a caller that went away must not leave a shared
// transaction half done.
var background = context.Background()

func (s *session) stmt(query string) (*sql.Stmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(background, query)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if len(s.stmts) < 200 { // list queries vary; the rest is fixed
		s.stmts[query] = st
	}
	return st, nil
}

func (s *session) exec(query string, args ...any) error {
	_, err := s.run(query, args...)
	return err
}

func (s *session) run(query string, args ...any) (sql.Result, error) {
	st, err := s.stmt(query)
	if err != nil {
		return nil, err
	}
	res, err := st.ExecContext(background, args...)
	if err != nil {
		return nil, translate(err)
	}
	return res, nil
}

// insert gives the new row's id.
func (s *session) insert(query string, args ...any) (int64, error) {
	res, err := s.run(query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// change demands that exactly one row changed.
func (s *session) change(query string, args ...any) error {
	res, err := s.run(query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n != 1 {
		return store.ErrConflict
	}
	return nil
}

// row scans one row; none is store.ErrNotFound.
func (s *session) row(query string, args []any, into ...any) error {
	st, err := s.stmt(query)
	if err != nil {
		return err
	}
	err = st.QueryRowContext(background, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// rows calls each for every row.
func (s *session) rows(query string, args []any, each func(scan func(...any) error) error) error {
	st, err := s.stmt(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(background, args...)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
	}
	return rows.Err()
}
