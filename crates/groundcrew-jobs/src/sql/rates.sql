-- Rates that hold over all processes, of names (keyed: false, key: empty) and of keys. A row is a bucket that is not full.
-- full_at: when it will be full again, in microseconds since 1970.
CREATE TABLE groundcrew_jobs_rates (
    name    text    NOT NULL,
    keyed   boolean NOT NULL,
    key     text    NOT NULL,
    full_at bigint  NOT NULL,
    PRIMARY KEY (name, keyed, key)
);
