-- The payload as it came, sealed, while a request is not done with whose log entry holds it redacted.
ALTER TABLE requests ADD COLUMN sealed BLOB;
