-- The subscriber that a delivery is about, where its webhook keeps the order of each subscriber's: such deliveries follow each
-- other.
ALTER TABLE deliveries ADD COLUMN subject INTEGER;
-- What is not done of them. Deliveries that keep no order never enter it.
CREATE INDEX deliveries_in_order ON deliveries (webhook_id, subject, id) WHERE subject IS NOT NULL AND due_at IS NOT NULL;
