-- How far a request is, who asked, and whether it was called off. `revision` grows with every change.
ALTER TABLE requests ADD COLUMN percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN phase TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE requests ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN cancelled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE requests ADD COLUMN requested_by TEXT;
CREATE INDEX requests_by_age ON requests (created_ms);

-- Answers to requests with an Idempotency-Key. Without a status it is under way; `result` is the id of what it makes.
CREATE TABLE replays (
    asker        TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    result       TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    claimed_ms   INTEGER NOT NULL,
    status       INTEGER,
    headers      TEXT,
    body         BLOB,
    PRIMARY KEY (asker, key)
) WITHOUT ROWID;
CREATE INDEX replays_by_age ON replays (created_ms);
CREATE INDEX replays_by_result ON replays (result);

-- What lists are filtered by. Summaries with `indexed` 0 are read and indexed in the background.
ALTER TABLE summaries ADD COLUMN language TEXT;
ALTER TABLE summaries ADD COLUMN engine TEXT;
ALTER TABLE summaries ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX summaries_to_index ON summaries (id) WHERE indexed = 0;
CREATE INDEX summaries_by_time ON summaries (created_ms);

-- The words of summaries, cut by the bot itself, so that both databases find the same.
CREATE TABLE summary_numbers (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE summary_words USING fts5(
    words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);

-- Whoever deletes a summary: its words and the answers that hold it go with it.
CREATE TRIGGER summaries_deleted AFTER DELETE ON summaries BEGIN
    DELETE FROM summary_words WHERE rowid IN (SELECT number FROM summary_numbers WHERE id = OLD.id);
    DELETE FROM summary_numbers WHERE id = OLD.id;
    DELETE FROM replays WHERE result = OLD.id;
END;
