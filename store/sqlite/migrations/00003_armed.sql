-- +goose Up
CREATE TABLE armed (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, method TEXT NOT NULL, token TEXT NOT NULL,
  key_authorization TEXT NOT NULL, account_url TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX armed_domain ON armed (domain_id, method) WHERE ended = 0;

-- +goose Down
DROP TABLE armed;
