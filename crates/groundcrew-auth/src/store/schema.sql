-- Both databases read it. Times are seconds since 1970.
-- Of secrets there is a hash only.
CREATE TABLE groundcrew_auth_keys (
    id           text   PRIMARY KEY,
    hash         text   NOT NULL UNIQUE,
    hint         text   NOT NULL,
    subject      text   NOT NULL,
    name         text   NOT NULL,
    scopes       text   NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    revoked_at   bigint,
    last_used_at bigint
);
CREATE INDEX groundcrew_auth_keys_of_subject ON groundcrew_auth_keys (subject);

-- One row per subject, locked while their sessions are counted.
CREATE TABLE groundcrew_auth_subjects (
    subject text   PRIMARY KEY,
    at      bigint NOT NULL
);

-- cookie: the hash of a browser's secret; sessions with refresh tokens have none.
CREATE TABLE groundcrew_auth_sessions (
    id         text   PRIMARY KEY,
    subject    text   NOT NULL,
    scopes     text   NOT NULL,
    data       text   NOT NULL,
    cookie     text   UNIQUE,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at   bigint,
    ended_by   text
);
CREATE INDEX groundcrew_auth_sessions_of_subject ON groundcrew_auth_sessions (subject, created_at);

-- A token that was used stays as long as it would have been good: used again, it tells of a theft.
CREATE TABLE groundcrew_auth_refresh_tokens (
    hash       text   PRIMARY KEY,
    session_id text   NOT NULL REFERENCES groundcrew_auth_sessions (id) ON DELETE CASCADE,
    expires_at bigint NOT NULL,
    used_at    bigint
);
CREATE INDEX groundcrew_auth_refresh_tokens_of_session ON groundcrew_auth_refresh_tokens (session_id);
