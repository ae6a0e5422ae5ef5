//! `POST /discord/interactions`: interactions over HTTP, at every replica.

use std::sync::Arc;

use groundcrew::auth::ed25519::Verifier;
use groundcrew::axum::Json;
use groundcrew::axum::Router;
use groundcrew::axum::body::Bytes;
use groundcrew::axum::extract::State;
use groundcrew::axum::http::{HeaderMap, StatusCode};
use groundcrew::axum::routing::post;
use groundcrew::http::Problem;
use serde_json::{Value, json};
use serenity::model::application::Interaction as Theirs;
use tokio::sync::OnceCell;

use super::front::Front;
use super::incoming;

/// Takes interactions.
#[derive(Debug, Clone)]
struct Endpoint {
    front: Front,
    verifier: Arc<OnceCell<Verifier>>,
}

/// The route, to be merged with the others.
pub(super) fn routes(front: Front) -> Router {
    let endpoint = Endpoint { front, verifier: Arc::default() };
    Router::new().route("/discord/interactions", post(take)).with_state(endpoint)
}

async fn take(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let verifier = endpoint.verifier().await?;
    // Discord tries out whether a bad signature is refused.
    verifier
        .verify(&headers, &body)
        .map_err(|error| Problem::new(StatusCode::UNAUTHORIZED, "BAD_SIGNATURE").detail(error.to_string()))?;
    let theirs: Theirs = serde_json::from_slice(&body).map_err(|error| {
        tracing::warn!(%error, "an interaction does not read");
        Problem::new(StatusCode::BAD_REQUEST, "UNKNOWN_INTERACTION")
            .detail("this is no interaction that I know")
    })?;
    let Some(interaction) = incoming::interaction(theirs) else {
        return Ok(Json(json!({"type": 1}))); // PING
    };
    let front = endpoint.front.clone();
    // To the end, even if Discord hangs up.
    let word = endpoint.front.crew.detach("interaction", async move { front.respond(interaction).await });
    let word = word.await.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "STOPPING"))?;
    Ok(Json(word))
}

// === impl Endpoint ===

impl Endpoint {
    /// With the key from the configuration, or the one that Discord names.
    async fn verifier(&self) -> Result<&Verifier, Problem> {
        self.verifier
            .get_or_try_init(|| async {
                let key = match &self.front.config.public_key {
                    Some(key) => key.clone(),
                    None => self.front.rest.application().await.map_err(|error| error.problem())?.verify_key,
                };
                Verifier::parse(&key).map_err(|error| {
                    tracing::error!(%error, "discord.public_key is none");
                    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NO_PUBLIC_KEY")
                        .detail("the public key is not known")
                })
            })
            .await
    }
}
