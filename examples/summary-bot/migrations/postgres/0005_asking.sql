-- How far a request is, who asked, and whether it was called off. `revision` grows with every change.
ALTER TABLE requests ADD COLUMN percent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN phase TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE requests ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN cancelled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE requests ADD COLUMN requested_by TEXT;
CREATE INDEX requests_by_age ON requests (created_ms);

-- Answers to requests with an Idempotency-Key. Without a status it is under way; `result` is the id of what it makes.
CREATE TABLE replays (
    asker        TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    result       TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    claimed_ms   BIGINT NOT NULL,
    status       BIGINT,
    headers      TEXT,
    body         BYTEA,
    PRIMARY KEY (asker, key)
);
CREATE INDEX replays_by_age ON replays (created_ms);
CREATE INDEX replays_by_result ON replays (result);

-- What lists are filtered by. Summaries with `indexed` 0 are read and indexed in the background.
ALTER TABLE summaries ADD COLUMN language TEXT;
ALTER TABLE summaries ADD COLUMN engine TEXT;
ALTER TABLE summaries ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX summaries_to_index ON summaries (id) WHERE indexed = 0;
CREATE INDEX summaries_by_time ON summaries (created_ms);

-- The words of summaries, cut by the bot itself, so that both databases find the same.
ALTER TABLE summaries ADD COLUMN words TSVECTOR;
CREATE INDEX summaries_by_words ON summaries USING GIN (words);

-- Whoever deletes a summary: the answers that hold it go with it.
CREATE FUNCTION forget_replays() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM replays WHERE result = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER summaries_deleted AFTER DELETE ON summaries FOR EACH ROW EXECUTE FUNCTION forget_replays();
