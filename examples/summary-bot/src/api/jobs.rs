//! `GET /api/v1/jobs/{id}`: how far a summary is that is made later.

use groundcrew::http::Problem;
use groundcrew::http::axum::Json;
use groundcrew::http::axum::extract::rejection::PathRejection;
use groundcrew::http::axum::extract::{Path, State};
use groundcrew::http::axum::http::header::LOCATION;
use groundcrew::http::axum::http::{HeaderName, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::openapi::{answer, later, problem};
use super::prefer::RESPOND_ASYNC;
use super::{App, JOBS, SUMMARIES};
use crate::request;
use crate::workshop::storage_problem;

/// The answer to a conversation that is kept and will be summarised.
pub(super) fn accepted(id: Uuid) -> Response {
    let location = format!("{JOBS}/{id}");
    let body = json!({"id": id, "state": request::State::Pending.name(), "summary": null, "problem": null});
    let headers =
        [(LOCATION, location.as_str()), (HeaderName::from_static("preference-applied"), RESPOND_ASYNC)];
    (StatusCode::ACCEPTED, headers, Json(body)).into_response()
}

pub(super) async fn read(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(text) = path?;
    let id = Uuid::try_parse(&text).map_err(|_| not_found())?;
    let standing = app.store.standing(id).await.map_err(|error| storage_problem(&error))?;
    let state = standing.ok_or_else(not_found)?;
    let (summary, problem) = match &state {
        request::State::Pending => (None, None),
        request::State::Succeeded { summary } => (Some(format!("{SUMMARIES}/{summary}")), None),
        request::State::Failed { problem } => (None, serde_json::from_str::<Value>(problem).ok()),
    };
    Ok(Json(json!({"id": id, "state": state.name(), "summary": summary, "problem": problem})))
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("there is no job with this id")
}

/// What the OpenAPI document says of it.
pub(super) fn operation() -> Value {
    json!({
        "operationId": "get_job",
        "tags": ["summaries"],
        "summary": "How far a summary is that is made later",
        "parameters": [{
            "name": "id", "in": "path", "required": true, "description": "The job's id.",
            "schema": {"type": "string", "format": "uuid"},
        }],
        "responses": {
            "200": answer("The job.", "Job"),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}
