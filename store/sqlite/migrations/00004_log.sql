-- +goose Up
-- The evidence log: leaves in order. hashes are the nodes of the Merkle tree
-- that became known with the leaf, lowest first: node (level, k) stands in the
-- row of leaf (k+1)*2^level-1. So an append is one row and reads nothing.
CREATE TABLE log_entries (
  n INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, account_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, name TEXT NOT NULL,
  attempt_id TEXT NOT NULL, leaf BLOB NOT NULL, hashes BLOB NOT NULL) STRICT;
CREATE INDEX log_entries_attempt ON log_entries (attempt_id) WHERE attempt_id <> '';
CREATE INDEX log_entries_domain ON log_entries (domain_id) WHERE domain_id > 0;
CREATE INDEX log_entries_kind ON log_entries (kind, n) WHERE kind NOT IN ('attempt', 'domain.proven');
CREATE INDEX log_entries_name ON log_entries (name, domain_id) WHERE name <> '';

CREATE TABLE log_checkpoints (size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note BLOB NOT NULL) STRICT;

CREATE TABLE log_keys (
  id BLOB PRIMARY KEY, origin TEXT NOT NULL, public BLOB NOT NULL, private BLOB NOT NULL, created INTEGER NOT NULL, retired INTEGER NOT NULL) STRICT;

-- What proofs rest on. An index that can be made again from the capsules.
CREATE TABLE facets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (name, value)) STRICT;
CREATE TABLE proof_facets (facet_id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (facet_id, n)) STRICT, WITHOUT ROWID;

-- Until when an attempt is in use: the end of its proof, else its own end.
ALTER TABLE attempts ADD COLUMN used_until INTEGER NOT NULL DEFAULT 0;
UPDATE attempts SET used_until = ended + 398 * 86400000000;
CREATE INDEX attempts_kept ON attempts (used_until) WHERE capsule <> x'';

CREATE INDEX domains_proof ON domains (proof_method, id) WHERE proven > 0;

-- +goose Down
DROP INDEX domains_proof;
DROP INDEX attempts_kept;
ALTER TABLE attempts DROP COLUMN used_until;
DROP TABLE proof_facets;
DROP TABLE facets;
DROP TABLE log_keys;
DROP TABLE log_checkpoints;
DROP TABLE log_entries;
