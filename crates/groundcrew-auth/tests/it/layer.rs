//! What clients are answered, over the whole stack.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groundcrew_auth::{
    Auth, AuthConfig, NewKey, Principal, PrincipalKind, RequireScope, Scopes, SessionCookie, names,
};
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::databases::{Stage, postgres, sqlite};
use crate::stage::{bounded, crew};

const SECRET: &str = "a secret of at least thirty-two characters";

fn routes() -> Router {
    Router::new()
        .route("/write", post(|| async { "written" }).layer(RequireScope::new("parcels:write")))
        .route("/me", get(|who: Principal| async move { who.subject }))
        .route(
            "/anybody",
            get(|who: Option<Principal>| async move { who.map_or("nobody".into(), |who| who.subject) }),
        )
        .route("/known", get(|| async { "known" }).layer(RequireScope::none()))
}

struct Answer {
    status: StatusCode,
    challenge: Option<String>,
    body: String,
}

impl Answer {
    fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).expect("a problem");
        body["code"].as_str().expect("a code").to_owned()
    }
}

async fn ask(routes: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response =
        routes.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().expect("text").to_owned());
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 16).await.expect("a body");
    Answer { status, challenge, body: String::from_utf8(body.to_vec()).expect("text") }
}

fn who(scopes: &str) -> Principal {
    Principal::new("user-1", scopes.parse().expect("scopes"), PrincipalKind::Session)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_allow() {
    let crew = crew();
    let tokens = AuthConfig::of(SECRET).tokens(&crew).expect("tokens");
    let routes = routes().layer(Auth::new(&crew).expect("auth").tokens(tokens.clone()));
    let reader = bearer(tokens.issue(&who("parcels:read")).expect("a token").token.expose());
    let writer = bearer(tokens.issue(&who("parcels:write")).expect("a token").token.expose());

    let answer = ask(&routes, "POST", "/write", &[("authorization", &writer)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "written"));
    assert_eq!(ask(&routes, "GET", "/me", &[("authorization", &reader)]).await.body, "user-1");
    assert_eq!(ask(&routes, "GET", "/known", &[("authorization", &reader)]).await.status, StatusCode::OK);

    let answer = ask(&routes, "POST", "/write", &[("authorization", &reader)]).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE"));
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"parcels:write\"";
    assert_eq!(answer.challenge.as_deref(), Some(challenge));

    let metrics = crew.metrics().encode();
    for (kind, outcome, count) in [("token", "allowed", 4), ("token", "forbidden", 1)] {
        let line = format!("{}{{kind=\"{kind}\",outcome=\"{outcome}\"", names::DECISIONS);
        let found = metrics.lines().find(|known| known.starts_with(&line)).expect("a line");
        assert!(found.ends_with(&format!(" {count}")), "{found}");
    }
}

#[tokio::test]
async fn what_somebody_may_is_judged_at_each_request() {
    let crew = crew();
    let tokens = AuthConfig::of(SECRET).tokens(&crew).expect("tokens");
    let bearer = bearer(tokens.issue(&who("parcels:write")).expect("a token").token.expose());
    let shown = [("authorization", bearer.as_str())];
    let auth = Auth::new(&crew).expect("auth").tokens(tokens);
    let judged = routes().layer(auth.clone().judge(|mut who| {
        who.scopes = Scopes::none();
        who
    }));
    assert_eq!(ask(&judged, "GET", "/me", &shown).await.body, "user-1");
    let answer = ask(&judged, "POST", "/write", &shown).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE"));
    // The control: nobody judges.
    assert_eq!(ask(&routes().layer(auth), "POST", "/write", &shown).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_shows_nothing_or_nonsense_is_answered_401() {
    let crew = crew();
    let tokens = AuthConfig::of(SECRET).tokens(&crew).expect("tokens");
    let routes = routes().layer(Auth::new(&crew).expect("auth").tokens(tokens));
    for path in ["/me", "/known"] {
        let answer = ask(&routes, "GET", path, &[]).await;
        assert_eq!((answer.status, answer.challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some("Bearer")));
        assert_eq!(answer.code(), "UNAUTHENTICATED");
    }
    assert_eq!(ask(&routes, "GET", "/anybody", &[]).await.body, "nobody");
    let key = format!("gck_{}", "a".repeat(49));
    for (name, value) in [
        ("authorization", "Bearer a.b.c"),
        ("authorization", "Basic YTpi"),
        ("authorization", &bearer(&key)),
        ("x-api-key", &key),
    ] {
        for path in ["/me", "/known", "/anybody"] {
            let answer = ask(&routes, "GET", path, &[(name, value)]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {value}");
            assert_eq!(answer.challenge.as_deref(), Some("Bearer error=\"invalid_token\""));
            assert!(!answer.body.contains("aaaa"), "it is not repeated");
        }
    }
}

/// Without the layer, a guarded route is closed: this is the control for all the others.
#[tokio::test]
async fn a_forgotten_layer_opens_nothing() {
    for (method, path) in [("POST", "/write"), ("GET", "/me"), ("GET", "/known"), ("GET", "/anybody")] {
        let answer = ask(&routes(), method, path, &[("authorization", "Bearer x")]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

async fn with_keys_and_sessions(
    stage: &Stage,
) -> (Router, groundcrew_auth::ApiKeys, groundcrew_auth::Sessions) {
    let config = AuthConfig { cache: Duration::ZERO, ..AuthConfig::of(SECRET) };
    let keys = config.keys(&stage.crew, &stage.database).await.expect("keys");
    let sessions = config.sessions(&stage.crew, &stage.database).await.expect("sessions");
    let auth = Auth::new(&stage.crew)
        .expect("auth")
        .tokens(config.tokens(&stage.crew).expect("tokens"))
        .keys(keys.clone())
        .sessions(sessions.clone(), SessionCookie::insecure("session"));
    (routes().layer(auth), keys, sessions)
}

#[tokio::test]
async fn a_key_opens_as_a_bearer_and_in_its_own_header() {
    bounded(async {
        let stage = sqlite().await;
        let (routes, keys, _) = with_keys_and_sessions(&stage).await;
        let made = keys.create(NewKey::new("user-1", "k").with_scopes(Scopes::all())).await.expect("a key");
        let secret = made.secret.expose();
        for (name, value) in [("authorization", bearer(secret)), ("x-api-key", secret.clone())] {
            assert_eq!(ask(&routes, "POST", "/write", &[(name, &value)]).await.status, StatusCode::OK);
        }
        keys.revoke(&made.key.id).await.expect("revoked");
        let answer = ask(&routes, "POST", "/write", &[("x-api-key", secret)]).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "INVALID_CREDENTIALS")
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_as_a_password_opens_what_only_reads() {
    bounded(async {
        let stage = sqlite().await;
        let (routes, keys, _) = with_keys_and_sessions(&stage).await;
        let made = keys.create(NewKey::new("user-1", "k").with_scopes(Scopes::all())).await.expect("a key");
        let value = format!("Basic {}", STANDARD.encode(format!("reader:{}", made.secret.expose())));
        let shown = [("authorization", value.as_str())];
        assert_eq!(ask(&routes, "GET", "/me", &shown).await.body, "user-1");
        let answer = ask(&routes, "POST", "/write", &shown).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "INVALID_CREDENTIALS")
        );
        let elsewhere = [shown[0], ("sec-fetch-site", "cross-site")];
        let answer = ask(&routes, "GET", "/me", &elsewhere).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "CROSS_SITE"));
        keys.revoke(&made.key.id).await.expect("revoked");
        assert_eq!(ask(&routes, "GET", "/me", &shown).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn a_password_is_asked_for_where_a_route_wants_that() {
    let crew = crew();
    let feed = get(|| async { "feed" }).layer(RequireScope::new("parcels:read").basic("parcels"));
    let routes = routes().route("/feed", feed).layer(Auth::new(&crew).expect("auth"));
    let challenges = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = routes.clone().oneshot(request).await.expect("an answer");
        let all = answer.headers().get_all("www-authenticate").iter();
        all.map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let basic = "Basic realm=\"parcels\", charset=\"UTF-8\"";
    assert_eq!(challenges("/feed").await, ["Bearer", basic]);
    assert_eq!(challenges("/me").await, ["Bearer"]);
}

#[tokio::test]
async fn a_cookie_opens_for_our_own_pages_alone() {
    bounded(async {
        let stage = sqlite().await;
        let (routes, _, sessions) = with_keys_and_sessions(&stage).await;
        let session = sessions.open_browser(&who("parcels:write")).await.expect("a session");
        let cookie = format!("session={}", session.token.expose());
        let ours = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask(&routes, "POST", "/write", &ours).await.status, StatusCode::OK);
        assert_eq!(ask(&routes, "GET", "/me", &[("cookie", &cookie)]).await.body, "user-1");
        for headers in [
            &[("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")][..],
            &[("cookie", cookie.as_str()), ("sec-fetch-site", "same-site")][..],
            &[("cookie", cookie.as_str()), ("host", "a.example"), ("origin", "https://b.example")][..],
            &[("cookie", cookie.as_str())][..],
        ] {
            let answer = ask(&routes, "POST", "/write", headers).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::FORBIDDEN, "CROSS_SITE"),
                "{headers:?}"
            );
        }
        sessions.end(&session.id).await.expect("ended");
        assert_eq!(ask(&routes, "GET", "/me", &ours).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_never_a_pass() {
    bounded(async {
        let mut stage = postgres().await;
        let (routes, keys, sessions) = with_keys_and_sessions(&stage).await;
        let made = keys.create(NewKey::new("user-1", "k").with_scopes(Scopes::all())).await.expect("a key");
        let session = sessions.open_browser(&who("*")).await.expect("a session");
        let (key, cookie) = (made.secret.expose().clone(), format!("session={}", session.token.expose()));
        stage.server.as_mut().expect("a server").kill().expect("killed");
        for headers in [[("x-api-key", key.as_str())], [("cookie", cookie.as_str())]] {
            for path in ["/me", "/known", "/anybody"] {
                let answer = ask(&routes, "GET", path, &headers).await;
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
                assert_eq!(answer.code(), "AUTH_UNAVAILABLE");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_on_this_machine_is_known_without_showing_anything() {
    let crew = crew();
    let local = Principal::new("operator", Scopes::all(), PrincipalKind::Local);
    let tokens = AuthConfig::of(SECRET).tokens(&crew).expect("tokens");
    let routes = routes().layer(Auth::new(&crew).expect("auth").tokens(tokens).local(local));
    let here = ("host", "127.0.0.1:5000");
    assert_eq!(ask(&routes, "POST", "/write", &[here]).await.status, StatusCode::OK);
    let refused = ask(&routes, "POST", "/write", &[here, ("sec-fetch-site", "cross-site")]).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "CROSS_SITE"));
    let rebound = ask(&routes, "POST", "/write", &[("host", "evil.example:5000")]).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    let nonsense = ask(&routes, "POST", "/write", &[here, ("authorization", "Bearer x")]).await;
    assert_eq!(nonsense.status, StatusCode::UNAUTHORIZED, "what is shown and wrong is not overlooked");
}
