//! What users do and what goes wrong, from JSON.

use super::Refused;
use crate::Snowflake;
use crate::fault::Fault;
use crate::gateway::Frame;
use crate::interaction::{Fire, Interaction, InteractionRecord, What, examine};
use crate::oauth::Consent;
use crate::rest::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

#[derive(Debug, Deserialize)]
pub(crate) struct Act {
    /// Who.
    user: Snowflake,
    /// Where; not needed for components and modals.
    channel: Option<Snowflake>,
    #[serde(flatten)]
    what: Asked,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Asked {
    Command {
        name: String,
        #[serde(default)]
        sub: Vec<String>,
        #[serde(default)]
        options: Map<String, Value>,
        /// The option that is being typed, and what is there already.
        completing: Option<(String, String)>,
    },
    MessageCommand {
        name: String,
        message: Snowflake,
    },
    UserCommand {
        name: String,
        target: Snowflake,
    },
    Component {
        message: Snowflake,
        custom_id: String,
        #[serde(default)]
        values: Vec<String>,
    },
    Modal {
        opened_by: Snowflake,
        #[serde(default)]
        texts: Map<String, Value>,
    },
}

/// What the gateway is to do.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum Gateway {
    Close { code: u16 },
    Reconnect,
    Invalidate { resumable: bool },
    Cut,
    Forget,
    Silence { silent: bool },
    Lose { event: String, times: u32 },
    Refuse { code: u16, times: u32 },
    Budget { remaining: u64 },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignIn {
    /// None: refuses.
    user: Option<Snowflake>,
}

pub(crate) async fn interaction(
    State(app): State<App>,
    Json(act): Json<Act>,
) -> Result<(StatusCode, Json<InteractionRecord>), Refused> {
    let fire = |what| Fire::new(Arc::clone(&app), what);
    let mut fire = match act.what {
        Asked::Command { name, sub, options, completing } => {
            let mut fire = fire(What::Command(name));
            for step in &sub {
                fire = fire.sub(step);
            }
            for (name, value) in options {
                fire = fire.option(&name, value);
            }
            match completing {
                Some((name, typed)) => fire.completing(&name, &typed),
                None => fire,
            }
        }
        Asked::MessageCommand { name, message } => fire(What::OnMessage(name, message)),
        Asked::UserCommand { name, target } => fire(What::OnUser(name, target)),
        Asked::Component { message, custom_id, values } => fire(What::Component(message, custom_id, values)),
        Asked::Modal { opened_by, texts } => {
            let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
            fire(What::Modal(opened_by, texts.into_iter().map(|(id, value)| (id, text(value))).collect()))
        }
    };
    if let Some(channel) = act.channel {
        fire = fire.in_channel(channel);
    }
    let fired: Interaction = fire.by(act.user).fire()?;
    Ok((StatusCode::CREATED, Json(fired.record())))
}

pub(crate) async fn fault(State(app): State<App>, Json(fault): Json<Fault>) -> StatusCode {
    app.change(|state| state.faults.add(fault));
    StatusCode::NO_CONTENT
}

pub(crate) async fn clear_faults(State(app): State<App>) -> StatusCode {
    app.change(|state| state.faults.clear());
    StatusCode::NO_CONTENT
}

pub(crate) async fn gateway(State(app): State<App>, Json(asked): Json<Gateway>) -> StatusCode {
    app.change(|state| {
        let sessions = &mut state.sessions;
        match asked {
            Gateway::Close { code } => sessions.broadcast(&Frame::Close(code, "as asked for")),
            Gateway::Reconnect => sessions.broadcast(&Frame::reconnect()),
            Gateway::Invalidate { resumable } => sessions.invalidate(resumable),
            Gateway::Cut => sessions.broadcast(&Frame::Cut),
            Gateway::Forget => sessions.list.clear(),
            Gateway::Silence { silent } => sessions.silent = silent,
            Gateway::Lose { event, times } => sessions.lose.push((event, times)),
            Gateway::Refuse { code, times } => sessions.refuse = (times > 0).then_some((code, times)),
            Gateway::Budget { remaining } => sessions.remaining = remaining,
        }
    });
    StatusCode::NO_CONTENT
}

pub(crate) async fn endpoint(
    State(app): State<App>,
    Json(asked): Json<Endpoint>,
) -> Result<Json<Value>, Refused> {
    if let Some(url) = &asked.url {
        examine(&app, url).await?;
    }
    app.change(|state| state.world.application.interactions_endpoint.clone_from(&asked.url));
    Ok(Json(json!({"url": asked.url})))
}

pub(crate) async fn sign_in(State(app): State<App>, Json(asked): Json<SignIn>) -> StatusCode {
    let answer = asked.user.map_or(Consent::Refuses, Consent::Agrees);
    app.change(|state| state.oauth.answer = Some(answer));
    StatusCode::NO_CONTENT
}
