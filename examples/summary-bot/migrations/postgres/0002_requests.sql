-- Conversations that are summarised later. The body goes as soon as it is answered.
CREATE TABLE requests (
    id           TEXT PRIMARY KEY,
    created_ms   BIGINT NOT NULL,
    media        TEXT NOT NULL,
    query        TEXT NOT NULL,
    body         BYTEA,
    summary_id   TEXT,
    problem      TEXT
);
