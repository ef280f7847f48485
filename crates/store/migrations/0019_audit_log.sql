-- Who did what to which thing, each entry written in the transaction that did it. Few and small: they are sought by their moment
-- and looked through, so there is no other index.
CREATE TABLE audit_log (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    actor_name TEXT,
    address TEXT,
    request_id TEXT,
    target_kind TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT,
    verb TEXT NOT NULL,
    changes TEXT NOT NULL
) /*sqlite: WITHOUT ROWID */;
