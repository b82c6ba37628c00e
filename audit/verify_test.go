package audit_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"deed/audit"
	"deed/store"
)

func TestASoundLog(t *testing.T) {
	h := newHouse(t)
	h.many(3)
	d := h.add("gone.example.com")
	if err := h.a.Delete(t.Context(), h.actor, d.Domain.ID); err != nil {
		t.Fatal(err)
	}
	r := h.sound()
	if r.Attempts != 6 || r.Proofs != 3 || r.Keys != 1 || r.Checkpoints == 0 || r.Head == "" {
		t.Errorf("%+v", r)
	}
	if _, err := audit.Rotate(t.Context(), h.db, h.clock(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	h.prove("later.example.com")
	again := h.sound()
	if again.Keys != 2 {
		t.Errorf("%+v", again)
	}
	old := h.keys()[0]
	if len(old.Private) != 0 || old.Retired.IsZero() {
		t.Error("the private key that was retired is still there")
	}
	for _, row := range []struct {
		name  string
		o     audit.VerifyOptions
		sound bool
	}{
		{"the first key, kept elsewhere", audit.VerifyOptions{Key: audit.PublicKey(&old)}, true},
		{"a key of another log", audit.VerifyOptions{Key: "deed-0000000000000000+00000000+AQ=="}, false},
		{"an earlier checkpoint, kept elsewhere", audit.VerifyOptions{Head: r.Head}, true},
		{"a checkpoint of another tree", audit.VerifyOptions{Head: strings.Replace(r.Head, "\n", "\nx", 1)}, false},
		{"a checkpoint of more than there is", audit.VerifyOptions{Head: "deed\n999999\nAAAA\n"}, false},
	} {
		if got := h.verify(row.o); (got.FaultCount == 0) != row.sound {
			t.Errorf("%s: %+v", row.name, got.Faults)
		}
	}
}

// Every bit of every column of the log, of the keys and of the capsules counts.
// Bits are flipped one at a time, spread over all rows and positions, and the
// place must be named.
func TestAFlippedBitIsFoundWithItsPlace(t *testing.T) {
	h := newHouse(t)
	h.many(2)
	if _, err := audit.Rotate(t.Context(), h.db, h.clock(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	h.prove("later.example.com")
	h.sound()
	db := h.behind()
	flips := 0
	for _, c := range []struct{ table, key, column, place string }{
		{"log_entries", "n", "leaf", "entry %v"},
		{"log_entries", "n", "hashes", "entry %v"},
		{"log_entries", "n", "at", "entry %v"},
		{"log_entries", "n", "kind", "entry %v"},
		{"log_entries", "n", "account_id", "entry %v"},
		{"log_entries", "n", "domain_id", "entry %v"},
		{"log_entries", "n", "name", "entry %v"},
		{"log_entries", "n", "attempt_id", "entry %v"},
		{"log_checkpoints", "size", "note", "checkpoint %v"},
		{"log_checkpoints", "size", "at", "checkpoint %v"},
		{"log_keys", "hex(id)", "public", "key "},
		{"log_keys", "hex(id)", "private", "key "},
		{"log_keys", "hex(public)", "id", "key "},
		{"log_keys", "hex(id)", "origin", "key "},
		{"log_keys", "hex(id)", "created", "key "},
		{"log_keys", "hex(id)", "retired", "key "},
		{"attempts", "id", "capsule", "capsule of attempt %v"},
		{"attempts", "id", "verdict", "attempt %v"},
		{"attempts", "id", "outcome", "attempt %v"},
		{"attempts", "id", "method", "attempt %v"},
		{"attempts", "id", "code", "attempt %v"},
		{"attempts", "id", "name", "attempt %v"},
		{"attempts", "id", "account_id", "attempt %v"},
		{"attempts", "id", "domain_id", "attempt %v"},
		{"attempts", "id", "started", "attempt %v"},
		{"attempts", "id", "used_until", "attempt %v"},
		{"attempts", "id", "id", "attempt %v"},
		{"domains", "id", "proven_until", "domain %v"},
		{"domains", "id", "proof_attempt", "domain %v"},
	} {
		rows, err := db.Query(fmt.Sprintf("SELECT %s, CAST(%s AS BLOB), typeof(%s) FROM %s ORDER BY 1", c.key, c.column, c.column, c.table))
		if err != nil {
			t.Fatal(err)
		}
		type cell struct {
			key   any
			value []byte
			kind  string
		}
		var cells []cell
		for rows.Next() {
			var x cell
			if err := rows.Scan(&x.key, &x.value, &x.kind); err != nil {
				t.Fatal(err)
			}
			x.value = bytes.Clone(x.value)
			cells = append(cells, x)
		}
		rows.Close()
		set := fmt.Sprintf("UPDATE %s SET %s = CASE ? WHEN 'text' THEN CAST(? AS TEXT) ELSE ? END WHERE %s = ?", c.table, c.column, c.key)
		for i, x := range cells {
			if len(x.value) == 0 || (x.kind == "integer" && i%3 != 0) {
				continue
			}
			key := x.key
			put := func(b []byte) {
				var v any = b
				if x.kind == "integer" {
					var n int64
					_, _ = fmt.Sscan(string(b), &n)
					v = n
				}
				if _, err := db.Exec(set, x.kind, v, v, key); err != nil {
					t.Fatal(c.table, c.column, err)
				}
			}
			// A few bits of each cell, the last one always.
			for _, bit := range []int{i * 7 % (len(x.value) * 8), (i*31 + 13) % (len(x.value) * 8), len(x.value)*8 - 1} {
				bad := bytes.Clone(x.value)
				if x.kind == "integer" {
					bad = fmt.Append(nil, flipNumber(x.value, bit))
				} else {
					bad[bit/8] ^= 1 << (bit % 8)
				}
				put(bad)
				if c.column == "id" {
					key = string(bad)
					if c.table == "log_keys" {
						key = x.key
					}
				}
				flips++
				want := c.place
				if strings.Contains(want, "%") {
					want = fmt.Sprintf(want, x.key)
				}
				if r := h.verify(audit.VerifyOptions{}); !has(r, want) {
					t.Errorf("bit %d of %s.%s of %v: %+v", bit, c.table, c.column, x.key, r.Faults)
				}
				put(x.value)
				key = x.key
			}
		}
	}
	t.Logf("%d bits flipped", flips)
	h.sound()
}

func flipNumber(text []byte, bit int) int64 {
	var n int64
	_, _ = fmt.Sscan(string(text), &n)
	return n ^ 1<<(bit%40)
}

// What is cut out or put in is found too.
func TestWhatIsMissingOrAddedIsFound(t *testing.T) {
	for _, row := range []struct{ name, sql, place string }{
		{"the last entry", "DELETE FROM log_entries WHERE n = (SELECT max(n) FROM log_entries)", ""},
		{"an entry in the middle", "DELETE FROM log_entries WHERE n = 5", "entry 5"},
		{"an attempt", "DELETE FROM attempts WHERE id = (SELECT min(id) FROM attempts)", "attempt "},
		{"a capsule", "UPDATE attempts SET capsule = x'' WHERE id = (SELECT min(id) FROM attempts)", "capsule of attempt "},
		{"a diagnosis that nobody made", "UPDATE attempts SET diagnosis = x'7b7d' WHERE id = (SELECT min(id) FROM attempts)", "attempt "},
		{"a capsule in the place of another", "UPDATE attempts SET capsule = (SELECT capsule FROM attempts ORDER BY id DESC LIMIT 1) WHERE id = (SELECT min(id) FROM attempts)", "capsule of attempt "},
		{"an attempt that nobody made", "CREATE TEMP TABLE one AS SELECT * FROM attempts LIMIT 1; UPDATE one SET id = 'x' || id; INSERT INTO attempts SELECT * FROM one", "attempts"},
		{"a proof that nobody made", "UPDATE domains SET proven = 1, proof_attempt = 'x' WHERE name = 'open.example.com'", "domain "},
		{"a proof of another domain", "UPDATE domains SET (proven, proven_until, proof_method, proof_scope, proof_adn, proof_attempt) = (SELECT proven, proven_until, proof_method, proof_scope, proof_adn, proof_attempt FROM domains WHERE proven > 0 LIMIT 1) WHERE name = 'open.example.com'", "domain "},
		{"all checkpoints", "DELETE FROM log_checkpoints", "entry "},
		{"the newest checkpoint", "DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)", "entry "},
		{"a key", "DELETE FROM log_keys", "keys"},
		{"everything", "DELETE FROM log_entries", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t)
			h.many(1)
			h.add("open.example.com")
			if _, err := h.behind().Exec(row.sql); err != nil {
				t.Fatal(err)
			}
			if r := h.verify(audit.VerifyOptions{}); r.FaultCount == 0 || !has(r, row.place) {
				t.Errorf("%+v", r.Faults)
			}
		})
	}
}

// No proven domain without its capsule in the log: when the log cannot be
// written, nothing is proven.
func TestNothingIsProvenThatTheLogCannotHold(t *testing.T) {
	h := newHouse(t)
	d := h.add("example.com")
	h.zone.txt["_dnsauth.example.com"] = d.Value.Token
	broken := refusing{}
	h.db.SignLog(broken)
	if _, err := h.a.CheckDomain(t.Context(), h.actor, d.Domain.ID); err == nil {
		t.Fatal("proven without the log")
	}
	h.db.SignLog(h.signer)
	v, err := h.a.Domain(t.Context(), h.actor, d.Domain.ID)
	if err != nil || !v.Domain.Proven.IsZero() || !v.Pending {
		t.Errorf("%+v %v", v.Domain, err)
	}
	h.sound()
	if r := h.check(d.Domain.ID); r.Domain.Proven.IsZero() {
		t.Errorf("%+v", r)
	}
	h.sound()
}

type refusing struct{}

func (refusing) Checkpoint(store.LogReader, int64, store.Hash, time.Time) ([]byte, error) {
	return nil, fmt.Errorf("no")
}
