//! Plans as rows. One text of SQL for both databases, which read `$1` alike.

use groundcrew_sql::sqlx;
use groundcrew_sql::{DatabaseTransaction, RunsOn, Statement, Transaction};
use serde::Serialize;

use crate::Within;

/// `id, owner, name, job, timing, misfire, paused, reason, next_at, last_at, fired_at, last_job, fired, missed,
/// created_at, revision`.
pub(super) type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    bool,
    Option<String>,
    Option<i64>,
    i64,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
);

/// A transaction that plans can be written in: of `Postgres` or `Sqlite`, or whichever a `Database` is.
pub trait PlanRows: Within {
    /// Where statements run.
    #[doc(hidden)]
    fn on(&mut self) -> impl RunsOn<'_>;
}

/// How a plan moves on.
#[derive(Debug, Serialize)]
pub(super) struct Move {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) was: Option<i64>,
    pub(super) next: Option<i64>,
    pub(super) seen: i64,
    pub(super) fired_at: Option<i64>,
    pub(super) last_job: Option<String>,
    pub(super) fired: i64,
    pub(super) missed: i64,
}

macro_rules! columns {
    () => {
        "id, owner, name, job, timing, misfire, paused, reason, next_at, last_at, fired_at, last_job, fired, missed,
         created_at, revision"
    };
}

pub(super) const INSERT: &str = "INSERT INTO groundcrew_jobs_timetable
        (id, service, owner, name, kind, job, timing, misfire, paused, next_at, last_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";

/// Locks a plan for a change, and says how it stands: whoever saw it before does not move it any more.
pub(super) const TAKE: &str = concat!(
    "UPDATE groundcrew_jobs_timetable SET revision = revision + 1 WHERE service = $1 AND id = $2 RETURNING ",
    columns!()
);

pub(super) const CHANGE: &str = "UPDATE groundcrew_jobs_timetable
     SET name = $2, kind = $3, job = $4, timing = $5, misfire = $6, paused = $7, reason = $8, next_at = $9,
         last_at = $10, last_job = $11
     WHERE id = $1";

pub(super) const PAUSE: &str = "UPDATE groundcrew_jobs_timetable
     SET paused = $3, reason = $4, next_at = NULL, revision = revision + 1 WHERE service = $1 AND id = $2";

pub(super) const DELETE: &str = "DELETE FROM groundcrew_jobs_timetable WHERE service = $1 AND id = $2";

pub(super) const GET: &str =
    concat!("SELECT ", columns!(), " FROM groundcrew_jobs_timetable WHERE service = $1 AND id = $2");

pub(super) const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM groundcrew_jobs_timetable WHERE service = $1 AND owner = $2 AND name = $3"
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM groundcrew_jobs_timetable WHERE service = $1 AND owner = $2 AND id > $3
      AND (CAST($4 AS text) IS NULL OR kind = $4) ORDER BY id LIMIT $5"
);

pub(super) const LIST_ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM groundcrew_jobs_timetable WHERE service = $1 AND id > $2
      AND (CAST($3 AS text) IS NULL OR kind = $3) ORDER BY id LIMIT $4"
);

/// What is due, from a place in the order on.
pub(super) const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM groundcrew_jobs_timetable WHERE service = $1 AND next_at <= $2
      AND (next_at > $3 OR (next_at = $3 AND id > $4)) ORDER BY next_at, id LIMIT $5"
);

/// What is seen to up to a time that lies ahead, from a place in the order on.
pub(super) const ASTRAY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM groundcrew_jobs_timetable WHERE service = $1 AND next_at > $2 AND last_at > $2 AND id > $3
      ORDER BY id LIMIT $4"
);

pub(super) const EARLIEST: &str =
    "SELECT min(next_at) FROM groundcrew_jobs_timetable WHERE service = $1 AND next_at IS NOT NULL";

pub(super) const OWNED: &str =
    "SELECT count(*) FROM groundcrew_jobs_timetable WHERE service = $1 AND owner = $2";

pub(super) const COUNTS: &str = "SELECT count(next_at), sum(CASE WHEN paused THEN 1 ELSE 0 END),
        sum(CASE WHEN next_at IS NULL AND NOT paused THEN 1 ELSE 0 END)
     FROM groundcrew_jobs_timetable WHERE service = $1";

/// Until the transaction ends nobody else holds this. In SQLite there is one writer at a time anyway.
pub(super) fn hold(what: String) -> Statement<'static> {
    Statement::by_dialect("SELECT $1", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(what)
}

/// Moves plans on that are where they were seen, and gives the ids of those.
pub(super) fn advance(moves: String) -> Statement<'static> {
    Statement::by_dialect(ADVANCE_SQLITE, ADVANCE_POSTGRES).bind(moves)
}

const ADVANCE_POSTGRES: &str = "UPDATE groundcrew_jobs_timetable t SET next_at = r.next, last_at = r.seen,
        fired_at = coalesce(r.fired_at, t.fired_at), last_job = coalesce(r.last_job, t.last_job),
        fired = t.fired + r.fired, missed = t.missed + r.missed
     FROM json_to_recordset($1::json) AS r(id text, revision bigint, was bigint, next bigint, seen bigint,
        fired_at bigint, last_job text, fired bigint, missed bigint)
     WHERE t.id = r.id AND t.revision = r.revision AND t.next_at = r.was RETURNING t.id";

const ADVANCE_SQLITE: &str = "UPDATE groundcrew_jobs_timetable AS t SET next_at = r.value ->> 'next',
        last_at = r.value ->> 'seen', fired_at = coalesce(r.value ->> 'fired_at', t.fired_at),
        last_job = coalesce(r.value ->> 'last_job', t.last_job), fired = t.fired + (r.value ->> 'fired'),
        missed = t.missed + (r.value ->> 'missed')
     FROM json_each($1) AS r
     WHERE t.id = r.value ->> 'id' AND t.revision = r.value ->> 'revision' AND t.next_at = r.value ->> 'was'
     RETURNING id";

// === impl PlanRows ===

#[cfg(feature = "postgres")]
impl PlanRows for Transaction<sqlx::Postgres> {
    fn on(&mut self) -> impl RunsOn<'_> {
        self
    }
}

#[cfg(feature = "sqlite")]
impl PlanRows for Transaction<sqlx::Sqlite> {
    fn on(&mut self) -> impl RunsOn<'_> {
        self
    }
}

impl PlanRows for DatabaseTransaction {
    fn on(&mut self) -> impl RunsOn<'_> {
        self
    }
}
