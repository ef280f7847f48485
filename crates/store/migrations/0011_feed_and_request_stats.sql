-- What nodes tell each other of what happens, while someone listens on another node than where it happens. Kept for a minute.
CREATE TABLE feed (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    node TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    entries TEXT NOT NULL
) /*sqlite: WITHOUT ROWID */;

-- Whether someone listens there.
ALTER TABLE nodes ADD COLUMN listens INTEGER NOT NULL DEFAULT 0;

-- Requests counted by the hour, in the transaction that stores them: statistics never scan the log. In several slots, so
-- that two transactions of one webhook seldom wait for each other.
CREATE TABLE request_stats (
    webhook_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    received INTEGER NOT NULL,
    processed INTEGER NOT NULL,
    ignored INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, hour, slot)
) /*sqlite: WITHOUT ROWID */;
