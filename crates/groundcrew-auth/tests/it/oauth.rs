//! A sign-in against a provider on this machine.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use groundcrew_auth::oauth::{Callback, OAuth, OAuthError, Provider};
use groundcrew_client::ClientConfig;
use groundcrew_http::{HttpConfig, StatusCode};
use http::{HeaderMap, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::Url;

use crate::stage::{bounded, crew};

type Forms = Arc<Mutex<Vec<HashMap<String, String>>>>;

/// Takes the code `good` of whoever knows the verifier that it was told of first.
async fn exchange(State(forms): State<Forms>, form: String) -> (StatusCode, Json<Value>) {
    let form: HashMap<String, String> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let good = form.get("code").is_some_and(|code| code == "good");
    forms.lock().push(form);
    if good {
        (
            StatusCode::OK,
            Json(json!({ "access_token": "canary-token", "token_type": "Bearer", "scope": "identify" })),
        )
    } else {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
    }
}

async fn me(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let is_known = headers.get(header::AUTHORIZATION).is_some_and(|value| value == "Bearer canary-token");
    if is_known { Ok(Json(json!({ "id": "42" }))) } else { Err(StatusCode::UNAUTHORIZED) }
}

async fn provider() -> (OAuth, Forms) {
    let (crew, forms) = (crew(), Forms::default());
    let http = HttpConfig::ephemeral().bind(&crew).await.expect("a listener");
    let here = format!("http://{}", http.local_addr().expect("an address"));
    let routes =
        Router::new().route("/token", post(exchange)).route("/me", get(me)).with_state(forms.clone());
    http.serve(routes);
    let provider = Provider::new(format!("{here}/authorize?a=1"), format!("{here}/token"))
        .with_userinfo(format!("{here}/me"))
        .with_scopes("identify guilds");
    let client = ClientConfig::default().named("sign_in").build(&crew).expect("a client");
    let callback = "https://parcels.example/auth/callback";
    (OAuth::new(client, provider, "our-id", "our-canary-secret", callback), forms)
}

/// What the provider is told, and the cookie as the browser brings it back.
fn started(oauth: &OAuth, return_to: &str) -> (HashMap<String, String>, HeaderMap) {
    let started = oauth.start(return_to);
    let url = Url::parse(&started.location).expect("a URL");
    let query = url.query_pairs().into_owned().collect();
    let cookie = started.cookie.to_str().expect("text");
    assert!(
        cookie.starts_with("__Host-sign-in=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().expect("a pair");
    let headers = HeaderMap::from_iter([(header::COOKIE, pair.parse().expect("a value"))]);
    (query, headers)
}

fn callback(query: Value) -> Callback {
    serde_json::from_value(query).expect("a callback")
}

#[tokio::test]
async fn who_began_a_sign_in_ends_it_and_is_known() {
    bounded(async {
        let (oauth, forms) = provider().await;
        let (query, headers) = started(&oauth, "/page?a=1");
        for (name, value) in [
            ("a", "1"),
            ("response_type", "code"),
            ("client_id", "our-id"),
            ("redirect_uri", "https://parcels.example/auth/callback"),
            ("scope", "identify guilds"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        let answer = callback(json!({ "code": "good", "state": query["state"] }));
        let granted = oauth.finish(&answer, &headers).await.expect("granted");
        assert_eq!((granted.return_to.as_str(), granted.scope.as_deref()), ("/page?a=1", Some("identify")));
        let who: Value = oauth.userinfo(&granted.access_token).await.expect("known");
        assert_eq!(who["id"], "42");
        assert!(!format!("{granted:?} {oauth:?} {answer:?}").contains("canary"));

        let form = forms.lock().pop().expect("a form");
        assert_eq!(form["grant_type"], "authorization_code");
        // What the provider compares: the challenge it was told is of the verifier that comes now.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        assert_eq!(query["code_challenge"], challenge);
    })
    .await;
}

#[tokio::test]
async fn who_did_not_begin_it_cannot_end_it_and_the_provider_is_not_asked() {
    bounded(async {
        let (oauth, forms) = provider().await;
        let (mine, headers) = started(&oauth, "/");
        let (theirs, _) = started(&oauth, "/");
        for (query, headers) in [
            (json!({ "code": "good", "state": theirs["state"] }), headers.clone()),
            (json!({ "code": "good" }), headers.clone()),
            (json!({ "code": "good", "state": mine["state"] }), HeaderMap::new()),
            (json!({ "error": "access_denied", "state": "made up" }), headers.clone()),
        ] {
            let refused = oauth.finish(&callback(query.clone()), &headers).await;
            assert!(matches!(refused, Err(OAuthError::NotStarted)), "{query}: {refused:?}");
        }
        assert!(forms.lock().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_told_in_words_without_markup() {
    bounded(async {
        let (oauth, _) = provider().await;
        let (query, headers) = started(&oauth, "/");
        let answer = callback(json!({ "error": "access_denied<script>", "state": query["state"] }));
        let error = oauth.finish(&answer, &headers).await.expect_err("refused");
        assert_eq!(error.to_string(), "the sign-in was refused: access_deniedscript");
        let answer = callback(json!({ "code": "old", "state": query["state"] }));
        let error = oauth.finish(&answer, &headers).await.expect_err("refused");
        assert_eq!(error.to_string(), "the sign-in was refused: invalid_grant");
    })
    .await;
}
