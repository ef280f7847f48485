-- Deliveries that are sent again begin their schedule anew: attempts made before that do not count for it.
ALTER TABLE deliveries ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
-- Rare, and looked for.
CREATE INDEX deliveries_cancelled ON deliveries (webhook_id, id) WHERE status = 'cancelled';
CREATE INDEX deliveries_tests ON deliveries (webhook_id, id) WHERE test_event IS NOT NULL;

-- Whose log a task works on, and why it ended before its time.
ALTER TABLE tasks ADD COLUMN webhook_id TEXT;
ALTER TABLE tasks ADD COLUMN detail TEXT;
