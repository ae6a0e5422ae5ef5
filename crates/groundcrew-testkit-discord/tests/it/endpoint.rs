//! Interactions over HTTP.

use crate::raw::Scene;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use groundcrew_testkit_discord::{Error, Via};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A bot with an endpoint; whether it looks at signatures.
#[derive(Clone)]
struct Endpoint {
    key: Vec<u8>,
    looks: bool,
}

async fn serve(scene: &Scene, looks: bool) -> String {
    let hex = scene.discord.public_key();
    let key = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let routes = Router::new().route("/interactions", post(answer)).with_state(Endpoint { key, looks });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/interactions", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

async fn answer(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let hex = text("x-signature-ed25519");
    let signature: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let message = [text("x-signature-timestamp").as_bytes(), &body].concat();
    let right = UnparsedPublicKey::new(&ED25519, &endpoint.key).verify(&message, &signature).is_ok();
    if endpoint.looks && !right {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let interaction: Value = serde_json::from_slice(&body).unwrap();
    match interaction["type"].as_u64() {
        Some(1) => Json(json!({"type": 1})).into_response(),
        _ => Json(json!({"type": 4, "data": {"content": "pong"}})).into_response(),
    }
}

#[tokio::test]
async fn a_signed_interaction_is_answered_in_the_response() {
    let scene = Scene::new().await;
    let url = serve(&scene, true).await;
    scene.discord.set_interactions_endpoint(Some(&url)).await.unwrap();
    let (_socket, _) = scene.session(1).await;
    let ping = scene.ping().await;
    let record = ping.answered().await.unwrap();
    assert_eq!((ping.content().as_str(), record.via), ("pong", Via::Http));
    // Not to the session too.
    assert_eq!(record.received.iter().map(|receipt| receipt.session).collect::<Vec<_>>(), [None]);
    assert!(record.answered_once());
}

#[tokio::test]
async fn an_endpoint_that_does_not_look_at_signatures_is_not_saved() {
    // Field note: 401 on a bad signature, Discord tests that.
    let scene = Scene::new().await;
    let url = serve(&scene, false).await;
    let error = scene.discord.set_interactions_endpoint(Some(&url)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Endpoint { problem, .. } if problem.contains("wrong signature")),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_away_leaves_the_interaction_unanswered_and_says_so() {
    let scene = Scene::new().await;
    let url = serve(&scene, true).await;
    scene.discord.set_interactions_endpoint(Some(&url)).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/interactions", listener.local_addr().unwrap());
    drop(listener);
    assert!(scene.discord.set_interactions_endpoint(Some(&gone)).await.is_err());
    // What was saved before stays.
    assert!(scene.ping().await.answered().await.is_ok());
}
