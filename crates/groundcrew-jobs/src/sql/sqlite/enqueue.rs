use std::collections::{HashMap, HashSet};

use groundcrew_sql::Session;
use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::{ClaimRow, NewRow, json, refuse};
use super::{NAME, now, unavailable};
use crate::{BackendError, Enqueued, JobId, NewJob};

const INSERT: &str =
    "INSERT INTO groundcrew_jobs (id, name, version, priority, due_at, key, unique_key, attempts, max_attempts,
        crashes, enqueued_at, payload, history, trace, checkpoint)
     SELECT value ->> 'id', value ->> 'name', value ->> 'version', value ->> 'priority',
        coalesce(value ->> 'due_at', ?2 + (value ->> 'due_in')), value ->> 'key', value ->> 'unique_key',
        value ->> 'attempts', value ->> 'max_attempts', value ->> 'crashes', value ->> 'enqueued_at',
        value ->> 'payload', value ->> 'history', value ->> 'trace', value ->> 'checkpoint'
     FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING";

const CLAIM: &str = "INSERT INTO groundcrew_jobs_unique AS u (name, key, job_id, held, until)
     SELECT value ->> 'name', value ->> 'key', value ->> 'id', 1, ?2 + (value ->> 'window')
     FROM json_each(?1) WHERE true
     ON CONFLICT (name, key) DO UPDATE SET job_id = excluded.job_id, held = 1, until = excluded.until
     WHERE NOT u.held AND (u.until IS NULL OR u.until <= ?2)";

const HOLDERS: &str = "SELECT u.name, u.key, u.job_id FROM groundcrew_jobs_unique u
     JOIN json_each(?1) AS r ON r.value ->> 'name' = u.name AND r.value ->> 'key' = u.key";

pub(super) async fn enqueue(sqlite: &Sqlite, jobs: &[NewJob]) -> Vec<Result<Enqueued, BackendError>> {
    let mut results: Vec<_> =
        jobs.iter().map(|job| refuse(&job.envelope, NAME).map(|()| Enqueued::New(job.envelope.id))).collect();
    let good: Vec<&NewJob> =
        jobs.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(job, _)| job).collect();
    let enqueued = all(sqlite, &good).await.map_err(unavailable("enqueue jobs"));
    let slots = results.iter_mut().filter(|result| result.is_ok());
    match enqueued {
        Ok(enqueued) => slots.zip(enqueued).for_each(|(slot, done)| *slot = Ok(done)),
        Err(error) => slots.for_each(|slot| *slot = Err(error.clone())),
    }
    results
}

async fn all(sqlite: &Sqlite, jobs: &[&NewJob]) -> Result<Vec<Enqueued>, Error> {
    let mut transaction = sqlite.begin().await?;
    let enqueued = insert(&mut transaction, jobs).await?;
    transaction.commit().await?;
    Ok(enqueued)
}

/// Writes jobs, in whatever transaction the connection is.
pub(in super::super) async fn insert(
    connection: &mut Session<sqlx::Sqlite>,
    jobs: &[&NewJob],
) -> Result<Vec<Enqueued>, Error> {
    let holders = claim(connection, jobs).await?;
    let holder = |job: &NewJob| {
        let unique = job.envelope.unique.as_ref()?;
        holders.get(&(job.envelope.name.clone(), unique.key.clone())).copied()
    };
    let enqueued: Vec<Enqueued> = jobs
        .iter()
        .map(|job| match holder(job) {
            Some(holder) if holder != job.envelope.id => Enqueued::Duplicate(holder),
            _ => Enqueued::New(job.envelope.id),
        })
        .collect();
    let new = jobs.iter().zip(&enqueued).filter(|(_, done)| matches!(done, Enqueued::New(_)));
    let new: Vec<NewRow<'_>> = new.map(|(job, _)| NewRow::of(job)).collect();
    if !new.is_empty() {
        sqlx::query(INSERT).bind(json(&new)).bind(now()).execute(connection).await?;
    }
    Ok(enqueued)
}

/// Who holds the unique keys of these jobs, after they have taken what was free.
async fn claim(
    connection: &mut Session<sqlx::Sqlite>,
    jobs: &[&NewJob],
) -> Result<HashMap<(String, String), JobId>, Error> {
    let mut seen = HashSet::new();
    let claims = jobs.iter().filter_map(|job| ClaimRow::of(job));
    // Of several in one batch the first one claims.
    let claims: Vec<ClaimRow<'_>> = claims.filter(|claim| seen.insert((claim.name, claim.key))).collect();
    if claims.is_empty() {
        return Ok(HashMap::new());
    }
    let claims = json(&claims);
    sqlx::query(CLAIM).bind(&claims).bind(now()).execute(&mut *connection).await?;
    let holders: Vec<(String, String, String)> =
        sqlx::query_as(HOLDERS).bind(&claims).fetch_all(connection).await?;
    let holder = |(name, key, id): (String, String, String)| Some(((name, key), id.parse().ok()?));
    Ok(holders.into_iter().filter_map(holder).collect())
}
