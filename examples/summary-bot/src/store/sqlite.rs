use groundcrew::sql::Sqlite;

use super::{NewRow, Row};

pub(super) async fn insert(database: &Sqlite, row: NewRow) -> sqlx::Result<()> {
    let insert = sqlx::query("INSERT INTO summaries VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(row.id)
        .bind(row.created_ms)
        .bind(row.title)
        .bind(row.excerpt)
        .bind(row.messages)
        .bind(row.participants)
        .bind(row.document)
        .execute(database);
    database.write().timed("insert_summary", insert).await.map(drop)
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
