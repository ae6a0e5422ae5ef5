-- What somebody did in Discord: worked on once, whoever received it. What was said, and the token, go with the answer.
CREATE TABLE discord_interactions (
    id           TEXT PRIMARY KEY NOT NULL,
    received_ms  INTEGER NOT NULL,
    body         TEXT,
    summaries    TEXT,
    said         INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX discord_interactions_by_time ON discord_interactions (received_ms);
-- Sessions that were begun with Discord's gateway, of which there may be a thousand in a day.
CREATE TABLE discord_sessions (
    epoch        INTEGER NOT NULL,
    begun_ms     INTEGER NOT NULL
);
CREATE INDEX discord_sessions_by_time ON discord_sessions (begun_ms);
-- What Discord was told, by what it is about: for commands, a fingerprint of them.
CREATE TABLE discord_told (
    about        TEXT PRIMARY KEY NOT NULL,
    told         TEXT NOT NULL
) WITHOUT ROWID;
