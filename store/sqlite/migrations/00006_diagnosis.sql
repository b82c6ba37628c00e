-- +goose Up
-- Why an attempt did not pass: JSON of dcv.Diagnosis; empty when there is none.
ALTER TABLE attempts ADD COLUMN diagnosis BLOB NOT NULL DEFAULT x'';
-- A diagnosis asks whether a value that stands in the world was handed out here.
CREATE INDEX random_values_token ON random_values (token);

-- +goose Down
SELECT 1;
