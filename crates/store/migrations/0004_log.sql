-- The entry of which this one is another try with an edited payload.
ALTER TABLE requests ADD COLUMN resent_from TEXT;

-- Long work that users ask for: it goes on after a restart, on any node, and shows how far it has come. `cursor` is what was
-- dealt with last, `node` the process that holds the lease.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    params TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cursor TEXT,
    node TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX tasks_running ON tasks (id) WHERE state = 'running';
