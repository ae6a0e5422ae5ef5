//! `GET` and `DELETE /api/v1/jobs/{id}`: how far a summary is that is made later, and calling it off.

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
use crate::request::{self, Standing};
use crate::store::Store;
use crate::workshop::storage_problem;

/// The answer to a conversation that is kept and will be summarised: because that was `preferred`, or since it is
/// large.
pub(super) async fn accepted(store: &Store, id: Uuid, preferred: bool) -> Result<Response, Problem> {
    let location = format!("{JOBS}/{id}");
    let body = Json(show(id, &standing(store, id).await?));
    let mut response = (StatusCode::ACCEPTED, [(LOCATION, location)], body).into_response();
    if preferred {
        let applied = HeaderName::from_static("preference-applied");
        response.headers_mut().insert(applied, RESPOND_ASYNC.parse().map_err(|_| not_found())?);
    }
    Ok(response)
}

pub(super) async fn read(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id = id(path)?;
    Ok(Json(show(id, &standing(&app.store, id).await?)))
}

pub(super) async fn cancel(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id = id(path)?;
    app.store.cancel(id).await.map_err(|error| storage_problem(&error))?;
    let standing = standing(&app.store, id).await?;
    if standing.state == request::State::Cancelled {
        return Ok(Json(show(id, &standing)));
    }
    Err(Problem::new(StatusCode::CONFLICT, "JOB_ENDED")
        .detail(format!("the job has {} already: there is nothing to call off", standing.state.name()))
        .with("state", standing.state.name()))
}

/// How a job stands; a problem where there is none.
pub(super) async fn standing(store: &Store, id: Uuid) -> Result<Standing, Problem> {
    let standing = store.standing(id).await.map_err(|error| storage_problem(&error))?;
    standing.ok_or_else(not_found)
}

/// A job as clients see it.
pub(super) fn show(id: Uuid, standing: &Standing) -> Value {
    let (summary, problem) = match &standing.state {
        request::State::Succeeded { summary } => (Some(format!("{SUMMARIES}/{summary}")), None),
        request::State::Failed { problem } => (None, serde_json::from_str::<Value>(problem).ok()),
        request::State::Pending | request::State::Cancelled => (None, None),
    };
    json!({
        "id": id,
        "state": standing.state.name(),
        "percent": standing.step.percent,
        "phase": standing.step.phase.name(),
        "created_at": standing.created_at,
        "summary": summary,
        "problem": problem,
    })
}

/// What is no id is the id of nothing.
pub(super) fn id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Problem> {
    let Path(text) = path?;
    Uuid::try_parse(&text).map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("there is no job with this id")
}

/// What the OpenAPI document says of `GET`.
pub(super) fn read_operation() -> Value {
    json!({
        "operationId": "get_job",
        "tags": ["jobs"],
        "summary": "How far a summary is that is made later",
        "parameters": [id_parameter()],
        "responses": {
            "200": answer("The job.", "Job"),
            "400": problem("`INVALID_REQUEST`: the path does not read."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

/// What the OpenAPI document says of `DELETE`.
pub(super) fn cancel_operation() -> Value {
    json!({
        "operationId": "cancel_job",
        "tags": ["jobs"],
        "summary": "Call off a summary that is made later",
        "description": "What was sent is forgotten at once. Calling off twice changes nothing.",
        "parameters": [id_parameter()],
        "responses": {
            "200": answer("The job, which is called off.", "Job"),
            "400": problem("`INVALID_REQUEST`: the path does not read."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "409": problem("`JOB_ENDED`: it has succeeded or failed already."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

pub(super) fn id_parameter() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The job's id.",
        "schema": {"type": "string", "format": "uuid"},
    })
}
