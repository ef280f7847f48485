-- What was known of the subscriber whom an event names, where its own data say less than a webhook asks for. JSON, and NULL for most.
ALTER TABLE events ADD COLUMN subscriber TEXT;
