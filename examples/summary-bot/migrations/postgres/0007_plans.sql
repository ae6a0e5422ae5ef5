-- How the runs of schedules went. The schedules themselves are in the timetable of the jobs, under the same id.
-- failures: runs in a row that failed. delivery_failures: runs in a row of which something could not be delivered.
CREATE TABLE plans (
    id         text   PRIMARY KEY,
    guild_id   text   NOT NULL,
    outcome    text,
    last_ms    bigint,
    summary_id text,
    error      text,
    failures   bigint NOT NULL DEFAULT 0,
    undelivered text,
    delivery_failures bigint NOT NULL DEFAULT 0
);
