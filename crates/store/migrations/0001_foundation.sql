-- The tables that everything rests on. One text for both databases: see `dialect` for what is rewritten.
-- Times are milliseconds since the Unix epoch. Ids of log entries sort by time, and on PostgreSQL the log tables are
-- partitioned by them, a day each, so that retention is a dropped table.

-- What must be known once: the version of the configuration, the check of the master key.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('config_version', '1');

/*sqlite: CREATE TABLE sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL); */
/*sqlite: INSERT INTO sequences (name, last) VALUES ('subscriber_ids', 0), ('list_ids', 0); */
/*pg: CREATE SEQUENCE subscriber_ids; */
/*pg: CREATE SEQUENCE list_ids; */

-- The running processes that hold leases on deliveries.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

-- Answers to POSTs with an Idempotency-Key, sealed, so that the same POST is not carried out twice.
CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE incoming_webhooks (
    id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    secrets BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE outgoing_webhooks (
    id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    secrets BLOB NOT NULL,
    disabled_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE event_types (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    data_schema TEXT,
    example TEXT,
    created_at INTEGER NOT NULL
);

CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE tags (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    company TEXT,
    source TEXT,
    status TEXT NOT NULL,
    custom_fields TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    confirmed_at INTEGER
);
-- The others are most of them, and need no index to be found.
CREATE INDEX subscribers_not_subscribed ON subscribers (status, id) WHERE status <> 'subscribed';

CREATE TABLE subscriber_tags (
    subscriber_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (subscriber_id, tag)
) /*sqlite: WITHOUT ROWID */;
CREATE INDEX subscriber_tags_by_tag ON subscriber_tags (tag, subscriber_id);

CREATE TABLE list_members (
    subscriber_id INTEGER NOT NULL,
    list_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (subscriber_id, list_id)
) /*sqlite: WITHOUT ROWID */;
-- The status is for counting.
CREATE INDEX list_members_by_list ON list_members (list_id, subscriber_id, status);

-- The log of incoming requests.
CREATE TABLE requests (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    sender_ip TEXT NOT NULL,
    method TEXT NOT NULL,
    content_type TEXT NOT NULL,
    headers TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    response_status INTEGER NOT NULL,
    response_body TEXT NOT NULL
) /*pg: PARTITION BY RANGE (id) */;
CREATE INDEX requests_by_webhook ON requests (webhook_id, id);
-- What did not simply go well is rare, and is what people look for.
CREATE INDEX requests_not_processed ON requests (webhook_id, status, id) WHERE status <> 'processed';

-- Requests that must not be acted upon twice: the answer of the first time.
CREATE TABLE dedupe (
    webhook_id TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, dedupe_key)
) /*sqlite: WITHOUT ROWID */;
CREATE INDEX dedupe_by_expiry ON dedupe (expires_at);

CREATE TABLE events (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    event_type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    data TEXT NOT NULL,
    request_id TEXT
) /*pg: PARTITION BY RANGE (id) */ /*sqlite: WITHOUT ROWID */;

-- One row for each event and each outgoing webhook that gets it. `due_at` is set while there is something left to do;
-- `node` is the process that holds the lease.
CREATE TABLE deliveries (
    id TEXT /*pg: COLLATE "C" */ PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_at INTEGER,
    due_at INTEGER,
    node TEXT
) /*pg: PARTITION BY RANGE (id) */ /*sqlite: WITHOUT ROWID */;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);
-- What waits in the table, for those who have room. A delivery that goes from its commit to its destination without
-- waiting never enters it.
CREATE INDEX deliveries_waiting ON deliveries (webhook_id, due_at) WHERE due_at IS NOT NULL AND node IS NULL;
-- What a process holds, for when it dies.
CREATE INDEX deliveries_leased ON deliveries (node, webhook_id) WHERE node IS NOT NULL;
CREATE INDEX deliveries_failed ON deliveries (webhook_id, id) WHERE status = 'failed';
CREATE INDEX deliveries_retrying ON deliveries (webhook_id, id) WHERE status = 'retrying';

CREATE TABLE attempts (
    delivery_id TEXT /*pg: COLLATE "C" */ NOT NULL,
    number INTEGER NOT NULL,
    attempted_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    http_status INTEGER,
    error_code TEXT,
    error TEXT,
    request_headers TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
) /*pg: PARTITION BY RANGE (delivery_id) */;

-- Attempts counted by minute and by duration class, in the transaction that records them: statistics never scan the log.
-- The last attempt of each row is kept too, so that the last of all is found at once.
CREATE TABLE delivery_stats (
    webhook_id TEXT NOT NULL,
    minute INTEGER NOT NULL,
    duration_class INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    retry_attempts INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    last_status TEXT NOT NULL,
    last_http_status INTEGER,
    PRIMARY KEY (webhook_id, minute, duration_class)
) /*sqlite: WITHOUT ROWID */;
