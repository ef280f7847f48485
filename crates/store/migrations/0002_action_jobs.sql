-- Requests with actions that leave the process: who runs them, and when. `due_at` is when the next run is due, `node` is the
-- process that holds the lease.
CREATE TABLE action_jobs (
    request_id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    first_attempt_at INTEGER,
    node TEXT
) /*sqlite: WITHOUT ROWID */;
CREATE INDEX action_jobs_waiting ON action_jobs (webhook_id, due_at) WHERE node IS NULL;
CREATE INDEX action_jobs_leased ON action_jobs (node) WHERE node IS NOT NULL;
