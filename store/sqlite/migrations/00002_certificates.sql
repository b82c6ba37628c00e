-- +goose Up
-- Certificate requests: orders with a label, and what their dialect keeps.
ALTER TABLE orders ADD COLUMN value_per_domain INTEGER NOT NULL DEFAULT 0; -- 1: each name's domain has a value of its own, the order has none
CREATE INDEX orders_pending ON orders (account_id, id) WHERE status = 'pending';

CREATE TABLE certificates (
  order_id INTEGER PRIMARY KEY REFERENCES orders, account_id INTEGER NOT NULL REFERENCES accounts, label TEXT NOT NULL, description TEXT NOT NULL,
  authority TEXT NOT NULL, type TEXT NOT NULL, auto_renew INTEGER NOT NULL, created_by TEXT NOT NULL, modified INTEGER NOT NULL, modified_by TEXT NOT NULL,
  notices TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL, thumbprint TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX certificates_label ON certificates (account_id, label);

CREATE TABLE notices (account_id INTEGER PRIMARY KEY REFERENCES accounts, notices TEXT NOT NULL) STRICT;

-- Keys of the server's own, made at its first need.
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE secrets;
DROP TABLE notices;
DROP TABLE certificates;
DROP INDEX orders_pending;
ALTER TABLE orders DROP COLUMN value_per_domain;
