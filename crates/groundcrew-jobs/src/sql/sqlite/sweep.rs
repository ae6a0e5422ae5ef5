use std::time::Duration;

use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx::{self, Error};

use super::super::portions::in_portions;
use super::super::rows::micros;
use super::now;
use crate::Retention;

/// How many rows go together: there is one writer, and everybody else waits for it.
const PORTION: u32 = 1_000;

const DEAD: &str = "DELETE FROM groundcrew_jobs WHERE id IN (
        SELECT id FROM groundcrew_jobs WHERE state = 2 AND due_at < ?1 ORDER BY due_at LIMIT ?2)";

const EFFECTS: &str = "DELETE FROM groundcrew_jobs_effects WHERE (job_id, part) IN (
        SELECT e.job_id, e.part FROM groundcrew_jobs_effects e
        WHERE e.at < ?1 AND NOT EXISTS (SELECT 1 FROM groundcrew_jobs j WHERE j.id = e.job_id)
        ORDER BY e.at LIMIT ?2)";

/// A key whose job is not there any more was left by a discard or a sweep.
const UNIQUE: &str = "DELETE FROM groundcrew_jobs_unique WHERE (name, key) IN (
        SELECT u.name, u.key FROM groundcrew_jobs_unique u
        WHERE (u.until IS NULL OR u.until <= ?1)
          AND (NOT u.held OR NOT EXISTS (SELECT 1 FROM groundcrew_jobs j WHERE j.id = u.job_id))
        LIMIT ?2)";

const RATES: &str = "DELETE FROM groundcrew_jobs_rates WHERE (name, keyed, key) IN (
        SELECT r.name, r.keyed, r.key FROM groundcrew_jobs_rates r WHERE r.full_at <= ?1 LIMIT ?2)";

/// Each table apart: what goes wrong with one lets no other grow.
pub(super) async fn sweep(sqlite: &Sqlite, keep: Retention) -> Result<(), Error> {
    let swept = [
        remove(sqlite, DEAD, keep.dead).await,
        sweep_effects(sqlite, keep.effects).await,
        remove(sqlite, UNIQUE, Duration::ZERO).await,
        remove(sqlite, RATES, Duration::ZERO).await,
    ];
    swept.into_iter().collect()
}

/// Forgets the effects of jobs that are over.
pub(in super::super) async fn sweep_effects(sqlite: &Sqlite, keep: Duration) -> Result<(), Error> {
    remove(sqlite, EFFECTS, keep).await
}

/// Removes what is older.
async fn remove(sqlite: &Sqlite, query: &'static str, keep: Duration) -> Result<(), Error> {
    in_portions(PORTION, || portion(sqlite, query, keep)).await
}

async fn portion(sqlite: &Sqlite, query: &'static str, keep: Duration) -> Result<u64, Error> {
    let before = now() - micros(keep);
    let removed = sqlx::query(query).bind(before).bind(i64::from(PORTION)).execute(sqlite).await?;
    Ok(removed.rows_affected())
}
