//! What the OpenAPI document says of who may ask.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::openapi::problem;
use crate::auth::{Deed, scope_of};
use crate::discord::access::Level;

/// How one says who one is: either of them.
pub(super) fn schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "An API key (`gck_…`), or a signed token.",
        },
        "password": {
            "type": "http", "scheme": "basic",
            "description": "An API key as the password of any user, to read feeds (RFC 7617).",
        },
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
        "session": {
            "type": "apiKey", "in": "cookie", "name": "__Host-summary-bot",
            "description": "A browser's, after `/auth/login`; for this service's own pages.",
        },
    })
}

/// Each operation needs a scope, and refuses who has none.
pub(super) fn require(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|all| all.values_mut()) {
        if operation["security"].is_array() {
            continue; // it says itself who may
        }
        let Some(name) = operation["operationId"].as_str() else { continue };
        let (scope, deed, is_feed) = (scope_of(name), Deed::of(name), name.starts_with("feed_"));
        let needed = if name == "who_am_i" { json!([]) } else { json!([scope]) };
        operation["security"] = json!([{"bearer": needed}, {"key": needed}, {"session": needed}]);
        if let Some(ways) = operation["security"].as_array_mut().filter(|_| is_feed) {
            ways.push(json!({"password": needed}));
        }
        let responses = &mut operation["responses"];
        let mut refused = problem("`UNAUTHENTICATED`, `INVALID_CREDENTIALS`, `TOKEN_EXPIRED`.");
        refused["headers"] = json!({"WWW-Authenticate": {
            "description": "How to say who asks (RFC 6750).", "schema": {"type": "string"},
        }});
        responses["401"] = refused;
        let mut forbidden = format!("`CROSS_SITE`; `INSUFFICIENT_SCOPE` without `{scope}`.");
        if let Some(deed) = deed {
            concern(responses, &mut forbidden, deed.level());
        }
        match responses["403"]["description"].as_str() {
            Some(words) if words != "`CROSS_SITE`." => {}
            _ => responses["403"] = problem(&forbidden),
        }
        let away = responses["503"]["description"]
            .as_str()
            .map(|words| words.replace("`STARTING`", "`AUTH_UNAVAILABLE`, `STARTING`"));
        if let Some(words) = away.filter(|words| words.matches("AUTH_UNAVAILABLE").count() == 1) {
            responses["503"]["description"] = words.into();
        }
    }
}

/// What concerns a server takes a level there, and Discord is asked who somebody is in it.
fn concern(responses: &mut Value, forbidden: &mut String, level: Level) {
    let _ = write!(
        forbidden,
        " `FORBIDDEN` for people whose level in the server is below `{}`, `CHANNEL_ACCESS_DENIED` for channels that \
         they cannot read.",
        level.name()
    );
    responses["502"] = problem("`DISCORD_REFUSED`: Discord did not accept what the bot asked.");
    if let Some(words) = responses["503"]["description"].as_str().filter(|words| !words.contains("DISCORD_"))
    {
        responses["503"]["description"] = format!("`DISCORD_UNAVAILABLE`, {words}").into();
    }
}
