-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 stands for "not set".
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL) STRICT;

CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, role TEXT NOT NULL, hint TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, revoked INTEGER NOT NULL) STRICT;
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE clients (
  id TEXT PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, hash BLOB NOT NULL, scope TEXT NOT NULL,
  created INTEGER NOT NULL, revoked INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, assumed_name TEXT NOT NULL,
  active INTEGER NOT NULL, created INTEGER NOT NULL, details TEXT NOT NULL) STRICT;
CREATE INDEX organizations_account ON organizations (account_id);

-- AUTOINCREMENT: the id of a deleted domain is never given to another.
CREATE TABLE domains (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL REFERENCES accounts, organization_id INTEGER NOT NULL,
  name TEXT NOT NULL, active INTEGER NOT NULL, method TEXT NOT NULL, keep_www INTEGER NOT NULL, created INTEGER NOT NULL, submitted INTEGER NOT NULL,
  ov_state INTEGER NOT NULL, ov_proven INTEGER NOT NULL, ov_until INTEGER NOT NULL, -- state: 0 never submitted, 1 pending, 2 not pending
  ev_state INTEGER NOT NULL, ev_proven INTEGER NOT NULL, ev_until INTEGER NOT NULL,
  proven INTEGER NOT NULL, proven_until INTEGER NOT NULL, proof_method TEXT NOT NULL, proof_scope TEXT NOT NULL, proof_adn TEXT NOT NULL, proof_attempt TEXT NOT NULL,
  poll_start INTEGER NOT NULL, next_check INTEGER NOT NULL, gives_up INTEGER NOT NULL, version INTEGER NOT NULL,
  UNIQUE (account_id, name)) STRICT;
CREATE INDEX domains_account ON domains (account_id);
CREATE INDEX domains_created ON domains (account_id, created);
CREATE INDEX domains_due ON domains (next_check) WHERE next_check > 0;
CREATE INDEX domains_ov ON domains (account_id, ov_until) WHERE ov_until > 0;
CREATE INDEX domains_ev ON domains (account_id, ev_until) WHERE ev_until > 0;

-- Exact totals without counting.
CREATE TABLE domain_counts (
  account_id INTEGER NOT NULL, active INTEGER NOT NULL, method TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (account_id, active, method)) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER domains_added AFTER INSERT ON domains BEGIN
  INSERT INTO domain_counts VALUES (new.account_id, new.active, new.method, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER domains_removed AFTER DELETE ON domains BEGIN
  UPDATE domain_counts SET n = n - 1 WHERE account_id = old.account_id AND active = old.active AND method = old.method;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER domains_moved AFTER UPDATE OF active, method ON domains
WHEN new.active <> old.active OR new.method <> old.method BEGIN
  UPDATE domain_counts SET n = n - 1 WHERE account_id = old.account_id AND active = old.active AND method = old.method;
  INSERT INTO domain_counts VALUES (new.account_id, new.active, new.method, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL REFERENCES accounts, organization_id INTEGER NOT NULL, product TEXT NOT NULL,
  common_name TEXT NOT NULL, method TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL, details TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
CREATE INDEX orders_account ON orders (account_id);
CREATE TABLE order_names (
  order_id INTEGER NOT NULL REFERENCES orders, position INTEGER NOT NULL, name TEXT NOT NULL, domain_id INTEGER NOT NULL REFERENCES domains,
  PRIMARY KEY (order_id, position)) STRICT, WITHOUT ROWID;
CREATE INDEX order_names_domain ON order_names (domain_id, order_id);

CREATE TABLE random_values (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, order_id INTEGER NOT NULL, method TEXT NOT NULL, token TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, ended INTEGER NOT NULL, used INTEGER NOT NULL,
  CHECK ((domain_id = 0) <> (order_id = 0))) STRICT;
CREATE UNIQUE INDEX random_values_domain ON random_values (domain_id) WHERE ended = 0 AND domain_id > 0;
CREATE UNIQUE INDEX random_values_order ON random_values (order_id) WHERE ended = 0 AND order_id > 0;

CREATE TABLE attempts (
  id TEXT PRIMARY KEY, account_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, order_id INTEGER NOT NULL, cause TEXT NOT NULL,
  name TEXT NOT NULL, adn TEXT NOT NULL, method TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL,
  value_id INTEGER NOT NULL, test INTEGER NOT NULL, next_check INTEGER NOT NULL, gives_up INTEGER NOT NULL, verdict BLOB NOT NULL, capsule BLOB NOT NULL) STRICT;
CREATE INDEX attempts_domain ON attempts (domain_id, id);

CREATE TABLE mails (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, order_id INTEGER NOT NULL, kind TEXT NOT NULL, recipient TEXT NOT NULL,
  adn TEXT NOT NULL, locale TEXT NOT NULL, link_hash BLOB NOT NULL UNIQUE, code_hash BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
  ended INTEGER NOT NULL, approved INTEGER NOT NULL, tries INTEGER NOT NULL, body BLOB NOT NULL,
  send_after INTEGER NOT NULL, sends INTEGER NOT NULL, fails INTEGER NOT NULL, send_error TEXT NOT NULL) STRICT;
CREATE INDEX mails_domain ON mails (domain_id) WHERE ended = 0;
CREATE INDEX mails_due ON mails (send_after) WHERE send_after > 0;

CREATE TABLE events (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, account_id INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
  domain_id INTEGER NOT NULL, order_id INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX events_account ON events (account_id);

-- +goose Down
SELECT 1;
