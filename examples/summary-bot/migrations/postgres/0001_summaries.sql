-- Ids are UUIDs of version 7: their order, byte by byte, is the order of creation.
-- The document is text and not jsonb, which refuses the character U+0000 that messages may hold.
CREATE TABLE summaries (
    id           TEXT COLLATE "C" PRIMARY KEY,
    created_ms   BIGINT NOT NULL,
    title        TEXT NOT NULL,
    excerpt      TEXT NOT NULL,
    messages     BIGINT NOT NULL,
    participants BIGINT NOT NULL,
    document     TEXT NOT NULL
);
