use groundcrew::sql::{Session, Sqlite};

use super::requests::{AskingRow, NewRequest, StandingRow};
use super::{NewRow, Row};

pub(super) async fn insert(database: &Sqlite, row: NewRow) -> sqlx::Result<()> {
    let mut connection = database.write().acquire().await?;
    database.write().timed("insert_summary", insert_in(&mut connection, row)).await
}

/// Also within a transaction.
pub(super) async fn insert_in(connection: &mut Session<sqlx::Sqlite>, row: NewRow) -> sqlx::Result<()> {
    let insert = sqlx::query(
        "INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, \
         guild_id, channel_id, requested_by, private) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

pub(super) async fn get(database: &Sqlite, id: &str) -> sqlx::Result<Option<String>> {
    let select = sqlx::query_scalar("SELECT document FROM summaries WHERE id = ?").bind(id);
    database.read().timed("select_summary", select.fetch_optional(database.read())).await
}

pub(super) async fn list(database: &Sqlite, before: &str, limit: u16) -> sqlx::Result<Vec<Row>> {
    let select = sqlx::query_as(
        "SELECT id, created_ms, title, excerpt, messages, participants FROM summaries \
         WHERE id < ? ORDER BY id DESC LIMIT ?",
    );
    let select = select.bind(before).bind(i64::from(limit));
    database.read().timed("list_summaries", select.fetch_all(database.read())).await
}

pub(super) async fn delete(database: &Sqlite, id: &str) -> sqlx::Result<bool> {
    let delete = sqlx::query("DELETE FROM summaries WHERE id = ?").bind(id).execute(database);
    let deleted = database.write().timed("delete_summary", delete).await?;
    Ok(deleted.rows_affected() > 0)
}

pub(super) async fn insert_request(
    connection: &mut Session<sqlx::Sqlite>,
    row: NewRequest,
) -> sqlx::Result<()> {
    let insert =
        sqlx::query("INSERT INTO requests (id, created_ms, media, query, body) VALUES (?, ?, ?, ?, ?)")
            .bind(row.id)
            .bind(row.created_ms)
            .bind(row.media)
            .bind(row.query)
            .bind(row.body);
    insert.execute(connection).await.map(drop)
}

pub(super) async fn asking(database: &Sqlite, id: &str) -> sqlx::Result<Option<AskingRow>> {
    let select = sqlx::query_as("SELECT media, query, body FROM requests WHERE id = ?").bind(id);
    database.read().timed("select_request", select.fetch_optional(database.read())).await
}

pub(super) async fn mark_answered(
    connection: &mut Session<sqlx::Sqlite>,
    id: &str,
    summary: &str,
) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE requests SET summary_id = ?, query = '[]', body = NULL WHERE id = ?");
    update.bind(summary).bind(id).execute(connection).await.map(drop)
}

/// Tells whether that is news.
pub(super) async fn refuse(
    connection: &mut Session<sqlx::Sqlite>,
    id: &str,
    problem: &str,
) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET problem = ?, query = '[]', body = NULL \
         WHERE id = ? AND summary_id IS NULL AND problem IS NULL",
    );
    let update = update.bind(problem).bind(id).execute(connection).await?;
    Ok(update.rows_affected() > 0)
}

pub(super) async fn standing(database: &Sqlite, id: &str) -> sqlx::Result<Option<StandingRow>> {
    let select = sqlx::query_as("SELECT summary_id, problem FROM requests WHERE id = ?").bind(id);
    database.read().timed("select_request", select.fetch_optional(database.read())).await
}
