use std::collections::HashMap;

use groundcrew_sql::Session;
use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx::{self, Error};

use super::super::rows::{DeliveryRow, json, micros};
use super::now;
use crate::choose::Chooser;
use crate::debts::Debts;
use crate::{Ask, Priority};

/// How many candidates are looked at together, and how often.
const PAGE: usize = 256;
const PAGES: usize = 4;

const HAS_DUE: &str =
    "SELECT EXISTS (SELECT 1 FROM groundcrew_jobs WHERE state < 2 AND due_at <= ?1 AND priority = 1)
     OR EXISTS (SELECT 1 FROM groundcrew_jobs WHERE state < 2 AND due_at <= ?1 AND priority = 0)
     OR EXISTS (SELECT 1 FROM groundcrew_jobs WHERE state < 2 AND due_at <= ?1 AND priority = -1)";

const RUNNING: &str =
    "SELECT name, key, count(*) FROM groundcrew_jobs WHERE state = 1 AND due_at > ?1 GROUP BY name, key";

const CANDIDATES: &str = "SELECT j.id, j.name, j.version, j.key, j.due_at,
            (SELECT r.full_at FROM groundcrew_jobs_rates r WHERE r.name = j.name AND r.keyed = 1 AND r.key = j.key)
     FROM groundcrew_jobs j
     WHERE j.priority = ?1 AND j.state < 2 AND j.due_at <= ?2
       AND j.version <= (SELECT k.value ->> 'version' FROM json_each(?3) k WHERE k.value ->> 'name' = j.name)
       AND NOT EXISTS (SELECT 1 FROM json_each(?4) b
                       WHERE b.value ->> 'name' = j.name AND b.value ->> 'key' = j.key)
       AND j.id NOT IN (SELECT c.value FROM json_each(?5) c)
       AND (j.key IS NULL OR NOT EXISTS (
            SELECT 1 FROM json_each(?7) k
            JOIN groundcrew_jobs_rates r ON r.name = j.name AND r.keyed = 1 AND r.key = j.key
            WHERE k.value ->> 'name' = j.name
              AND r.full_at > k.value ->> 'over' AND r.full_at <= k.value ->> 'most'))
     ORDER BY j.due_at, j.id LIMIT ?6";

const TAKE: &str = "UPDATE groundcrew_jobs SET state = 1, crashes = crashes + (state = 1), due_at = ?1 + ?2,
        token = token + 1, worker = ?3
     WHERE id IN (SELECT c.value FROM json_each(?4) c)
     RETURNING id, name, version, payload, priority, key, unique_key, enqueued_at, attempts, max_attempts, crashes,
        history, trace, checkpoint, token, due_at";

const RATES: &str = "SELECT name, full_at FROM groundcrew_jobs_rates
     WHERE keyed = 0 AND name IN (SELECT n.value FROM json_each(?1) n)";

const OWE: &str = "INSERT INTO groundcrew_jobs_rates (name, keyed, key, full_at)
     SELECT d.value ->> 'name', d.value ->> 'key' IS NOT NULL, coalesce(d.value ->> 'key', ''), d.value ->> 'full_at'
     FROM json_each(?1) d WHERE true
     ON CONFLICT (name, keyed, key) DO UPDATE SET full_at = excluded.full_at";

/// A job that may be chosen, with when it is due and what its key owes.
type Candidate = (String, String, i32, Option<String>, i64, Option<i64>);

/// The jobs that are to be taken, and when each was due: `RETURNING` knows only what it is changed to.
type Chosen = HashMap<String, i64>;

#[derive(Debug, serde::Serialize)]
struct Open {
    name: &'static str,
    version: u32,
}

#[derive(Debug, serde::Serialize)]
struct Busy<'a> {
    name: &'a str,
    key: &'a str,
}

/// Whether there may be something to reserve: a poll that finds nothing does not take the writer.
pub(super) async fn has_due(sqlite: &Sqlite) -> Result<bool, Error> {
    sqlx::query_scalar(HAS_DUE).bind(now()).fetch_one(sqlite.read()).await
}

pub(super) async fn reserve(sqlite: &Sqlite, ask: &Ask) -> Result<Vec<DeliveryRow>, Error> {
    let mut transaction = sqlite.begin().await?;
    // Only now is nobody else writing: what is owed must not have been written later.
    let now = now();
    let (chosen, debts) = choose(&mut transaction, ask, now).await?;
    let mut rows: Vec<DeliveryRow> = Vec::new();
    if !chosen.is_empty() {
        let owed = debts.changed();
        if !owed.is_empty() {
            sqlx::query(OWE).bind(json(&owed)).execute(&mut *transaction).await?;
        }
        rows = sqlx::query_as(TAKE)
            .bind(now)
            .bind(micros(ask.lease))
            .bind(&*ask.worker)
            .bind(json(&chosen.keys().collect::<Vec<_>>()))
            .fetch_all(&mut *transaction)
            .await?;
        for (id, .., due_at) in &mut rows {
            *due_at = chosen.get(id).copied().unwrap_or(*due_at);
        }
    }
    transaction.commit().await?;
    Ok(rows)
}

async fn choose(
    connection: &mut Session<sqlx::Sqlite>,
    ask: &Ask,
    now: i64,
) -> Result<(Chosen, Debts), Error> {
    let mut chooser = Chooser::new(ask, now, Debts::default());
    let rated = ask.rated();
    if !rated.is_empty() {
        let owed: Vec<(String, i64)> =
            sqlx::query_as(RATES).bind(json(&rated)).fetch_all(&mut *connection).await?;
        for (name, full_at) in &owed {
            chooser.owes(name, None, *full_at);
        }
    }
    let running: Vec<(String, Option<String>, i64)> =
        sqlx::query_as(RUNNING).bind(now).fetch_all(&mut *connection).await?;
    for (name, key, count) in running {
        chooser.runs(&name, key.as_deref(), u32::try_from(count).unwrap_or(u32::MAX));
    }
    let mut chosen = Chosen::new();
    for priority in Priority::ALL {
        for _ in 0..PAGES {
            let page = candidates(connection, ask, &chooser, priority, now, &chosen).await?;
            let before = chosen.len();
            for (id, name, version, key, due_at, full_at) in &page {
                if let (Some(key), Some(full_at)) = (key, full_at) {
                    chooser.owes(name, Some(key), *full_at);
                }
                if chooser.take(name, u32::try_from(*version).unwrap_or(u32::MAX), key.as_deref()) {
                    chosen.insert(id.clone(), *due_at);
                }
            }
            if chooser.is_full() {
                return Ok((chosen, chooser.into_debts()));
            }
            // Without one more chosen the next page would be the same.
            if page.len() < PAGE || chosen.len() == before {
                break;
            }
        }
    }
    Ok((chosen, chooser.into_debts()))
}

async fn candidates(
    connection: &mut Session<sqlx::Sqlite>,
    ask: &Ask,
    chooser: &Chooser<'_>,
    priority: Priority,
    now: i64,
    chosen: &Chosen,
) -> Result<Vec<Candidate>, Error> {
    let full: Vec<&str> = chooser.full_names().collect();
    let open = ask.known.iter().filter(|known| !full.contains(&known.name));
    let open: Vec<_> = open.map(|known| Open { name: known.name, version: known.version }).collect();
    let busy: Vec<_> = chooser.full_keys().map(|(name, key)| Busy { name, key }).collect();
    sqlx::query_as(CANDIDATES)
        .bind(priority.number())
        .bind(now)
        .bind(json(&open))
        .bind(json(&busy))
        .bind(json(&chosen.keys().collect::<Vec<_>>()))
        .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .bind(json(&chooser.key_rates().collect::<Vec<_>>()))
        .fetch_all(connection)
        .await
}
