//! What becomes of an `Idempotency-Key`, operation by operation. Those that make summaries see to it themselves.

use groundcrew::auth::Principal;
use groundcrew::http::Problem;
use groundcrew::http::axum::extract::{Request, State};
use groundcrew::http::axum::middleware::{self, Next};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::axum::routing::MethodRouter;
use serde_json::{Value, json};

use super::openapi::{idempotency_key, problem};
use super::{App, schedules, webhooks};
use crate::auth::Deed;
use crate::replay::{self, Replayed};

/// What becomes of a request with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// It is done once, and its answer is kept.
    Once,
    /// It is refused: secrets are sent or answered there, and kept answers can be read in the database.
    Refused,
}

// === impl Repeat ===

impl Repeat {
    /// By the name of the operation in the OpenAPI document.
    fn of(operation: &str) -> Option<Self> {
        match operation {
            "create_schedule" | "pause_schedule" | "resume_schedule" | "run_schedule" | "enable_webhook"
            | "replay_delivery" => Some(Self::Once),
            "create_webhook" | "rotate_webhook" | "create_key" => Some(Self::Refused),
            // Tokens see to it themselves, as OAuth has it: a refresh token that comes again is found out, and to
            // revoke twice is to revoke.
            _ => None,
        }
    }
}

/// A route that does with keys what it should. It belongs behind the guard, whose refusals are not to be kept.
pub(super) fn around(operation: &str, route: MethodRouter<App>, app: &App) -> MethodRouter<App> {
    match Repeat::of(operation) {
        Some(Repeat::Once) => {
            let route = route.route_layer(middleware::from_fn_with_state(app.replays.clone(), replay::layer));
            match Deed::of(operation) {
                Some(deed) => route.route_layer(middleware::from_fn_with_state((app.clone(), deed), still)),
                None => route,
            }
        }
        Some(Repeat::Refused) => route.route_layer(middleware::from_fn(replay::refuse)),
        None => route,
    }
}

/// Gives an answer again to people who may still do that there: whoever has left a server sees nothing of it.
async fn still(State((app, deed)): State<(App, Deed)>, request: Request, next: Next) -> Response {
    let who = Principal::of(request.extensions()).cloned();
    let who = who.filter(|who| app.readers.of(who).person().is_some());
    let response = next.run(request).await;
    let (Some(who), Some(Replayed(id))) = (who, response.extensions().get().copied()) else {
        return response;
    };
    let judged = match deed {
        _ if !response.status().is_success() => Ok(()),
        Deed::ManageWebhooks => webhooks::found(&app, &who, id).await.map(drop),
        _ => schedules::found(&app, &who, id.into(), deed).await.map(drop),
    };
    judged.map_or_else(Problem::into_response, |()| response)
}

/// Each operation of the OpenAPI document says what becomes of a key.
pub(super) fn tell(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|all| all.values_mut()) {
        match operation["operationId"].as_str().and_then(Repeat::of) {
            Some(Repeat::Once) => take(operation),
            Some(Repeat::Refused) => {
                let words = "`IDEMPOTENCY_KEY_REFUSED`: send it without the header `Idempotency-Key`.";
                add(&mut operation["responses"], "400", words);
            }
            None => {}
        }
    }
}

fn take(operation: &mut Value) {
    let parameters = &mut operation["parameters"];
    if parameters.is_null() {
        *parameters = json!([]);
    }
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(idempotency_key());
    }
    let responses = &mut operation["responses"];
    add(responses, "400", "`INVALID_REQUEST`: the `Idempotency-Key` does not read.");
    add(
        responses,
        "404",
        "`NOT_FOUND`: what the key has made before is not there any more for whoever asks.",
    );
    add(responses, "409", "`IDEMPOTENCY_KEY_IN_USE`: a request with this key is under way.");
    add(responses, "422", "`IDEMPOTENCY_KEY_REUSED`: the key came with another request.");
    responses["409"]["headers"] = json!({"Retry-After": {
        "description": "With `IDEMPOTENCY_KEY_IN_USE`: seconds until its answer may be there.",
        "required": false,
        "schema": {"type": "integer", "minimum": 0},
    }});
}

/// One more problem that an operation may answer.
fn add(responses: &mut Value, status: &str, words: &str) {
    let words = match responses[status]["description"].as_str() {
        Some(others) => format!("{others} {words}"),
        None => words.to_owned(),
    };
    responses[status] = problem(&words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::openapi::document;

    #[test]
    fn every_post_but_those_of_tokens_says_what_becomes_of_a_key() {
        let document = document();
        let paths = document["paths"].as_object().expect("paths");
        let posts: Vec<&Value> = paths.values().filter_map(|path| path.get("post")).collect();
        assert!(posts.len() >= 15, "the search finds them: {}", posts.len());
        let of_tokens = |post: &Value| post["operationId"].as_str().is_some_and(|it| it.ends_with("_tokens"));
        assert_eq!(posts.iter().filter(|post| of_tokens(post)).count(), 3);
        for post in posts {
            let takes = post["parameters"].to_string().contains("Idempotency-Key");
            let refuses = post["responses"]["400"].to_string().contains("IDEMPOTENCY_KEY_REFUSED");
            let says = if of_tokens(post) { !takes && !refuses } else { takes != refuses };
            assert!(says, "{}", post["operationId"]);
        }
    }
}
