-- Ids are UUIDs of version 7: their order is the order of creation.
CREATE TABLE summaries (
    id           TEXT PRIMARY KEY NOT NULL,
    created_ms   INTEGER NOT NULL,
    title        TEXT NOT NULL,
    excerpt      TEXT NOT NULL,
    messages     INTEGER NOT NULL,
    participants INTEGER NOT NULL,
    document     TEXT NOT NULL
) WITHOUT ROWID;
