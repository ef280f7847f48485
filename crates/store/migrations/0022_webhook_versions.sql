-- The version of the configuration in which a webhook was changed last: a node loads only those that it does not know.
ALTER TABLE incoming_webhooks ADD COLUMN config_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outgoing_webhooks ADD COLUMN config_version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX incoming_webhooks_by_version ON incoming_webhooks (config_version);
CREATE INDEX outgoing_webhooks_by_version ON outgoing_webhooks (config_version);
