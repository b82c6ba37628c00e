package sqlite

import (
	"errors"
	"time"

	"deed/dcv"
	"deed/store"
)

func (t tx) InsertFacets(n int64, facets []store.Facet) error {
	for _, f := range facets {
		var id int64
		err := t.s.row("SELECT id FROM facets WHERE name = ? AND value = ?", []any{f.Name, f.Value}, &id)
		if errors.Is(err, store.ErrNotFound) {
			id, err = t.s.insert("INSERT INTO facets (name, value) VALUES (?,?)", f.Name, f.Value)
		}
		if err != nil {
			return err
		}
		if err := t.s.exec("INSERT INTO proof_facets (facet_id, n) VALUES (?,?) ON CONFLICT DO NOTHING", id, n); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) ProofsBy(account int64, f store.Facet, from int64, limit int) (list []store.LoggedProof, err error) {
	err = r.s.rows(`SELECT e.n, e.account_id, e.domain_id, e.name, e.attempt_id, e.at
		FROM facets f JOIN proof_facets p ON p.facet_id = f.id JOIN log_entries e ON e.n = p.n
		WHERE f.name = ? AND f.value = ? AND p.n >= ? AND ? IN (0, e.account_id) ORDER BY p.n LIMIT ?`, []any{f.Name, f.Value, from, account, limit}, func(scan func(...any) error) error {
		var p store.LoggedProof
		err := scan(&p.N, &p.AccountID, &p.DomainID, &p.Name, &p.AttemptID, at{&p.At})
		list = append(list, p)
		return err
	})
	return list, err
}

func (r reader) CountProofsBy(f store.Facet) (n int, err error) {
	err = r.s.row("SELECT count(*) FROM proof_facets WHERE facet_id = (SELECT id FROM facets WHERE name = ? AND value = ?)", []any{f.Name, f.Value}, &n)
	return n, err
}

func (r reader) FacetValues(name string, limit int) (list []string, err error) {
	err = r.s.rows("SELECT value FROM facets WHERE name = ? ORDER BY value LIMIT ?", []any{name, limit}, func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		list = append(list, s)
		return err
	})
	return list, err
}

func (r reader) ProvenDomains(account int64, m dcv.Method, until time.Time, after int64, limit int) ([]store.Domain, error) {
	return r.manyDomains("proof_method = ? AND proven > 0 AND id > ? AND proven_until >= ? AND ? IN (0, account_id) ORDER BY id LIMIT ?", string(m), after, micros(until), account, limit)
}

func (r reader) EverProven(after int64, limit int) ([]store.Domain, error) {
	return r.manyDomains("proven > 0 AND id > ? ORDER BY id LIMIT ?", after, limit)
}

func (r reader) AttemptsAfter(id string, limit int) ([]store.Attempt, error) {
	list, err := r.manyAttempts("id > ? ORDER BY id LIMIT ?", id, limit)
	for i := range list {
		if err == nil {
			err = r.s.row("SELECT capsule FROM attempts WHERE id = ?", []any{list[i].ID}, &list[i].Capsule)
		}
	}
	return list, err
}

func (r reader) AttemptsUnlogged() (n int, err error) {
	err = r.s.row("SELECT count(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM log_entries e WHERE e.attempt_id = a.id AND e.attempt_id <> '' AND e.kind = 'attempt')", nil, &n)
	return n, err
}

func (r reader) KeptCapsules(before time.Time, limit int) ([]store.Attempt, error) {
	return r.manyAttempts("capsule <> x'' AND used_until < ? ORDER BY used_until LIMIT ?", micros(before), limit)
}

func (t tx) RemoveCapsule(id string) error {
	return t.s.change("UPDATE attempts SET capsule = x'' WHERE id = ? AND capsule <> x''", id)
}
