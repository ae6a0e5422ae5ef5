-- Conversations that are summarised later. What was said, and asked of it, goes as soon as it is answered.
CREATE TABLE requests (
    id           TEXT PRIMARY KEY NOT NULL,
    created_ms   INTEGER NOT NULL,
    media        TEXT NOT NULL,
    query        TEXT NOT NULL,
    body         BLOB,
    summary_id   TEXT,
    problem      TEXT
) WITHOUT ROWID;
