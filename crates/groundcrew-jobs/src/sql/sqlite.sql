-- Jobs that wait (state 0), run (1) or are dead (2). Times are microseconds since 1970.
-- due_at: when it may run; while it runs, the end of its lease; when it is dead, its death.
CREATE TABLE groundcrew_jobs (
    id           TEXT    PRIMARY KEY NOT NULL,
    name         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0,
    priority     INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    token        INTEGER NOT NULL DEFAULT 0,
    key          TEXT,
    unique_key   TEXT,
    attempts     INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    crashes      INTEGER NOT NULL,
    enqueued_at  INTEGER NOT NULL,
    payload      TEXT    NOT NULL,
    history      TEXT    NOT NULL DEFAULT '[]',
    trace        TEXT,
    checkpoint   TEXT,
    progress     INTEGER,
    note         TEXT,
    worker       TEXT
) WITHOUT ROWID;
CREATE INDEX groundcrew_jobs_due ON groundcrew_jobs (priority, due_at, id) WHERE state < 2;
CREATE INDEX groundcrew_jobs_running ON groundcrew_jobs (due_at) WHERE state = 1;
CREATE INDEX groundcrew_jobs_dead ON groundcrew_jobs (due_at) WHERE state = 2;

-- Who has a unique key: held until the job is over, and then until a time if it has a window.
CREATE TABLE groundcrew_jobs_unique (
    name   TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    job_id TEXT    NOT NULL,
    held   INTEGER NOT NULL,
    until  INTEGER,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE INDEX groundcrew_jobs_unique_job ON groundcrew_jobs_unique (job_id);

-- Which effects jobs have had.
CREATE TABLE groundcrew_jobs_effects (
    job_id TEXT    NOT NULL,
    part   TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (job_id, part)
) WITHOUT ROWID;
CREATE INDEX groundcrew_jobs_effects_at ON groundcrew_jobs_effects (at);

-- Jobs on their way to a broker.
CREATE TABLE groundcrew_jobs_outbox (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    record   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX groundcrew_jobs_outbox_due ON groundcrew_jobs_outbox (due_at, seq);
