use groundcrew::sql::Postgres;

use super::{NewRow, Row};

pub(super) async fn insert(database: &Postgres, row: NewRow) -> sqlx::Result<()> {
    let insert = sqlx::query("INSERT INTO summaries VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(row.id)
        .bind(row.created_ms)
        .bind(row.title)
        .bind(row.excerpt)
        .bind(row.messages)
        .bind(row.participants)
        .bind(row.document)
        .execute(database);
    database.connections().timed("insert_summary", insert).await.map(drop)
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
