-- Schedules that users make: what is enqueued for whom, and when next. Times are microseconds since 1970.
-- job: the job as it is enqueued, as JSON. next_at: nothing while it is paused, and when nothing comes any more.
-- last_at: what came up to here is seen to. fired_at: the last moment for which there was a job. fired, missed: how many.
-- revision: how often it was changed; whoever saw another one may not move it.
CREATE TABLE groundcrew_jobs_timetable (
    id         text    PRIMARY KEY NOT NULL,
    service    text    NOT NULL,
    owner      text    NOT NULL,
    name       text    NOT NULL,
    kind       text    NOT NULL,
    job        text    NOT NULL,
    timing     text    NOT NULL,
    misfire    text    NOT NULL,
    paused     boolean NOT NULL,
    reason     text,
    next_at    bigint,
    last_at    bigint  NOT NULL,
    fired_at   bigint,
    last_job   text,
    fired      bigint  NOT NULL DEFAULT 0,
    missed     bigint  NOT NULL DEFAULT 0,
    created_at bigint  NOT NULL,
    revision   bigint  NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX groundcrew_jobs_timetable_named ON groundcrew_jobs_timetable (service, owner, name);
CREATE INDEX groundcrew_jobs_timetable_due ON groundcrew_jobs_timetable (service, next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX groundcrew_jobs_timetable_listed ON groundcrew_jobs_timetable (service, owner, id);
