-- What people have set for their servers. The version rises with each change, so that nobody overwrites what they
-- have not seen.
CREATE TABLE guilds (
    guild_id   TEXT PRIMARY KEY,
    version    BIGINT NOT NULL
);
CREATE TABLE guild_settings (
    guild_id   TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (guild_id, name)
);
-- Who may do what: `kind` is role, user or channel.
CREATE TABLE guild_rules (
    guild_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    level      TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (guild_id, kind, subject_id)
);
-- What readers thought of a summary.
CREATE TABLE feedback (
    summary_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    good       BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (summary_id, user_id)
);
CREATE INDEX feedback_by_user ON feedback (user_id);
-- Who is named in a summary, so that somebody can be taken out of all of them.
CREATE TABLE summary_people (
    summary_id TEXT COLLATE "C" NOT NULL,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (summary_id, user_id)
);
CREATE INDEX summary_people_by_user ON summary_people (user_id);
-- Whoever deletes a summary: what is known about it goes with it.
CREATE FUNCTION forget_summary() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM feedback WHERE summary_id = OLD.id;
    DELETE FROM summary_people WHERE summary_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER summaries_forgotten AFTER DELETE ON summaries FOR EACH ROW EXECUTE FUNCTION forget_summary();
