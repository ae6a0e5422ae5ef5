//! Field note: unknown kid → rate-limited JWKS refetch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use groundcrew_auth::{AuthConfig, Jwks, Principal, PrincipalKind, Scopes, TokenError, Tokens};
use groundcrew_client::ClientConfig;
use groundcrew_http::{HttpConfig, StatusCode};
use groundcrew_telemetry::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Notify;

use crate::pairs::{Pair, ed};
use crate::stage::{bounded, crew};

const ISSUER: &str = "https://id.example";
const OTHER: &str = "https://other.example";

/// Somebody who issues tokens, and what others get from there.
#[derive(Clone, Default)]
struct Issuer {
    set: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicU32>,
    /// Somebody has asked.
    wanted: Arc<Notify>,
    /// While it is locked, nobody is answered.
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Issuer {
    async fn start(&self, crew: &groundcrew_runtime::Crew) -> String {
        let issuer = self.clone();
        let answer = move || {
            issuer.asked.fetch_add(1, Ordering::Relaxed);
            issuer.wanted.notify_one();
            let issuer = issuer.clone();
            async move {
                drop(issuer.gate.lock().await);
                let set = issuer.set.lock().clone();
                set.ok_or(StatusCode::SERVICE_UNAVAILABLE)
            }
        };
        let http = HttpConfig::ephemeral().bind(crew).await.expect("a listener");
        let address = http.local_addr().expect("an address");
        http.serve(Router::new().route("/jwks.json", get(answer)));
        format!("http://{address}/jwks.json")
    }

    /// Publishes these keys.
    fn publish(&self, pairs: &[(&str, &Pair)]) {
        let keys: Vec<_> = pairs
            .iter()
            .map(|(kid, pair)| {
                let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).expect("a key");
                let mut jwk =
                    jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::EdDSA).expect("a JWK");
                jwk.common.key_id = Some((*kid).to_owned());
                serde_json::to_value(jwk).expect("JSON")
            })
            .chain([json!({ "kty": "of tomorrow", "kid": "x" })])
            .collect();
        *self.set.lock() = Some(json!({ "keys": keys }).to_string());
    }
}

fn token(pair: &Pair, kid: &str, issuer: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let claims = json!({ "iss": issuer, "aud": "parcels", "sub": "user-1", "exp": since.as_secs() + 60, "scope": "a" });
    let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).expect("a key");
    encode(&Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }, &claims, &key)
        .expect("signed")
}

async fn trusting(issuer: &Issuer, pause: Duration) -> Tokens {
    trusting_all(&[(issuer, ISSUER)], pause).await
}

async fn trusting_all(issuers: &[(&Issuer, &str)], pause: Duration) -> Tokens {
    let ours = crew();
    let config = ClientConfig { max_retries: 0, ..ClientConfig::default() };
    let client = config.named("identity").build(&ours).expect("a client");
    let config = AuthConfig::of("a secret of at least thirty-two characters");
    let mut tokens = config.tokens(&ours).expect("tokens");
    for (issuer, name) in issuers {
        let url = issuer.start(&crew()).await;
        tokens = tokens.trusting(Jwks::with_pause(client.clone(), url, *name, pause));
    }
    tokens
}

#[tokio::test]
async fn a_token_of_a_published_key_is_believed_under_its_issuers_name() {
    bounded(async {
        let (issuer, pair) = (Issuer::default(), ed());
        issuer.publish(&[("k1", &pair)]);
        let tokens = trusting(&issuer, Duration::from_secs(30)).await;
        for _ in 0..5 {
            let who = tokens.verify(&token(&pair, "k1", ISSUER)).await.expect("believed");
            assert_eq!(who.subject, "https://id.example|user-1");
        }
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
        // Its key does not speak for us, nor ours for it.
        assert_eq!(tokens.verify(&token(&pair, "k1", "parcels")).await, Err(TokenError::UnknownKey));
        let ours =
            tokens.issue(&Principal::new("user-1", Scopes::none(), PrincipalKind::Session)).expect("a token");
        assert_eq!(tokens.verify(ours.token.expose()).await.expect("believed").subject, "user-1");
    })
    .await;
}

#[tokio::test]
async fn a_new_key_is_fetched_and_made_up_ones_are_not_asked_for_each() {
    bounded(async {
        let (issuer, old, new) = (Issuer::default(), ed(), ed());
        issuer.publish(&[("old", &old)]);
        let tokens = trusting(&issuer, Duration::ZERO).await;
        assert!(tokens.verify(&token(&old, "old", ISSUER)).await.is_ok());
        issuer.publish(&[("old", &old), ("new", &new)]);
        assert!(tokens.verify(&token(&new, "new", ISSUER)).await.is_ok(), "rotated in");
        assert!(tokens.verify(&token(&old, "old", ISSUER)).await.is_ok(), "still there");
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 2);

        let issuer = Issuer::default();
        issuer.publish(&[("old", &old)]);
        let tokens = trusting(&issuer, Duration::from_secs(3_600)).await;
        for at in 0..100 {
            let made_up = token(&new, &format!("k{at}"), ISSUER);
            assert_eq!(tokens.verify(&made_up).await, Err(TokenError::UnknownKey));
        }
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    })
    .await;
}

/// The control for the pause: without one, whoever makes up key ids makes as many requests.
#[tokio::test]
async fn without_a_pause_each_made_up_key_would_be_a_request() {
    bounded(async {
        let (issuer, pair) = (Issuer::default(), ed());
        issuer.publish(&[]);
        let tokens = trusting(&issuer, Duration::ZERO).await;
        for at in 0..10 {
            let made_up = token(&pair, &format!("k{at}"), ISSUER);
            assert_eq!(tokens.verify(&made_up).await, Err(TokenError::UnknownKey));
        }
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 10);
    })
    .await;
}

#[tokio::test]
async fn an_issuer_that_is_away_is_no_fault_of_the_token_and_known_keys_stay_good() {
    bounded(async {
        let (issuer, pair, other) = (Issuer::default(), ed(), ed());
        let tokens = trusting(&issuer, Duration::ZERO).await;
        assert_eq!(tokens.verify(&token(&pair, "k1", ISSUER)).await, Err(TokenError::KeysUnavailable));
        issuer.publish(&[("k1", &pair)]);
        assert!(tokens.verify(&token(&pair, "k1", ISSUER)).await.is_ok());
        *issuer.set.lock() = None;
        assert!(tokens.verify(&token(&pair, "k1", ISSUER)).await.is_ok());
        assert_eq!(tokens.verify(&token(&other, "k2", ISSUER)).await, Err(TokenError::KeysUnavailable));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch_that_others_need() {
    bounded(async {
        let (issuer, pair) = (Issuer::default(), ed());
        issuer.publish(&[("k1", &pair)]);
        let tokens = trusting(&issuer, Duration::from_secs(3_600)).await;
        let token = token(&pair, "k1", ISSUER);
        let closed = issuer.gate.lock().await;
        tokio::select! {
            result = tokens.verify(&token) => panic!("nobody has answered: {result:?}"),
            () = issuer.wanted.notified() => {}
        }
        drop(closed);
        assert!(tokens.verify(&token).await.is_ok());
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    })
    .await;
}

#[tokio::test]
async fn a_caller_waits_for_keys_no_longer_than_its_own_deadline_and_the_fetch_goes_on() {
    bounded(async {
        let (issuer, pair) = (Issuer::default(), ed());
        issuer.publish(&[("k1", &pair)]);
        let tokens = trusting(&issuer, Duration::from_secs(3_600)).await;
        let token = token(&pair, "k1", ISSUER);
        let closed = issuer.gate.lock().await;
        for caller in ["the one that has it fetched", "one that waits for that"] {
            let asked = Instant::now();
            let hasty = Context::random().with_timeout(Duration::from_millis(50)).into_arc();
            assert_eq!(hasty.scope(tokens.verify(&token)).await, Err(TokenError::KeysUnavailable));
            // The client would give up after ten seconds.
            assert!(asked.elapsed() < Duration::from_secs(5), "{caller}: {:?}", asked.elapsed());
        }
        drop(closed);
        assert!(tokens.verify(&token).await.is_ok());
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    })
    .await;
}

#[tokio::test]
async fn two_issuers_that_name_their_keys_the_same_are_both_believed() {
    bounded(async {
        let (one, two, first, second) = (Issuer::default(), Issuer::default(), ed(), ed());
        one.publish(&[("1", &first)]);
        two.publish(&[("1", &second)]);
        let tokens = trusting_all(&[(&one, ISSUER), (&two, OTHER)], Duration::from_secs(3_600)).await;
        for (pair, issuer) in [(&first, ISSUER), (&second, OTHER)] {
            let who = tokens.verify(&token(pair, "1", issuer)).await.expect("believed");
            assert_eq!(who.subject, format!("{issuer}|user-1"));
        }
        assert_eq!(tokens.verify(&token(&second, "1", ISSUER)).await, Err(TokenError::Signature));
    })
    .await;
}

#[tokio::test]
async fn an_issuer_may_name_its_key_as_we_name_ours() {
    bounded(async {
        let (issuer, pair) = (Issuer::default(), ed());
        let tokens = trusting(&issuer, Duration::from_secs(3_600)).await;
        let who = Principal::new("user-1", Scopes::none(), PrincipalKind::Session);
        let ours = tokens.issue(&who).expect("a token");
        let kid = jsonwebtoken::decode_header(ours.token.expose()).expect("a header").kid.expect("a name");
        issuer.publish(&[(kid.as_str(), &pair)]);
        let theirs = tokens.verify(&token(&pair, &kid, ISSUER)).await.expect("believed");
        assert_eq!(theirs.subject, "https://id.example|user-1");
        assert_eq!(tokens.verify(ours.token.expose()).await.expect("believed").subject, "user-1");
    })
    .await;
}

#[tokio::test]
async fn an_issuer_that_never_answers_delays_no_token_of_another() {
    bounded(async {
        let (away, here, pair) = (Issuer::default(), Issuer::default(), ed());
        here.publish(&[("1", &pair)]);
        let tokens = trusting_all(&[(&away, OTHER), (&here, ISSUER)], Duration::from_secs(3_600)).await;
        let _closed = away.gate.lock().await;
        assert!(tokens.verify(&token(&pair, "1", ISSUER)).await.is_ok());
        assert_eq!(away.asked.load(Ordering::Relaxed), 0, "nobody showed a token of it");
    })
    .await;
}
