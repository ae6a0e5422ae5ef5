use groundcrew_sql::sqlx::{self, Error};
use groundcrew_sql::{Postgres, Session, SqlProblem};

use super::super::rows::{DeliveryRow, json, micros};
use super::now;
use crate::choose::Chooser;
use crate::debts::Debts;
use crate::{Ask, JobId, Known};

/// How many candidates are looked at together, and how often.
const PAGE: usize = 256;
const PAGES: usize = 4;
/// Held while jobs with limits are chosen: what two workers choose at once would be over the limit. `gcjobs` in
/// ASCII.
const LOCK: i64 = 0x6763_6a6f_6273;

/// Takes the lock, or gives up soon. Whoever falls silent while it has it (a process that is stopped, a machine that
/// is gone) is ended by the server, behind a pooler, too. The list is worked through from the left: only the lock
/// itself is waited for so briefly.
const HOLD: &str = "WITH was AS MATERIALIZED (SELECT current_setting('lock_timeout') AS lock_timeout)
     SELECT set_config('idle_in_transaction_session_timeout', '2s', true), set_config('lock_timeout', '500ms', true),
            pg_advisory_xact_lock($1), set_config('lock_timeout', was.lock_timeout, true)
     FROM was";

/// What a worker gets of a job; `due` is the job as it was before.
macro_rules! columns {
    () => {
        "j.id::text, j.name, j.version, j.payload, j.priority, j.key, j.unique_key, j.enqueued_at, j.attempts,
         j.max_attempts, j.crashes, j.history, j.trace, j.checkpoint, j.token,
         due.due_at"
    };
}

/// Taking a job: a lease that had ended without an outcome is a crash.
macro_rules! take {
    () => {
        concat!(
            "UPDATE groundcrew_jobs j SET state = 1, crashes = j.crashes + (j.state = 1)::integer,
                    due_at = ",
            now!(),
            " + $1, token = j.token + 1, worker = $2 "
        )
    };
}

const PLAIN: &str = concat!(
    "WITH due AS MATERIALIZED (
        SELECT d.id, d.due_at FROM (VALUES (1::smallint), (0::smallint), ((-1)::smallint)) AS p(priority)
        CROSS JOIN LATERAL (
            SELECT j.id, j.due_at FROM groundcrew_jobs j
            WHERE j.priority = p.priority AND j.state < 2 AND j.due_at <= ",
    now!(),
    " AND j.key IS NULL
              AND EXISTS (SELECT 1 FROM unnest($3::text[], $4::integer[]) AS k(name, version)
                          WHERE k.name = j.name AND j.version <= k.version)
            ORDER BY j.due_at, j.id LIMIT $5 FOR UPDATE OF j SKIP LOCKED
        ) AS d LIMIT $5
     ) ",
    take!(),
    "FROM due WHERE j.id = due.id RETURNING ",
    columns!()
);

const HAS_KEYED: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM groundcrew_jobs
                    WHERE key IS NOT NULL AND state < 2 AND due_at <= ",
    now!(),
    ")"
);

const RUNNING: &str = concat!(
    "SELECT name, key, count(*) FROM groundcrew_jobs
     WHERE state = 1 AND due_at > ",
    now!(),
    " AND (key IS NOT NULL OR name = ANY($1)) GROUP BY name, key"
);

/// What may not be chosen of the jobs: what is chosen already, and keys that are full or over their rate.
macro_rules! unless_full {
    () => {
        " AND NOT j.id = ANY($4::uuid[])
          AND NOT EXISTS (SELECT 1 FROM busy b WHERE b.name = j.name AND b.key = j.key)
          AND (j.key IS NULL OR NOT EXISTS (
               SELECT 1 FROM rated k
               JOIN groundcrew_jobs_rates r ON r.name = j.name AND r.keyed AND r.key = j.key
               WHERE k.name = j.name AND r.full_at > k.\"over\" AND r.full_at <= k.most)) "
    };
}

/// Jobs of names that have limits, and jobs with a key, but for those that are full or chosen; with what a key owes.
const CANDIDATES: &str = concat!(
    "WITH busy AS (SELECT * FROM json_to_recordset($3::json) AS r(name text, key text)),
          rated AS (SELECT * FROM json_to_recordset($6::json) AS r(name text, \"over\" bigint, most bigint))
     SELECT c.id::text, c.name, c.version, c.key,
            (SELECT r.full_at FROM groundcrew_jobs_rates r WHERE r.name = c.name AND r.keyed AND r.key = c.key)
     FROM (
        (SELECT d.* FROM unnest($1::text[], $7::integer[]) AS k(name, version) CROSS JOIN LATERAL (
            SELECT j.id, j.name, j.version, j.key, j.priority, j.due_at FROM groundcrew_jobs j
            WHERE j.name = k.name AND j.version <= k.version AND j.state < 2 AND j.due_at <= ",
    now!(),
    unless_full!(),
    "ORDER BY j.priority DESC, j.due_at LIMIT $5) AS d)
        UNION ALL
        (SELECT j.id, j.name, j.version, j.key, j.priority, j.due_at FROM groundcrew_jobs j
         WHERE j.key IS NOT NULL AND j.state < 2
           AND EXISTS (SELECT 1 FROM unnest($2::text[], $8::integer[]) AS k(name, version)
                       WHERE k.name = j.name AND j.version <= k.version)
           AND j.due_at <= ",
    now!(),
    unless_full!(),
    "ORDER BY j.priority DESC, j.due_at LIMIT $5)
     ) AS c ORDER BY c.priority DESC, c.due_at, c.id"
);

/// What names owe, and the time: not that of the beginning, since others may have written while we waited for the lock.
const RATES: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, r.name, r.full_at
     FROM (VALUES (1)) AS always(row) LEFT JOIN groundcrew_jobs_rates r ON NOT r.keyed AND r.name = ANY($1)";

const OWE: &str = "INSERT INTO groundcrew_jobs_rates (name, keyed, key, full_at)
     SELECT d.name, d.key IS NOT NULL, coalesce(d.key, ''), d.full_at
     FROM json_to_recordset($1::json) AS d(name text, key text, full_at bigint)
     ON CONFLICT (name, keyed, key) DO UPDATE SET full_at = excluded.full_at";

/// A job that may be chosen, with what its key owes.
type Candidate = (String, String, i32, Option<String>, Option<i64>);

const TAKE_CHOSEN: &str = concat!(
    take!(),
    "FROM groundcrew_jobs due
     WHERE due.id = j.id AND j.id = ANY($3::uuid[]) AND j.state < 2 AND j.due_at <= ",
    now!(),
    " RETURNING ",
    columns!()
);

/// Jobs without a key of names without limits: as many workers at once as there are.
pub(super) async fn plain(postgres: &Postgres, ask: &Ask, max: usize) -> Result<Vec<DeliveryRow>, Error> {
    let (names, versions) = readable(ask.known.iter().filter(|known| known.is_unlimited()));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(PLAIN)
        .bind(micros(ask.lease))
        .bind(&*ask.worker)
        .bind(names)
        .bind(versions)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(postgres)
        .await
}

/// Jobs whose name or key has a limit: one worker at a time.
pub(super) async fn limited(postgres: &Postgres, ask: &Ask, max: usize) -> Result<Vec<DeliveryRow>, Error> {
    let (free, bound): (Vec<&Known>, Vec<&Known>) = ask.known.iter().partition(|known| known.is_unlimited());
    if bound.is_empty() && !sqlx::query_scalar(HAS_KEYED).fetch_one(postgres).await? {
        return Ok(Vec::new());
    }
    let mut transaction = postgres.begin().await?;
    if !hold(&mut transaction).await? {
        return Ok(Vec::new());
    }
    let ask = Ask { max, ..ask.clone() };
    let (chosen, debts) = choose(&mut transaction, &ask, &free, &bound).await?;
    let mut rows = Vec::new();
    if !chosen.is_empty() {
        let owed = debts.changed();
        if !owed.is_empty() {
            sqlx::query(OWE).bind(json(&owed)).execute(&mut *transaction).await?;
        }
        rows = sqlx::query_as(TAKE_CHOSEN)
            .bind(micros(ask.lease))
            .bind(&*ask.worker)
            .bind(chosen)
            .fetch_all(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(rows)
}

/// Lets nobody else choose until the transaction ends; `false` when somebody else has been at it for too long.
async fn hold(connection: &mut Session<sqlx::Postgres>) -> Result<bool, Error> {
    match sqlx::query(HOLD).bind(LOCK).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) if SqlProblem::of(&error) == SqlProblem::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

async fn choose(
    connection: &mut Session<sqlx::Postgres>,
    ask: &Ask,
    free: &[&Known],
    bound: &[&Known],
) -> Result<(Vec<String>, Debts), Error> {
    let mut chooser = begin(connection, ask).await?;
    let (names, _) = readable(bound.iter().copied());
    let running: Vec<(String, Option<String>, i64)> =
        sqlx::query_as(RUNNING).bind(names).fetch_all(&mut *connection).await?;
    for (name, key, count) in running {
        chooser.runs(&name, key.as_deref(), u32::try_from(count).unwrap_or(u32::MAX));
    }
    let (free, free_versions) = readable(free.iter().copied());
    let mut chosen: Vec<String> = Vec::new();
    for _ in 0..PAGES {
        let full: Vec<&str> = chooser.full_names().collect();
        let (open, open_versions) =
            readable(bound.iter().copied().filter(|known| !full.contains(&known.name)));
        let page: Vec<Candidate> = sqlx::query_as(CANDIDATES)
            .bind(open)
            .bind(&free)
            .bind(json(&chooser.full_keys().map(Busy::of).collect::<Vec<_>>()))
            .bind(&chosen)
            .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
            .bind(json(&chooser.key_rates().collect::<Vec<_>>()))
            .bind(open_versions)
            .bind(&free_versions)
            .fetch_all(&mut *connection)
            .await?;
        let before = chosen.len();
        for (id, name, version, key, full_at) in &page {
            if let (Some(key), Some(full_at)) = (key, full_at) {
                chooser.owes(name, Some(key), *full_at);
            }
            if chooser.take(name, u32::try_from(*version).unwrap_or(u32::MAX), key.as_deref()) {
                chosen.push(id.clone());
            }
        }
        // Without one more chosen the next page would be the same.
        if chooser.is_full() || page.len() < PAGE || chosen.len() == before {
            break;
        }
    }
    let chosen = chosen.into_iter().filter(|id| id.parse::<JobId>().is_ok()).collect();
    Ok((chosen, chooser.into_debts()))
}

/// A chooser that knows the time and what names owe, where that matters.
async fn begin<'a>(connection: &mut Session<sqlx::Postgres>, ask: &'a Ask) -> Result<Chooser<'a>, Error> {
    let mut owed: Vec<(i64, Option<String>, Option<i64>)> = Vec::new();
    if ask.has_rates() {
        owed = sqlx::query_as(RATES).bind(ask.rated()).fetch_all(connection).await?;
    }
    let now = owed.first().map_or(0, |(now, ..)| *now);
    let mut chooser = Chooser::new(ask, now, Debts::default());
    for (_, name, full_at) in &owed {
        if let (Some(name), Some(full_at)) = (name, full_at) {
            chooser.owes(name, None, *full_at);
        }
    }
    Ok(chooser)
}

/// A key of which as many run as may.
#[derive(Debug, serde::Serialize)]
struct Busy<'a> {
    name: &'a str,
    key: &'a str,
}

impl<'a> Busy<'a> {
    fn of((name, key): (&'a str, &'a str)) -> Self {
        Self { name, key }
    }
}

/// Names with the newest version of each that is read: newer payloads must not fill the page.
fn readable<'a>(known: impl Iterator<Item = &'a Known>) -> (Vec<&'static str>, Vec<i32>) {
    let newest = |version| i32::try_from(version).unwrap_or(i32::MAX);
    known.map(|known| (known.name, newest(known.version))).unzip()
}

#[cfg(test)]
mod tests;
