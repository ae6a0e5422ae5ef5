-- How the runs of schedules went. The schedules themselves are in the timetable of the jobs, under the same id.
-- failures: runs in a row that failed. delivery_failures: runs in a row of which something could not be delivered.
CREATE TABLE plans (
    id         TEXT    PRIMARY KEY NOT NULL,
    guild_id   TEXT    NOT NULL,
    outcome    TEXT,
    last_ms    INTEGER,
    summary_id TEXT,
    error      TEXT,
    failures   INTEGER NOT NULL DEFAULT 0,
    undelivered TEXT,
    delivery_failures INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
