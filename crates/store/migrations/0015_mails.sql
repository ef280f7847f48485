-- Mails that are to be sent to those who run the server, each written in the transaction of what it is about, and gone when it
-- is with the mail server. Who sends one puts its `due_at` off: if he dies, it is due again then.
CREATE TABLE mails (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE INDEX mails_due ON mails (due_at);
