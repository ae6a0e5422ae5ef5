use groundcrew::sql::{Postgres, Session};

use super::NewRow;
use super::listing::INDEXED;
use super::requests::{AskingRow, NewRequest, StandingRow};
use crate::words;

pub(super) async fn insert(database: &Postgres, row: NewRow) -> sqlx::Result<()> {
    let insert = async {
        let mut transaction = database.begin().await?;
        insert_in(&mut transaction, row).await?;
        transaction.commit().await
    };
    database.connections().timed("insert_summary", insert).await
}

/// Also within a transaction.
pub(super) async fn insert_in(connection: &mut Session<sqlx::Postgres>, row: NewRow) -> sqlx::Result<()> {
    let insert = sqlx::query(
        "INSERT INTO summaries (id, created_ms, title, excerpt, messages, participants, document, \
         guild_id, channel_id, requested_by, private, language, engine, words, indexed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::tsvector, $15)",
    );
    let insert = insert
        .bind(row.id.clone())
        .bind(row.created_ms)
        .bind(row.title)
        .bind(row.excerpt)
        .bind(row.messages)
        .bind(row.participants)
        .bind(row.document)
        .bind(row.origin.guild_id)
        .bind(row.origin.channel_id)
        .bind(row.origin.requested_by)
        .bind(row.origin.private)
        .bind(row.index.language)
        .bind(row.index.engine)
        .bind(words::tsvector(&row.index.words))
        .bind(INDEXED);
    insert.execute(&mut *connection).await?;
    let Some(people) = row.people else { return Ok(()) };
    let insert = sqlx::query(
        "INSERT INTO summary_people (summary_id, user_id, name) \
         SELECT $1, value->>0, value->>1 FROM json_array_elements($2::json) ON CONFLICT DO NOTHING",
    );
    insert.bind(row.id).bind(people).execute(connection).await.map(drop)
}

pub(super) async fn get(database: &Postgres, id: &str) -> sqlx::Result<Option<String>> {
    let select = sqlx::query_scalar("SELECT document FROM summaries WHERE id = $1").bind(id);
    database.connections().timed("select_summary", select.fetch_optional(database)).await
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
    let insert = sqlx::query(
        "INSERT INTO requests (id, created_ms, media, query, body, requested_by) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    let insert = insert
        .bind(row.id)
        .bind(row.created_ms)
        .bind(row.media)
        .bind(row.query)
        .bind(row.body)
        .bind(row.requested_by);
    insert.execute(connection).await.map(drop)
}

pub(super) async fn asking(database: &Postgres, id: &str) -> sqlx::Result<Option<AskingRow>> {
    let select =
        sqlx::query_as("SELECT media, query, body, requested_by FROM requests WHERE id = $1").bind(id);
    database.connections().timed("select_request", select.fetch_optional(database)).await
}

pub(super) async fn mark_answered(
    connection: &mut Session<sqlx::Postgres>,
    id: &str,
    summary: &str,
) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET summary_id = $1, problem = NULL, query = '[]', body = NULL, revision = revision + 1 \
         WHERE id = $2 AND NOT cancelled",
    );
    Ok(update.bind(summary).bind(id).execute(connection).await?.rows_affected() > 0)
}

/// Tells whether that is news.
pub(super) async fn refuse(
    connection: &mut Session<sqlx::Postgres>,
    id: &str,
    problem: &str,
) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET problem = $1, query = '[]', body = NULL, revision = revision + 1 \
         WHERE id = $2 AND summary_id IS NULL AND NOT cancelled",
    );
    let update = update.bind(problem).bind(id).execute(connection).await?;
    Ok(update.rows_affected() > 0)
}

/// Tells whether that is news.
pub(super) async fn give_up(
    connection: &mut Session<sqlx::Postgres>,
    id: &str,
    problem: &str,
) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET problem = $1, revision = revision + 1 \
         WHERE id = $2 AND summary_id IS NULL AND problem IS NULL AND NOT cancelled",
    );
    let update = update.bind(problem).bind(id).execute(connection).await?;
    Ok(update.rows_affected() > 0)
}

pub(super) async fn cancel(database: &Postgres, id: &str) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET cancelled = TRUE, query = '[]', body = NULL, revision = revision + 1 \
         WHERE id = $1 AND summary_id IS NULL AND problem IS NULL AND NOT cancelled",
    );
    let update = update.bind(id).execute(database);
    Ok(database.connections().timed("cancel_request", update).await?.rows_affected() > 0)
}

pub(super) async fn note(database: &Postgres, id: &str, percent: i64, phase: &str) -> sqlx::Result<bool> {
    let update = sqlx::query(
        "UPDATE requests SET percent = $1, phase = $2, \
         revision = revision + CASE WHEN percent <> $1 OR phase <> $2 THEN 1 ELSE 0 END \
         WHERE id = $3 AND summary_id IS NULL AND NOT cancelled",
    );
    let update = update.bind(percent).bind(phase).bind(id).execute(database);
    Ok(database.connections().timed("note_request", update).await?.rows_affected() > 0)
}

pub(super) async fn forget_requests(database: &Postgres, before_ms: i64) -> sqlx::Result<u64> {
    let delete = sqlx::query(
        "DELETE FROM requests WHERE created_ms < $1 \
         AND (summary_id IS NOT NULL OR problem IS NOT NULL OR cancelled)",
    );
    let delete = delete.bind(before_ms).execute(database);
    Ok(database.connections().timed("forget_requests", delete).await?.rows_affected())
}

pub(super) async fn standing(database: &Postgres, id: &str) -> sqlx::Result<Option<StandingRow>> {
    let select = sqlx::query_as(
        "SELECT summary_id, problem, cancelled, percent, phase, revision, created_ms FROM requests WHERE id = $1",
    );
    let select = select.bind(id);
    database.connections().timed("select_request", select.fetch_optional(database)).await
}
