-- Who wants to be told of summaries. The secrets sign what is sent, so they are kept as they are.
CREATE TABLE webhooks (
    id                TEXT PRIMARY KEY NOT NULL,
    created_ms        INTEGER NOT NULL,
    owner             TEXT,
    guild_id          TEXT,
    url               TEXT NOT NULL,
    description       TEXT NOT NULL,
    events            TEXT NOT NULL,
    secret            TEXT NOT NULL,
    previous_secret   TEXT,
    previous_until_ms INTEGER,
    failing_since_ms  INTEGER,
    disabled          TEXT
) WITHOUT ROWID;

-- What was or is to be sent. Either a webhook's, or once to a URL. The summary itself is read when it is sent, so that
-- one which is deleted leaves no copy here.
CREATE TABLE webhook_deliveries (
    id         TEXT PRIMARY KEY NOT NULL,
    webhook_id TEXT,
    url        TEXT,
    created_ms INTEGER NOT NULL,
    event      TEXT NOT NULL,
    state      TEXT NOT NULL,
    tries      TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_ms);
