//! Interactions over HTTP: signed, answered in the response, and the examination of an endpoint.

use super::Via;
use super::post::post;
use crate::Snowflake;
use crate::error::Error;
use crate::shared::Shared;
use crate::snowflake::now_ms;
use crate::validate::message::Body;
use serde_json::{Value, json};
use std::sync::Arc;

/// To the endpoint, if the application has one, or else to the sessions.
pub(crate) fn deliver(shared: &Arc<Shared>, id: Snowflake, guild: Snowflake, payload: Value) {
    let endpoint = shared.look().world.application.interactions_endpoint.clone();
    match endpoint {
        Some(url) => {
            let shared = Arc::clone(shared);
            tokio::spawn(async move { over_http(shared, url, id, payload).await });
        }
        None => shared.change(|state| state.sessions.dispatch_interaction(Some(guild), id, &payload)),
    }
}

async fn over_http(shared: Arc<Shared>, url: String, id: Snowflake, payload: Value) {
    shared.change(|state| {
        if let Some(entry) = state.interactions.all.get_mut(&id) {
            entry.record.via = Via::Http;
        }
    });
    let (timestamp, body) = ((now_ms() / 1000).to_string(), payload.to_string().into_bytes());
    let signature = shared.signer.sign(&timestamp, &body);
    let limit = shared.options.acknowledge_within;
    let answer = tokio::time::timeout(limit, post(&url, &timestamp, &signature, body)).await;
    let problem = match answer {
        Err(_) => Some(format!("no answer within {limit:?}")),
        Ok(Err(error)) => Some(error.to_string()),
        Ok(Ok((status, body))) => {
            shared.change(|state| state.interactions.received(id, None));
            take(&shared, id, status.as_u16(), &body)
        }
    };
    shared.change(|state| {
        if let Some(entry) = state.interactions.all.get_mut(&id) {
            entry.record.problem = problem;
        }
    });
}

/// What the response says is the acknowledgement; an empty 202 or 204 leaves that to the callback's route.
fn take(shared: &Shared, id: Snowflake, status: u16, body: &[u8]) -> Option<String> {
    if !(200..300).contains(&status) {
        return Some(format!("answered with {status}"));
    }
    if body.is_empty() {
        return None;
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return Some("answered with something that is not JSON".to_owned());
    };
    let body = Body { json, files: Vec::new() };
    let outcome = shared.change(|state| {
        let token = state.interactions.all.get(&id)?.token.clone();
        Some(state.callback(&shared.options, id, &token, &body))
    });
    match outcome {
        Some(Err(error)) => Some(format!("{}: {}", error.code, error.json())),
        _ => None,
    }
}

/// What Discord does before it saves an endpoint: a PING that is to be answered with a PONG, and one with a wrong
/// signature that is to be refused with 401.
pub(crate) async fn examine(shared: &Shared, url: &str) -> Result<(), Error> {
    let fails = |problem: String| Error::Endpoint { url: url.to_owned(), problem };
    let id = shared.change(|state| state.world.ids.next());
    let application = shared.look().world.application.id;
    let ping = json!({"id": id, "application_id": application, "type": 1, "token": "unused", "version": 1});
    let (timestamp, body) = ((now_ms() / 1000).to_string(), ping.to_string().into_bytes());
    let signature = shared.signer.sign(&timestamp, &body);
    let limit = shared.options.acknowledge_within;
    for (signature, expected) in [(signature.as_str(), 200), (&"0".repeat(128), 401)] {
        let answer = tokio::time::timeout(limit, post(url, &timestamp, signature, body.clone())).await;
        let (status, answer) = answer
            .map_err(|_| fails(format!("no answer within {limit:?}")))?
            .map_err(|error| fails(error.to_string()))?;
        if status.as_u16() != expected {
            let kind = if expected == 401 { "a wrong signature" } else { "a PING" };
            return Err(fails(format!("{kind} was answered with {status}, not {expected}")));
        }
        let said = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
        if expected == 200 && said["type"].as_u64() != Some(1) {
            return Err(fails(format!("a PING was answered with {said}, not with a PONG")));
        }
    }
    Ok(())
}
