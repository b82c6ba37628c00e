-- +goose Up
-- The section that a proof rests on, and whether it was made with test settings.
ALTER TABLE domains ADD COLUMN proof_section TEXT NOT NULL DEFAULT '';
ALTER TABLE domains ADD COLUMN proof_test INTEGER NOT NULL DEFAULT 0;
UPDATE domains SET proof_test = 1 WHERE proof_attempt IN (SELECT id FROM attempts WHERE test = 1);

-- +goose Down
ALTER TABLE domains DROP COLUMN proof_test;
ALTER TABLE domains DROP COLUMN proof_section;
