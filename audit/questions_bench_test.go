package audit_test

import (
	"strconv"
	"strings"
	"testing"

	"deed/audit"
	"deed/dcv"
	"deed/store"
)

// BenchmarkQuestions asks what an auditor asks, at a million attempts that
// proved as many names. The rows are copies of one real proof's under other
// names; each rests on what the real one does, and every hundredth on one more
// name server. -short takes 20,000.
func BenchmarkQuestions(b *testing.B) {
	attempts := 1_000_000
	if testing.Short() {
		attempts = 20_000
	}
	h := newHouse(b)
	h.prove("example.com")
	behind := h.behind()
	behind.SetMaxOpenConns(1) // temporary tables are a connection's own
	for _, q := range []string{
		"CREATE TEMP TABLE seq AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %n) SELECT i FROM s",
		"CREATE TEMP TABLE was AS SELECT * FROM log_entries WHERE n IN (SELECT n FROM proof_facets) LIMIT 1",
		"INSERT INTO log_entries SELECT 1000 + i, at + i, kind, account_id, 1000 + i, 'd' || i || '.example.com', 'copy' || i, leaf, x'' FROM was, seq",
		"INSERT INTO proof_facets SELECT facet_id, 1000 + i FROM (SELECT facet_id FROM proof_facets WHERE n = (SELECT n FROM was)), seq",
		"INSERT INTO facets (name, value) VALUES ('nameserver', 'ns.rare.example')",
		"INSERT INTO proof_facets SELECT id, 1000 + i FROM facets, seq WHERE value = 'ns.rare.example' AND i % 100 = 0",
		"CREATE TEMP TABLE many AS SELECT d.* FROM (SELECT * FROM domains WHERE proven > 0 LIMIT 1) d, seq",
		"UPDATE many SET id = 1000 + rowid, name = 'd' || rowid || '.example.com'",
		"INSERT INTO domains SELECT * FROM many",
	} {
		if _, err := behind.Exec(strings.Replace(q, "%n", strconv.Itoa(attempts), 1)); err != nil {
			b.Fatalf("%s: %v", q, err)
		}
	}
	ctx := b.Context()
	day := h.clock()
	for _, row := range []struct {
		name string
		ask  func() (int, error)
		want int
	}{
		{"rare_name_server", func() (n int, err error) {
			err = audit.Resting(ctx, h.db, 0, store.Facet{Name: "nameserver", Value: "ns.rare.example"}, func(store.LoggedProof) bool { n++; return true })
			return n, err
		}, attempts / 100},
		{"first_thousand_of_a_method", func() (n int, err error) {
			err = audit.Resting(ctx, h.db, 0, store.Facet{Name: "method", Value: string(dcv.DNSTXT)}, func(store.LoggedProof) bool { n++; return n < 1000 })
			return n, err
		}, 1000},
		{"how_many_by_a_method", func() (n int, err error) {
			err = h.db.Read(ctx, func(r store.Reader) (err error) {
				n, err = r.CountProofsBy(store.Facet{Name: "method", Value: string(dcv.DNSTXT)})
				return err
			})
			return n, err
		}, attempts + 1},
		{"all_names_hit_by_an_end", func() (n int, err error) {
			err = audit.Hit(ctx, h.db, 0, dcv.DNSTXT, day, func(store.Domain) bool { n++; return true })
			return n, err
		}, attempts + 1},
		{"a_domain_on_a_day", func() (int, error) {
			list, err := audit.On(ctx, h.db, 0, dcv.MustName("d777.example.com"), day)
			return len(list), err
		}, 1},
	} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				if n, err := row.ask(); err != nil || n != row.want {
					b.Fatalf("%d, %v; want %d", n, err, row.want)
				}
			}
		})
	}
}
