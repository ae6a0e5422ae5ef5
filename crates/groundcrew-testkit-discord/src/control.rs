//! The same as the handles of tests, over HTTP: for other processes and other languages.

mod act;
mod make;

use crate::interaction::InteractionRecord;
use crate::rest::App;
use crate::{Report, Request, SessionInfo, Snowflake};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Waiting requests wait at most so long.
const LONGEST: Duration = Duration::from_secs(60);

/// Something that cannot be done, with the reason.
pub(crate) struct Refused(String);

#[derive(Debug, Deserialize)]
struct Wait {
    /// `received`, `acknowledged` or `answered`.
    #[serde(rename = "for")]
    state: Option<String>,
    seconds: Option<u64>,
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/control", get(info))
        .route("/control/report", get(report))
        .route("/control/requests", get(requests))
        .route("/control/sessions", get(sessions))
        .route("/control/commands", get(commands))
        .route("/control/guilds", post(make::guild))
        .route("/control/guilds/{guild}/roles", post(make::role))
        .route("/control/guilds/{guild}/members", post(make::member))
        .route("/control/guilds/{guild}/channels", post(make::channel))
        .route("/control/channels/{channel}/threads", post(make::thread))
        .route("/control/channels/{channel}/messages", post(make::message).get(messages))
        .route("/control/interactions", post(act::interaction).get(interactions))
        .route("/control/interactions/{id}", get(interaction))
        .route("/control/faults", post(act::fault).delete(act::clear_faults))
        .route("/control/gateway", post(act::gateway))
        .route("/control/interactions-endpoint", put(act::endpoint))
        .route("/control/sign-in", put(act::sign_in))
}

async fn info(State(app): State<App>) -> Json<Value> {
    let state = app.look();
    let application = &state.world.application;
    Json(json!({
        "api": app.url(""), "gateway": format!("ws://{}", app.address), "token": application.token,
        "application_id": application.id, "client_secret": application.client_secret,
        "public_key": application.public_key, "bot": application.bot, "owner": application.owner,
    }))
}

async fn report(State(app): State<App>) -> Json<Report> {
    Json(app.report())
}

async fn requests(State(app): State<App>) -> Json<Vec<Request>> {
    Json(app.look().ledger.requests().cloned().collect())
}

async fn sessions(State(app): State<App>) -> Json<Vec<SessionInfo>> {
    Json(app.look().sessions.list.iter().map(crate::gateway::Session::info).collect())
}

async fn commands(State(app): State<App>) -> Json<Value> {
    let state = app.look();
    let application = state.world.application.id;
    Json(state.world.commands.iter().map(|command| command.json(application)).collect())
}

async fn messages(State(app): State<App>, Path(channel): Path<Snowflake>) -> Json<Value> {
    let state = app.look();
    let messages =
        state.world.messages.get(&channel).into_iter().flat_map(std::collections::BTreeMap::values);
    Json(messages.map(|message| state.world.message_json(message)).collect())
}

async fn interactions(State(app): State<App>) -> Json<Vec<InteractionRecord>> {
    Json(app.look().interactions.all.values().map(|entry| entry.record.clone()).collect())
}

/// With `?for=answered&seconds=10` it waits for that; the answer says what there is in any case.
async fn interaction(
    State(app): State<App>,
    Path(id): Path<Snowflake>,
    Query(wait): Query<Wait>,
) -> Result<Json<InteractionRecord>, Refused> {
    let limit = Duration::from_secs(wait.seconds.unwrap_or(10)).min(LONGEST);
    let met = |record: &InteractionRecord| match wait.state.as_deref() {
        Some("received") => record.was_received(),
        Some("acknowledged") => record.acknowledged_after().is_some(),
        Some("answered") => record.answered,
        _ => true,
    };
    let seen = |state: &crate::shared::State| match state.interactions.all.get(&id) {
        Some(entry) if !met(&entry.record) => Err(String::new()),
        other => Ok(other.map(|entry| entry.record.clone())),
    };
    let record = match app.until("as asked", limit, seen).await {
        Ok(record) => record,
        Err(_) => app.look().interactions.all.get(&id).map(|entry| entry.record.clone()),
    };
    record.map(Json).ok_or_else(|| Refused("no such interaction".to_owned()))
}

// === impl Refused ===

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": self.0}))).into_response()
    }
}

impl From<crate::Error> for Refused {
    fn from(error: crate::Error) -> Self {
        Self(error.to_string())
    }
}
