//! Answers to interactions.

use super::App;
use crate::Snowflake;
use crate::error::ApiError;
use crate::validate::message::Body;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub(crate) struct Wishes {
    with_response: Option<bool>,
}

pub(crate) async fn callback(
    State(app): State<App>,
    Path((id, token)): Path<(Snowflake, String)>,
    Query(wishes): Query<Wishes>,
    body: Body,
) -> Result<Response, ApiError> {
    let message = app.change(|state| state.callback(&app.options, id, &token, &body))?;
    if wishes.with_response != Some(true) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let kind = body.json["type"].clone();
    let mut answer = json!({"interaction": {"id": id, "type": kind}});
    if let Some(message) = message {
        answer["interaction"]["response_message_id"] = message["id"].clone();
        answer["resource"] = json!({"type": kind, "message": message});
    }
    Ok(Json(answer).into_response())
}

pub(crate) async fn follow_up(
    State(app): State<App>,
    Path((application, token)): Path<(Snowflake, String)>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    app.change(|state| {
        ours(state, application)?;
        state.follow_up(&app.options, &token, &body).map(Json)
    })
}

pub(crate) async fn get_one(
    State(app): State<App>,
    Path((application, token, which)): Path<(Snowflake, String, String)>,
) -> Result<Json<Value>, ApiError> {
    app.change(|state| {
        ours(state, application)?;
        let (_, id) = state.answer_id(&app.options, &token, &which)?;
        let message = state.world.find_message(id).ok_or_else(ApiError::unknown_message)?;
        Ok(Json(state.world.message_json(message)))
    })
}

pub(crate) async fn edit(
    State(app): State<App>,
    Path((application, token, which)): Path<(Snowflake, String, String)>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    app.change(|state| {
        ours(state, application)?;
        state.edit_answer(&app.options, &token, &which, &body).map(Json)
    })
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((application, token, which)): Path<(Snowflake, String, String)>,
) -> Result<StatusCode, ApiError> {
    app.change(|state| {
        ours(state, application)?;
        state.delete_answer(&app.options, &token, &which)?;
        Ok(StatusCode::NO_CONTENT)
    })
}

fn ours(state: &crate::shared::State, application: Snowflake) -> Result<(), ApiError> {
    if application == state.world.application.id { Ok(()) } else { Err(ApiError::unknown_webhook()) }
}
