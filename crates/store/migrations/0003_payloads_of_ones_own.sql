-- What was sent, where it was not the envelope of the event.
ALTER TABLE attempts ADD COLUMN request_body TEXT;
-- The outgoing webhooks that want events of this kind and did not get this one, each with the reason, as JSON.
ALTER TABLE events ADD COLUMN skipped TEXT;
-- A delivery that was made to try a webhook: its event, as JSON, which is not one of the events.
ALTER TABLE deliveries ADD COLUMN test_event TEXT;
