use groundcrew::sql::{Postgres, Session};

use super::requests::{AskingRow, NewRequest, StandingRow};
use super::{NewRow, Row};

pub(super) async fn insert(database: &Postgres, row: NewRow) -> sqlx::Result<()> {
    let mut connection = database.connections().acquire().await?;
    database.connections().timed("insert_summary", insert_in(&mut connection, row)).await
}

/// Also within a transaction.
pub(super) async fn insert_in(connection: &mut Session<sqlx::Postgres>, row: NewRow) -> sqlx::Result<()> {
    let insert = sqlx::query(
        "INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, \
         guild_id, channel_id, requested_by, private) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    );
    let insert = insert
        .bind(row.id)
        .bind(row.created_ms)
        .bind(row.title)
        .bind(row.excerpt)
        .bind(row.messages)
        .bind(row.participants)
        .bind(row.document)
        .bind(row.origin.guild_id)
        .bind(row.origin.channel_id)
        .bind(row.origin.requested_by)
        .bind(row.origin.private);
    insert.execute(connection).await.map(drop)
}

pub(super) async fn get(database: &Postgres, id: &str) -> sqlx::Result<Option<String>> {
    let select = sqlx::query_scalar("SELECT document FROM summaries WHERE id = $1").bind(id);
    database.connections().timed("select_summary", select.fetch_optional(database)).await
}

pub(super) async fn list(database: &Postgres, before: &str, limit: u16) -> sqlx::Result<Vec<Row>> {
    let select = sqlx::query_as(
        "SELECT id, created_ms, title, excerpt, messages, participants FROM summaries \
         WHERE id < $1 ORDER BY id DESC LIMIT $2",
    );
    let select = select.bind(before).bind(i64::from(limit));
    database.connections().timed("list_summaries", select.fetch_all(database)).await
}

pub(super) async fn delete(database: &Postgres, id: &str) -> sqlx::Result<bool> {
    let delete = sqlx::query("DELETE FROM summaries WHERE id = $1").bind(id).execute(database);
    let deleted = database.connections().timed("delete_summary", delete).await?;
    Ok(deleted.rows_affected() > 0)
}

pub(super) async fn insert_request(
    connection: &mut Session<sqlx::Postgres>,
    row: NewRequest,
) -> sqlx::Result<()> {
    let insert =
        sqlx::query("INSERT INTO requests (id, created_ms, media, query, body) VALUES ($1, $2, $3, $4, $5)")
            .bind(row.id)
            .bind(row.created_ms)
            .bind(row.media)
            .bind(row.query)
            .bind(row.body);
    insert.execute(connection).await.map(drop)
}

pub(super) async fn asking(database: &Postgres, id: &str) -> sqlx::Result<Option<AskingRow>> {
    let select = sqlx::query_as("SELECT media, query, body FROM requests WHERE id = $1").bind(id);
    database.connections().timed("select_request", select.fetch_optional(database)).await
}

pub(super) async fn mark_answered(
    connection: &mut Session<sqlx::Postgres>,
    id: &str,
    summary: &str,
) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE requests SET summary_id = $1, query = '[]', body = NULL WHERE id = $2");
    update.bind(summary).bind(id).execute(connection).await.map(drop)
}

/// Tells whether that is news.
pub(super) async fn refuse(
    connection: &mut Session<sqlx::Postgres>,
    id: &str,
    problem: &str,
) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET problem = $1, query = '[]', body = NULL \
         WHERE id = $2 AND summary_id IS NULL AND problem IS NULL",
    );
    let update = update.bind(problem).bind(id).execute(connection).await?;
    Ok(update.rows_affected() > 0)
}

pub(super) async fn standing(database: &Postgres, id: &str) -> sqlx::Result<Option<StandingRow>> {
    let select = sqlx::query_as("SELECT summary_id, problem FROM requests WHERE id = $1").bind(id);
    database.connections().timed("select_request", select.fetch_optional(database)).await
}
