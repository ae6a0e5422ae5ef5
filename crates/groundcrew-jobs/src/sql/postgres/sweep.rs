use std::time::Duration;

use groundcrew_sql::Postgres;
use groundcrew_sql::sqlx::{self, Error};

use super::super::portions::in_portions;
use super::super::rows::micros;
use super::now;
use crate::Retention;

/// How many rows go together.
const PORTION: u32 = 5_000;

// Other replicas sweep at the same time: what one of them has is left to it.
const DEAD: &str = concat!(
    "WITH old AS MATERIALIZED (
        SELECT id FROM groundcrew_jobs WHERE state = 2 AND due_at < ",
    now!(),
    " - $1
        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     DELETE FROM groundcrew_jobs j USING old WHERE j.id = old.id"
);

const EFFECTS: &str = concat!(
    "WITH old AS MATERIALIZED (
        SELECT e.job_id, e.part FROM groundcrew_jobs_effects e
        WHERE e.at < ",
    now!(),
    " - $1 AND NOT EXISTS (SELECT 1 FROM groundcrew_jobs j WHERE j.id = e.job_id)
        ORDER BY e.at LIMIT $2 FOR UPDATE OF e SKIP LOCKED
     )
     DELETE FROM groundcrew_jobs_effects e USING old WHERE e.job_id = old.job_id AND e.part = old.part"
);

/// A key whose job is not there any more was left by a discard or a sweep.
const UNIQUE: &str = concat!(
    "WITH old AS MATERIALIZED (
        SELECT u.name, u.key FROM groundcrew_jobs_unique u
        WHERE (u.until IS NULL OR u.until <= ",
    now!(),
    " - $1) AND (NOT u.held OR NOT EXISTS (SELECT 1 FROM groundcrew_jobs j WHERE j.id = u.job_id))
        LIMIT $2 FOR UPDATE OF u SKIP LOCKED
     )
     DELETE FROM groundcrew_jobs_unique u USING old WHERE u.name = old.name AND u.key = old.key"
);

const RATES: &str = concat!(
    "WITH old AS MATERIALIZED (
        SELECT name, keyed, key FROM groundcrew_jobs_rates WHERE full_at <= ",
    now!(),
    " - $1 LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     DELETE FROM groundcrew_jobs_rates r USING old
     WHERE r.name = old.name AND r.keyed = old.keyed AND r.key = old.key"
);

/// Each table apart: what goes wrong with one lets no other grow.
pub(super) async fn sweep(postgres: &Postgres, keep: Retention) -> Result<(), Error> {
    let swept = [
        remove(postgres, DEAD, keep.dead).await,
        sweep_effects(postgres, keep.effects).await,
        remove(postgres, UNIQUE, Duration::ZERO).await,
        remove(postgres, RATES, Duration::ZERO).await,
    ];
    swept.into_iter().collect()
}

/// Forgets the effects of jobs that are over.
pub(in super::super) async fn sweep_effects(postgres: &Postgres, keep: Duration) -> Result<(), Error> {
    remove(postgres, EFFECTS, keep).await
}

/// Removes what is older.
async fn remove(postgres: &Postgres, query: &'static str, keep: Duration) -> Result<(), Error> {
    in_portions(PORTION, || portion(postgres, query, keep)).await
}

async fn portion(postgres: &Postgres, query: &'static str, keep: Duration) -> Result<u64, Error> {
    let removed = sqlx::query(query).bind(micros(keep)).bind(i64::from(PORTION)).execute(postgres).await?;
    Ok(removed.rows_affected())
}
