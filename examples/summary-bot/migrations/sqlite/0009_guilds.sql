-- What people have set for their servers. The version rises with each change, so that nobody overwrites what they
-- have not seen.
CREATE TABLE guilds (
    guild_id   TEXT PRIMARY KEY NOT NULL,
    version    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE guild_settings (
    guild_id   TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (guild_id, name)
) WITHOUT ROWID;
-- Who may do what: `kind` is role, user or channel.
CREATE TABLE guild_rules (
    guild_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    level      TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (guild_id, kind, subject_id)
) WITHOUT ROWID;
-- What readers thought of a summary.
CREATE TABLE feedback (
    summary_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    good       BOOLEAN NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (summary_id, user_id)
) WITHOUT ROWID;
CREATE INDEX feedback_by_user ON feedback (user_id);
-- Who is named in a summary, so that somebody can be taken out of all of them.
CREATE TABLE summary_people (
    summary_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (summary_id, user_id)
) WITHOUT ROWID;
CREATE INDEX summary_people_by_user ON summary_people (user_id);
-- Whoever deletes a summary: what is known about it goes with it.
CREATE TRIGGER summaries_forgotten AFTER DELETE ON summaries BEGIN
    DELETE FROM feedback WHERE summary_id = OLD.id;
    DELETE FROM summary_people WHERE summary_id = OLD.id;
END;
