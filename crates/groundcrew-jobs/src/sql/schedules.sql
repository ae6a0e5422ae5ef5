-- Up to where each schedule of a service is done. Times are microseconds since 1970.
-- last_at: what came up to here is seen to. fired_at: the last moment for which there was a job.
CREATE TABLE groundcrew_jobs_schedules (
    service    text   NOT NULL,
    name       text   NOT NULL,
    expression text   NOT NULL,
    last_at    bigint NOT NULL,
    fired_at   bigint,
    PRIMARY KEY (service, name)
);
