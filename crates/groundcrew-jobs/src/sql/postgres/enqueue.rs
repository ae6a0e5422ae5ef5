use std::collections::{HashMap, HashSet};

use groundcrew_sql::Postgres;
use groundcrew_sql::Session;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::{ClaimRow, NewRow, json, refuse};
use super::{NAME, now, unavailable};
use crate::{BackendError, Enqueued, JobId, NewJob};

const INSERT: &str = concat!(
    "WITH new AS (
        INSERT INTO groundcrew_jobs (id, name, version, priority, due_at, key, unique_key, attempts,
            max_attempts, crashes, enqueued_at, payload, history, trace, checkpoint)
        SELECT id, name, version, priority, coalesce(due_at, ",
    now!(),
    " + due_in), key, unique_key, attempts,
            max_attempts, crashes, enqueued_at, payload, history, trace, checkpoint
        FROM json_to_recordset($1::json) AS r(id uuid, name text, version integer, priority smallint,
            due_in bigint, due_at bigint, key text, unique_key text, attempts integer, max_attempts integer,
            crashes integer, enqueued_at bigint, payload text, history text, trace text, checkpoint text)
        ON CONFLICT (id) DO NOTHING
     )
     SELECT pg_notify('groundcrew_jobs', '')"
);

/// Takes the keys that are free, in one order for everybody, so that two batches cannot wait for each other.
const CLAIM: &str = concat!(
    "INSERT INTO groundcrew_jobs_unique AS u (name, key, job_id, held, until)
     SELECT name, key, id, true, ",
    now!(),
    " + \"window\"
     FROM json_to_recordset($1::json) AS r(name text, key text, id uuid, \"window\" bigint)
     ORDER BY name, key
     ON CONFLICT (name, key) DO UPDATE SET job_id = excluded.job_id, held = true, until = excluded.until
     WHERE NOT u.held AND (u.until IS NULL OR u.until <= ",
    now!(),
    ")"
);

const HOLDERS: &str = "SELECT u.name, u.key, u.job_id::text FROM groundcrew_jobs_unique u
     JOIN json_to_recordset($1::json) AS r(name text, key text) ON r.name = u.name AND r.key = u.key";

pub(super) async fn enqueue(postgres: &Postgres, jobs: &[NewJob]) -> Vec<Result<Enqueued, BackendError>> {
    let mut results: Vec<_> =
        jobs.iter().map(|job| refuse(&job.envelope, NAME).map(|()| Enqueued::New(job.envelope.id))).collect();
    let good: Vec<&NewJob> =
        jobs.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(job, _)| job).collect();
    let enqueued = all(postgres, &good).await.map_err(unavailable("enqueue jobs"));
    match enqueued {
        Ok(enqueued) => {
            let slots = results.iter_mut().filter(|result| result.is_ok());
            slots.zip(enqueued).for_each(|(slot, done)| *slot = Ok(done));
        }
        Err(error) => results.iter_mut().filter(|result| result.is_ok()).for_each(|slot| {
            *slot = Err(error.clone());
        }),
    }
    results
}

async fn all(postgres: &Postgres, jobs: &[&NewJob]) -> Result<Vec<Enqueued>, Error> {
    if jobs.iter().all(|job| job.envelope.unique.is_none()) {
        // One statement is one transaction.
        return insert(&mut *postgres.connections().acquire().await?, jobs).await;
    }
    let mut transaction = postgres.begin().await?;
    let enqueued = insert(&mut transaction, jobs).await?;
    transaction.commit().await?;
    Ok(enqueued)
}

/// Writes jobs, in whatever transaction the connection is.
pub(in super::super) async fn insert(
    connection: &mut Session<sqlx::Postgres>,
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
        sqlx::query(INSERT).bind(json(&new)).execute(connection).await?;
    }
    Ok(enqueued)
}

/// Who holds the unique keys of these jobs, after they have taken what was free.
async fn claim(
    connection: &mut Session<sqlx::Postgres>,
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
    sqlx::query(CLAIM).bind(&claims).execute(&mut *connection).await?;
    let holders: Vec<(String, String, String)> =
        sqlx::query_as(HOLDERS).bind(&claims).fetch_all(connection).await?;
    let holder = |(name, key, id): (String, String, String)| Some(((name, key), id.parse().ok()?));
    Ok(holders.into_iter().filter_map(holder).collect())
}
