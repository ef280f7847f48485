-- How destinations do that do not do well: one row each, gone once everything is well. Not a part of the configuration, for
-- it changes with each attempt that fails.
CREATE TABLE webhook_health (
    webhook_id TEXT PRIMARY KEY,
    failing_since INTEGER,
    failures INTEGER NOT NULL,
    last_failure_at INTEGER,
    last_http_status INTEGER,
    last_error_code TEXT,
    down_since INTEGER,
    down INTEGER NOT NULL,
    opened_at INTEGER,
    probes INTEGER NOT NULL,
    probe_at INTEGER,
    probing_since INTEGER,
    warned_at INTEGER,
    recovered_at INTEGER,
    is_gone INTEGER NOT NULL
) /*sqlite: WITHOUT ROWID */;

-- Why a delivery was cancelled: those whose webhook got none any more can be sent once it does again.
ALTER TABLE deliveries ADD COLUMN cancel_reason TEXT;
