-- Attempts by the class of the answer's status, counted with the others: 2xx to 5xx, and those without an answer.
ALTER TABLE delivery_stats ADD COLUMN answers_2xx INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery_stats ADD COLUMN answers_3xx INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery_stats ADD COLUMN answers_4xx INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery_stats ADD COLUMN answers_5xx INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery_stats ADD COLUMN no_answer INTEGER NOT NULL DEFAULT 0;

-- When the last request of an hour came in. Of the hours before, only the hour is known.
ALTER TABLE request_stats ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;
UPDATE request_stats SET last_at = hour * 3600000;
