-- Jobs that wait (state 0), run (1) or are dead (2). Times are microseconds since 1970.
-- due_at: when it may run; while it runs, the end of its lease; when it is dead, its death.
CREATE TABLE groundcrew_jobs (
    id           uuid     PRIMARY KEY,
    name         text     NOT NULL,
    version      integer  NOT NULL,
    state        smallint NOT NULL DEFAULT 0,
    priority     smallint NOT NULL,
    due_at       bigint   NOT NULL,
    token        bigint   NOT NULL DEFAULT 0,
    key          text,
    unique_key   text,
    attempts     integer  NOT NULL,
    max_attempts integer  NOT NULL,
    crashes      integer  NOT NULL,
    enqueued_at  bigint   NOT NULL,
    payload      text     NOT NULL,
    history      text     NOT NULL DEFAULT '[]',
    trace        text,
    checkpoint   text,
    progress     smallint,
    note         text,
    worker       text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX groundcrew_jobs_due ON groundcrew_jobs (priority, due_at, id) WHERE state < 2;
CREATE INDEX groundcrew_jobs_named ON groundcrew_jobs (name, priority DESC, due_at) WHERE state < 2;
CREATE INDEX groundcrew_jobs_keyed ON groundcrew_jobs (priority DESC, due_at) WHERE state < 2 AND key IS NOT NULL;
CREATE INDEX groundcrew_jobs_running ON groundcrew_jobs (due_at) WHERE state = 1;
CREATE INDEX groundcrew_jobs_dead ON groundcrew_jobs (due_at) WHERE state = 2;

-- Who has a unique key: held until the job is over, and then until a time if it has a window.
CREATE TABLE groundcrew_jobs_unique (
    name   text    NOT NULL,
    key    text    NOT NULL,
    job_id uuid    NOT NULL,
    held   boolean NOT NULL,
    until  bigint,
    PRIMARY KEY (name, key)
);
CREATE INDEX groundcrew_jobs_unique_job ON groundcrew_jobs_unique (job_id);

-- Which effects jobs have had.
CREATE TABLE groundcrew_jobs_effects (
    job_id uuid   NOT NULL,
    part   text   NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (job_id, part)
);
CREATE INDEX groundcrew_jobs_effects_at ON groundcrew_jobs_effects (at);

-- Jobs on their way to a broker.
CREATE TABLE groundcrew_jobs_outbox (
    seq      bigserial PRIMARY KEY,
    record   text      NOT NULL,
    at       bigint    NOT NULL,
    due_at   bigint    NOT NULL,
    attempts integer   NOT NULL DEFAULT 0
);
CREATE INDEX groundcrew_jobs_outbox_due ON groundcrew_jobs_outbox (due_at, seq);
