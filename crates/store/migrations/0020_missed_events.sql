-- Up to which delivery the log of an outgoing webhook was cleared, or not kept: of events before that nobody knows any more
-- whether the webhook got them.
CREATE TABLE cleared_logs (
    webhook_id TEXT PRIMARY KEY,
    last_id TEXT /*pg: COLLATE "C" */ NOT NULL
);

-- Statistics that nobody is shown any more are found without reading the others.
CREATE INDEX delivery_stats_by_minute ON delivery_stats (minute);
CREATE INDEX request_stats_by_hour ON request_stats (hour);
