//! `GET` and `DELETE /api/v1/summaries/{id}`.

use groundcrew::auth::Principal;
use groundcrew::cache::LoadError;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::rejection::PathRejection;
use groundcrew::http::axum::extract::{Path, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::http::header::CONTENT_TYPE;
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::openapi::{answer, later, problem};
use super::{App, visible};
use crate::Origin;
use crate::workshop::storage_problem;

pub(super) async fn read(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let (json, _) = find(&app, &who, id(path)?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

pub(super) async fn delete(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id = id(path)?;
    let (_, origin) = find(&app, &who, id).await?;
    if !app.readers.of(&who).may_delete(&origin).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, "NOT_YOURS").detail(
            "somebody else has asked for this summary: they may delete it, an admin of its server, or an operator",
        ));
    }
    let deleted = app.store.delete(id).await.map_err(|error| storage_problem(&error))?;
    if let Err(error) = app.documents.remove(&id).await {
        // Its lifetime in the cache ends it, at the latest.
        tracing::warn!(%error, summary.id = %id, "a deleted summary is still in the shared cache");
    }
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// The document, for who may read it.
async fn find(app: &App, who: &Principal, id: Uuid) -> Result<(String, Origin), Problem> {
    let store = app.store.clone();
    let load = move || async move { store.get(id).await };
    let found = app.documents.get_or_load(&id, load).await.map_err(|error| cannot_load(&error))?;
    let json = found.ok_or_else(not_found)?;
    let origin = visible::origin(&json)?;
    if app.readers.of(who).may_read(&origin).await? { Ok((json, origin)) } else { Err(not_found()) }
}

fn cannot_load(error: &LoadError) -> Problem {
    match error.downcast_ref::<sqlx::Error>() {
        Some(error) => storage_problem(error),
        None => storage_problem(&sqlx::Error::Protocol(error.to_string())),
    }
}

/// What is no id is the id of nothing.
fn id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Problem> {
    let Path(text) = path?;
    Uuid::try_parse(&text).map_err(|_| not_found())
}

pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no summary with this id; it may have been deleted")
}

/// What the OpenAPI document says of `GET` on a summary.
pub(super) fn read_operation() -> Value {
    json!({
        "operationId": "get_summary",
        "tags": ["summaries"],
        "summary": "Read a summary",
        "parameters": [id_parameter()],
        "responses": {
            "200": answer("The summary.", "Summary"),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

/// What the OpenAPI document says of `DELETE`.
pub(super) fn delete_operation() -> Value {
    json!({
        "operationId": "delete_summary",
        "tags": ["summaries"],
        "summary": "Delete a summary",
        "parameters": [id_parameter()],
        "responses": {
            "204": {"description": "It is gone."},
            "403": problem("`CROSS_SITE`. `NOT_YOURS`: somebody else has asked for it; they may delete it, admins of its \
                server, and operators."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

fn id_parameter() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The summary's id.",
        "schema": {"type": "string", "format": "uuid"},
    })
}
