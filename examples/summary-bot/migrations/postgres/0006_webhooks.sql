-- Who wants to be told of summaries. The secrets sign what is sent, so they are kept as they are.
CREATE TABLE webhooks (
    id                TEXT COLLATE "C" PRIMARY KEY,
    created_ms        BIGINT NOT NULL,
    owner             TEXT,
    guild_id          TEXT,
    url               TEXT NOT NULL,
    description       TEXT NOT NULL,
    events            TEXT NOT NULL,
    secret            TEXT NOT NULL,
    previous_secret   TEXT,
    previous_until_ms BIGINT,
    failing_since_ms  BIGINT,
    disabled          TEXT
);

-- What was or is to be sent. Either a webhook's, or once to a URL. The summary itself is read when it is sent, so that
-- one which is deleted leaves no copy here.
CREATE TABLE webhook_deliveries (
    id         TEXT COLLATE "C" PRIMARY KEY,
    webhook_id TEXT,
    url        TEXT,
    created_ms BIGINT NOT NULL,
    event      TEXT NOT NULL,
    state      TEXT NOT NULL,
    tries      TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_ms);
