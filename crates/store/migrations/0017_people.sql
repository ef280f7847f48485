-- Whom an event is about, so that what happened to a subscriber is found by who it is, whatever the address was then. No index
-- and no rewriting of old events: our own have the number first in their data, and are found by that.
ALTER TABLE events ADD COLUMN subscriber_id INTEGER;

-- Files of subscribers that tasks take in, and how far that has come. The file goes once nobody needs it for a report.
CREATE TABLE imports (
    task_id TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    added INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE import_refusals (
    task_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (task_id, line)
) /*sqlite: WITHOUT ROWID */;
