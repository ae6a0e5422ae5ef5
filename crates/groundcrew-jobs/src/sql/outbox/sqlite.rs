use groundcrew_sql::Session;
use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx::{self, Error};

use super::super::sqlite::now;
use super::{BATCH, Passed, Row, send};
use crate::Backend;

const NEXT: &str = "SELECT seq, record, attempts FROM groundcrew_jobs_outbox WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT ?2";

pub(in super::super) async fn post(
    connection: &mut Session<sqlx::Sqlite>,
    record: &str,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO groundcrew_jobs_outbox (record, at, due_at) VALUES (?1, ?2, ?2)")
        .bind(record)
        .bind(now())
        .execute(connection)
        .await?;
    Ok(())
}

/// No lock is held while the broker confirms: everything else would wait for the only writer.
pub(super) async fn pass(sqlite: &Sqlite, backend: &dyn Backend) -> Result<Passed, Error> {
    let rows: Vec<Row> = sqlx::query_as(NEXT).bind(now()).bind(BATCH).fetch_all(sqlite.read()).await?;
    if rows.is_empty() {
        return Ok(Passed::default());
    }
    let sorted = send(backend, rows).await;
    let mut transaction = sqlite.begin().await?;
    sqlx::query("DELETE FROM groundcrew_jobs_outbox WHERE seq IN (SELECT value FROM json_each(?1))")
        .bind(super::super::rows::json(&sorted.sent))
        .execute(&mut *transaction)
        .await?;
    for (seq, due_in) in &sorted.refused {
        let later = "UPDATE groundcrew_jobs_outbox SET attempts = attempts + 1, due_at = ?2 WHERE seq = ?1";
        sqlx::query(later).bind(seq).bind(now() + due_in).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(sorted.passed())
}

/// How many there are, and when the oldest was written.
pub(super) async fn count(sqlite: &Sqlite) -> Result<(i64, Option<i64>), Error> {
    sqlx::query_as("SELECT count(*), min(at) FROM groundcrew_jobs_outbox").fetch_one(sqlite.read()).await
}
