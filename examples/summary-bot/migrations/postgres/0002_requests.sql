-- Conversations that are summarised later. What was said, and asked of it, goes as soon as it is answered.
CREATE TABLE requests (
    id           TEXT PRIMARY KEY,
    created_ms   BIGINT NOT NULL,
    media        TEXT NOT NULL,
    query        TEXT NOT NULL,
    body         BYTEA,
    summary_id   TEXT,
    problem      TEXT
);
