-- Custom kinds of events can be changed: the version counts the changes of the schema.
ALTER TABLE event_types ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE event_types ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE event_types SET updated_at = created_at;
