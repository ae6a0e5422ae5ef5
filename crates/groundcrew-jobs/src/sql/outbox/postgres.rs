use groundcrew_sql::Postgres;
use groundcrew_sql::Session;
use groundcrew_sql::sqlx::{self, Error};

use super::super::postgres::now;
use super::{BATCH, Passed, Row, send};
use crate::Backend;

const POST: &str = concat!(
    "INSERT INTO groundcrew_jobs_outbox (record, at, due_at) VALUES ($1, ",
    now!(),
    ", ",
    now!(),
    ")"
);

const NEXT: &str = concat!(
    "SELECT seq, record, attempts FROM groundcrew_jobs_outbox WHERE due_at <= ",
    now!(),
    " ORDER BY due_at, seq LIMIT $1 FOR UPDATE SKIP LOCKED"
);

const LATER: &str = concat!(
    "UPDATE groundcrew_jobs_outbox o SET attempts = o.attempts + 1, due_at = ",
    now!(),
    " + r.due_in
     FROM unnest($1::bigint[], $2::bigint[]) AS r(seq, due_in) WHERE o.seq = r.seq"
);

pub(in super::super) async fn post(
    connection: &mut Session<sqlx::Postgres>,
    record: &str,
) -> Result<(), Error> {
    sqlx::query(POST).bind(record).execute(connection).await?;
    Ok(())
}

/// Rows stay locked until their confirms are there, so that no two relays send the same.
pub(super) async fn pass(postgres: &Postgres, backend: &dyn Backend) -> Result<Passed, Error> {
    let mut transaction = postgres.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(NEXT).bind(BATCH).fetch_all(&mut *transaction).await?;
    if rows.is_empty() {
        transaction.rollback().await?;
        return Ok(Passed::default());
    }
    let sorted = send(backend, rows).await;
    sqlx::query("DELETE FROM groundcrew_jobs_outbox WHERE seq = ANY($1)")
        .bind(&sorted.sent)
        .execute(&mut *transaction)
        .await?;
    if !sorted.refused.is_empty() {
        let (seqs, due): (Vec<i64>, Vec<i64>) = sorted.refused.iter().copied().unzip();
        sqlx::query(LATER).bind(seqs).bind(due).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(sorted.passed())
}

/// How many there are, and when the oldest was written.
pub(super) async fn count(postgres: &Postgres) -> Result<(i64, Option<i64>), Error> {
    sqlx::query_as("SELECT count(*), min(at) FROM groundcrew_jobs_outbox").fetch_one(postgres).await
}
