package sqlite

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"deed/dcv"
	"deed/store"
)

// frontier is the right edge of the Merkle tree: what the next leaf needs. A
// plain value, so that an undone write gives it back by assignment.
type frontier struct {
	size  int64
	nodes [62]tlog.Hash // by level; valid where size has the bit
	last  int64         // micros of the newest entry
	known bool
}

// add appends a leaf and gives the nodes that are complete now, lowest first.
func (f *frontier) add(leaf []byte) []byte {
	h := tlog.RecordHash(leaf)
	out := append([]byte(nil), h[:]...)
	level := 0
	for ; f.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(f.nodes[level], h)
		out = append(out, h[:]...)
	}
	f.nodes[level] = h
	f.size++
	return out
}

// root is the hash of the whole tree.
func (f *frontier) root() (root tlog.Hash) {
	first := true
	for level := range f.nodes {
		switch {
		case f.size>>level&1 == 0:
		case first:
			root, first = f.nodes[level], false
		default:
			root = tlog.NodeHash(f.nodes[level], root)
		}
	}
	return root
}

// load reads the edge of the tree from the database, unless it is known: this
// process may not be the only one that appends.
func (s *session) load() error {
	var size int64
	if err := s.row("SELECT coalesce(max(n), -1) + 1 FROM log_entries", nil, &size); err != nil {
		return err
	}
	if s.edge.known && s.edge.size == size {
		return nil
	}
	f := frontier{size: size, known: true}
	for level := range f.nodes {
		if size>>level&1 == 0 {
			continue
		}
		// The last complete node of this level.
		hashes, err := reader{s}.LogHashes([]int64{tlog.StoredHashIndex(level, size>>level-1)})
		if err != nil {
			return err
		}
		f.nodes[level] = hashes[0]
	}
	s.edge = f
	return nil
}

func (t tx) AppendLog(e store.LogEntry) (int64, error) {
	if !t.s.appended { // once in a transaction: nobody else can append now
		if err := t.s.load(); err != nil {
			return 0, err
		}
		t.s.appended = true
	}
	f := &t.s.edge
	n := f.size
	hashes := f.add(e.Leaf)
	f.last = micros(e.At)
	return n, t.s.exec("INSERT INTO log_entries (n, at, kind, account_id, domain_id, name, attempt_id, leaf, hashes) VALUES (?,?,?,?,?,?,?,?,?)",
		n, micros(e.At), e.Kind, e.AccountID, e.DomainID, e.Name, e.AttemptID, e.Leaf, hashes)
}

// SignLog names who signs checkpoints from now on.
func (db *DB) SignLog(c store.Checkpointer) { db.signer.Store(&c) }

// checkpoint closes a transaction that appended.
func (db *DB) checkpoint(s *session) error {
	c := db.signer.Load()
	if c == nil {
		return nil // the next one who can sign covers this too
	}
	at := instant(s.edge.last)
	note, err := (*c).Checkpoint(reader{s}, s.edge.size, s.edge.root(), at)
	if err != nil {
		return err
	}
	return s.exec("INSERT INTO log_checkpoints (size, at, note) VALUES (?,?,?)", s.edge.size, s.edge.last, note)
}

func (r reader) LogSize() (n int64, err error) {
	err = r.s.row("SELECT coalesce(max(n), -1) + 1 FROM log_entries", nil, &n)
	return n, err
}

func (r reader) entries(rest string, args ...any) (list []store.LogEntry, err error) {
	err = r.s.rows("SELECT n, at, kind, account_id, domain_id, name, attempt_id, leaf, hashes FROM log_entries "+rest, args, func(scan func(...any) error) error {
		var e store.LogEntry
		err := scan(&e.N, at{&e.At}, &e.Kind, &e.AccountID, &e.DomainID, &e.Name, &e.AttemptID, &e.Leaf, &e.Hashes)
		list = append(list, e)
		return err
	})
	return list, err
}

func (r reader) LogEntries(from int64, limit int) ([]store.LogEntry, error) {
	return r.entries("WHERE n >= ? ORDER BY n LIMIT ?", from, limit)
}

func (r reader) LogHashes(indexes []int64) ([]store.Hash, error) {
	list := make([]store.Hash, len(indexes))
	for i, index := range indexes {
		level, k := tlog.SplitStoredHashIndex(index)
		var b []byte
		if err := r.s.row("SELECT substr(hashes, ?, 32) FROM log_entries WHERE n = ?", []any{level*32 + 1, (k+1)<<level - 1}, &b); err != nil {
			return nil, err
		}
		if len(b) != 32 {
			return nil, fmt.Errorf("%w: node %d of level %d", store.ErrNotFound, k, level)
		}
		list[i] = store.Hash(b)
	}
	return list, nil
}

func (r reader) LogOfAttempt(id string) ([]store.LogEntry, error) {
	return r.entries("WHERE attempt_id = ? AND attempt_id <> '' ORDER BY n", id)
}

func (r reader) LogOfKind(kind string, from int64, limit int) ([]store.LogEntry, error) {
	return r.entries("WHERE kind = ? AND n >= ? ORDER BY n LIMIT ?", kind, from, limit)
}

func (r reader) LogOfDomain(domain int64, until time.Time, limit int) ([]store.LogEntry, error) {
	list, err := r.entries("WHERE domain_id = ? AND domain_id > 0 AND at <= ? ORDER BY n DESC LIMIT ?", domain, micros(until), limit)
	slices.Reverse(list)
	return list, err
}

func (r reader) LogDomains(account int64, name dcv.Name) (ids []int64, err error) {
	err = r.s.rows("SELECT DISTINCT domain_id FROM log_entries WHERE name = ? AND name <> '' AND ? IN (0, account_id) ORDER BY domain_id", []any{name.String(), account}, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func (r reader) checkpoints(rest string, args ...any) (list []store.Checkpoint, err error) {
	err = r.s.rows("SELECT size, at, note FROM log_checkpoints "+rest, args, func(scan func(...any) error) error {
		var c store.Checkpoint
		err := scan(&c.Size, at{&c.At}, &c.Note)
		list = append(list, c)
		return err
	})
	return list, err
}

func (r reader) Checkpoints(after int64, limit int) ([]store.Checkpoint, error) {
	return r.checkpoints("WHERE size > ? ORDER BY size LIMIT ?", after, limit)
}

func (r reader) LastCheckpoint() (c store.Checkpoint, err error) {
	list, err := r.checkpoints("ORDER BY size DESC LIMIT 1")
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return c, err
	}
	return list[0], nil
}

func (r reader) LogKeys() (list []store.LogKey, err error) {
	err = r.s.rows("SELECT id, origin, public, private, created, retired FROM log_keys ORDER BY created, rowid", nil, func(scan func(...any) error) error {
		var k store.LogKey
		err := scan(&k.ID, &k.Origin, &k.Public, &k.Private, at{&k.Created}, at{&k.Retired})
		list = append(list, k)
		return err
	})
	return list, err
}

func (t tx) InsertLogKey(k store.LogKey) error {
	return t.s.exec("INSERT INTO log_keys (id, origin, public, private, created, retired) VALUES (?,?,?,?,?,?)",
		k.ID, k.Origin, k.Public, k.Private, micros(k.Created), micros(k.Retired))
}

func (t tx) RetireLogKey(id []byte, when time.Time) error {
	return t.s.change("UPDATE log_keys SET private = x'', retired = ? WHERE id = ? AND retired = 0", micros(when), id)
}
