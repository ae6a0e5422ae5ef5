//! Field note: jsonwebtoken has a leeway of 60 s, does not look at `nbf`, and checks `aud` and `iss` only where they
//! are present; the algorithm is to come from the key.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use groundcrew_auth::{AuthConfig, Principal, PrincipalKind, TokenError, Tokens, TokensError};
use groundcrew_config::{Environment, Secret};
use groundcrew_runtime::Crew;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};

use crate::pairs::{Pair, ec, ed, rsa};
use crate::stage::crew;

const SECRET: &str = "a secret of at least thirty-two characters";

fn config(keys: &[(&str, &str)], signing: Option<&str>) -> (AuthConfig, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let keys: BTreeMap<_, _> = keys
        .iter()
        .map(|(kid, pem)| {
            let path = folder.path().join(kid);
            std::fs::write(&path, pem).expect("written");
            ((*kid).to_owned(), path)
        })
        .collect();
    (AuthConfig { keys, signing_key: signing.map(str::to_owned), ..AuthConfig::default() }, folder)
}

fn tokens(keys: &[(&str, &str)], signing: Option<&str>) -> Tokens {
    config(keys, signing).0.tokens(&crew()).expect("tokens")
}

fn who() -> Principal {
    let data = json!({ "name": "Ada" }).as_object().cloned().unwrap_or_default();
    Principal::new("user-1", "parcels:read".parse().expect("scopes"), PrincipalKind::Session)
        .with_credential("session-1")
        .with_data(data)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

/// Good claims, with changes.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "parcels", "aud": "parcels", "sub": "user-1", "exp": now() + 60, "nbf": now(), "scope": "*"
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => claims.as_object_mut().map(|claims| claims.remove(name)),
            value => claims.as_object_mut().map(|claims| claims.insert(name.clone(), value.clone())),
        };
    }
    claims
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

/// A token of a published key, as its owner signs it.
fn signed(pair: &Pair, kid: &str, claims: &Value) -> String {
    let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).expect("a key");
    encode(&header(Algorithm::EdDSA, kid), claims, &key).expect("signed")
}

#[tokio::test]
async fn each_kind_of_key_signs_what_it_verifies() {
    for pair in [rsa(), ec(), ed()] {
        let tokens = tokens(&[("k1", &pair.private)], None);
        let issued = tokens.issue(&who()).expect("a token");
        let known = tokens.verify(issued.token.expose()).await.expect("believed");
        let mut expected = who();
        expected.kind = PrincipalKind::Token;
        assert_eq!(known, expected);
    }
    let tokens = AuthConfig::of(SECRET).tokens(&crew()).expect("tokens");
    let issued = tokens.issue(&who()).expect("a token");
    assert!(tokens.verify(issued.token.expose()).await.is_ok());
    assert!((890..=900).contains(&(issued.expires_at - now())), "15 minutes");
}

#[tokio::test]
async fn what_is_published_verifies_and_is_no_secret() {
    for pair in [rsa(), ec(), ed()] {
        let signer = tokens(&[("k1", &pair.private)], None);
        let set = signer.jwks();
        let keys = set["keys"].as_array().expect("keys");
        assert_eq!(
            (keys.len(), keys[0]["kid"].as_str(), keys[0]["use"].as_str()),
            (1, Some("k1"), Some("sig"))
        );
        for private in ["d", "p", "q", "k"] {
            assert!(keys[0].get(private).is_none(), "{private}");
        }
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys[0].clone()).expect("a JWK");
        let issued = signer.issue(&who()).expect("a token");
        let algorithm = jsonwebtoken::decode_header(issued.token.expose()).expect("a header").alg;
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["parcels"]);
        let key = DecodingKey::from_jwk(&jwk).expect("a key");
        assert!(decode::<Value>(issued.token.expose(), &key, &validation).is_ok());
    }
    let secret = AuthConfig::of(SECRET).tokens(&crew()).expect("tokens");
    assert_eq!(secret.jwks(), json!({ "keys": [] }));
    assert!(!format!("{secret:?} {:?}", AuthConfig::of(SECRET)).contains("thirty-two"));
}

#[tokio::test]
async fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let pair = rsa();
    let tokens = tokens(&[("k1", &pair.private)], None);
    let key = EncodingKey::from_secret(pair.public.as_bytes());
    let forged = encode(&header(Algorithm::HS256, "k1"), &claims(&json!({})), &key).expect("signed");
    assert_eq!(tokens.verify(&forged).await, Err(TokenError::Signature));

    // The control: whoever lets the header choose the algorithm, and hands the key over as bytes, believes it.
    let told = jsonwebtoken::decode_header(&forged).expect("a header").alg;
    let mut naive = Validation::new(told);
    naive.set_audience(&["parcels"]);
    let key = DecodingKey::from_secret(pair.public.as_bytes());
    assert!(decode::<Value>(&forged, &key, &naive).is_ok());
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let tokens = AuthConfig::of(SECRET).tokens(&crew()).expect("tokens");
    let issued = tokens.issue(&who()).expect("a token");
    let kid = jsonwebtoken::decode_header(issued.token.expose()).expect("a header").kid;
    let body = URL_SAFE_NO_PAD.encode(claims(&json!({})).to_string());
    for algorithm in ["none", "None", "NONE", ""] {
        let header =
            URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": algorithm, "kid": kid }).to_string());
        for forged in [format!("{header}.{body}."), format!("{header}.{body}")] {
            assert_eq!(tokens.verify(&forged).await, Err(TokenError::Malformed), "{algorithm:?}");
        }
    }
    let unsigned = issued.token.expose().rsplit_once('.').map(|(rest, _)| format!("{rest}."));
    assert_eq!(tokens.verify(&unsigned.expect("three parts")).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn a_token_that_names_another_key_is_refused() {
    let (mine, theirs) = (ed(), ed());
    let tokens = tokens(&[("mine", &mine.private), ("old", &theirs.public)], None);
    let swapped = signed(&theirs, "mine", &claims(&json!({})));
    assert_eq!(tokens.verify(&swapped).await, Err(TokenError::Signature));
    let unknown = signed(&mine, "nobody's", &claims(&json!({})));
    assert_eq!(tokens.verify(&unknown).await, Err(TokenError::UnknownKey));
    let without = encode(
        &Header::new(Algorithm::EdDSA),
        &claims(&json!({})),
        &EncodingKey::from_ed_pem(mine.private.as_bytes()).expect("a key"),
    );
    assert_eq!(tokens.verify(&without.expect("signed")).await, Err(TokenError::UnknownKey));
}

/// Whoever shares the secret knows no name for it.
#[tokio::test]
async fn a_token_that_names_no_key_is_good_if_a_secret_has_signed_it() {
    let before = "the secret before, just as long as that one";
    let mut config = AuthConfig::of(SECRET);
    config.jwt_secret_previous = Some(Secret::new(before.to_owned()));
    let tokens = config.tokens(&crew()).expect("tokens");
    let nameless = Header::new(Algorithm::HS256);
    let sign = |secret: &str, claims: &Value| {
        encode(&nameless, claims, &EncodingKey::from_secret(secret.as_bytes())).expect("signed")
    };
    let good = claims(&json!({}));
    for secret in [SECRET, before] {
        assert_eq!(tokens.verify(&sign(secret, &good)).await.expect("good").subject, "user-1");
    }
    let refused = tokens.verify(&sign("somebody else's secret of this length", &good)).await;
    assert!(matches!(refused, Err(TokenError::Signature)), "{refused:?}");
    let late = tokens.verify(&sign(SECRET, &claims(&json!({"exp": now() - 60})))).await;
    assert!(matches!(late, Err(TokenError::Expired)), "{late:?}");
}

#[tokio::test]
async fn a_previous_key_is_good_while_keys_are_rotated() {
    let (old, new) = (rsa(), ed());
    let before = tokens(&[("old", &old.private)], None).issue(&who()).expect("a token");
    let after = tokens(&[("old", &old.public), ("new", &new.private)], None);
    assert!(after.verify(before.token.expose()).await.is_ok());
    let issued = after.issue(&who()).expect("a token");
    let header = jsonwebtoken::decode_header(issued.token.expose()).expect("a header");
    assert_eq!((header.kid.as_deref(), header.alg), (Some("new"), Algorithm::EdDSA));

    let before = AuthConfig::of(SECRET).tokens(&crew()).expect("tokens").issue(&who()).expect("a token");
    let mut rotated = AuthConfig::of("another secret of at least thirty-two characters");
    let without = rotated.tokens(&crew()).expect("tokens");
    assert_eq!(without.verify(before.token.expose()).await, Err(TokenError::UnknownKey));
    rotated.jwt_secret_previous = Some(Secret::new(SECRET.to_owned()));
    let with = rotated.tokens(&crew()).expect("tokens");
    assert!(with.verify(before.token.expose()).await.is_ok());
    let issued = with.issue(&who()).expect("a token");
    assert!(without.verify(issued.token.expose()).await.is_ok(), "the new secret signs");
}

#[tokio::test]
async fn claims_that_are_wrong_or_missing_are_refused() {
    let pair = ed();
    let tokens = tokens(&[("k1", &pair.private)], None);
    assert!(tokens.verify(&signed(&pair, "k1", &claims(&json!({})))).await.is_ok());
    for (changes, error) in [
        (json!({ "exp": now() - 11 }), TokenError::Expired),
        (json!({ "nbf": now() + 20 }), TokenError::NotYet),
        (json!({ "iss": "others" }), TokenError::NotForUs),
        (json!({ "aud": "others" }), TokenError::NotForUs),
        (json!({ "aud": ["others", "more"] }), TokenError::NotForUs),
        (json!({ "exp": null }), TokenError::Malformed),
        (json!({ "iss": null }), TokenError::Malformed),
        (json!({ "sub": null }), TokenError::Malformed),
        (json!({ "aud": null }), TokenError::Claim("aud".into())),
        (json!({ "iss": ["parcels"] }), TokenError::Malformed),
        (json!({ "scope": "a\"b" }), TokenError::Malformed),
    ] {
        let token = signed(&pair, "k1", &claims(&changes));
        assert_eq!(tokens.verify(&token).await, Err(error), "{changes}");
    }
    let accepted = signed(&pair, "k1", &claims(&json!({ "aud": ["others", "parcels"], "exp": now() - 5 })));
    assert!(tokens.verify(&accepted).await.is_ok(), "one of several, and clocks 10 s apart");
}

/// The control for the test above: what the library believes by itself.
#[test]
fn the_library_alone_believes_much_of_that() {
    let pair = ed();
    let key = DecodingKey::from_ed_pem(pair.public.as_bytes()).expect("a key");
    for changes in [
        json!({ "exp": now() - 50, "aud": null }),
        json!({ "nbf": now() + 3_600, "aud": null }),
        json!({ "iss": "others", "aud": null }),
        json!({ "sub": null, "iss": null, "aud": null }),
    ] {
        let token = signed(&pair, "k1", &claims(&changes));
        let believed = decode::<Value>(&token, &key, &Validation::new(Algorithm::EdDSA));
        assert!(believed.is_ok(), "{changes}: {believed:?}");
    }
}

#[tokio::test]
async fn extensions_that_must_be_understood_and_other_kinds_of_token_are_refused() {
    let pair = ed();
    let tokens = tokens(&[("k1", &pair.private)], None);
    let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).expect("a key");
    let plain = header(Algorithm::EdDSA, "k1");
    for header in [
        Header { crit: Some(vec!["b64".to_owned()]), ..plain.clone() },
        Header { typ: Some("secevent+jwt".to_owned()), ..plain.clone() },
    ] {
        let token = encode(&header, &claims(&json!({})), &key).expect("signed");
        assert_eq!(tokens.verify(&token).await, Err(TokenError::Malformed));
    }
    let long = format!("{}.a.b", "a".repeat(9_000));
    assert_eq!(tokens.verify(&long).await, Err(TokenError::Malformed));
}

#[tokio::test]
async fn what_cannot_sign_is_refused_at_the_start() {
    let production = Crew::builder("parcels", "1").environment(Environment::Production).build();
    let error = AuthConfig::default().tokens(&production).expect_err("nothing chosen");
    assert!(matches!(error, TokensError::NotChosen) && error.to_string().contains("JWT_SECRET"), "{error}");
    assert!(AuthConfig::of(SECRET).tokens(&production).is_ok());

    let error = AuthConfig::of("short-canary").tokens(&crew()).expect_err("too short");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");

    let (config, _folder) = config(&[("k1", "no PEM, but a canary")], None);
    let error = config.tokens(&crew()).expect_err("no key");
    assert!(error.to_string().contains("auth.keys.k1") && !error.to_string().contains("canary"), "{error}");

    let public = ed().public;
    let (config, _folder) = self::config(&[("k1", &public)], None);
    assert!(matches!(config.tokens(&crew()), Err(TokensError::SigningKey { private: 0 })));
    let (one, two) = (ed(), ec());
    let (config, _folder) = self::config(&[("k1", &one.private), ("k2", &two.private)], None);
    assert!(matches!(config.tokens(&crew()), Err(TokensError::SigningKey { private: 2 })));
    let (config, _folder) = self::config(&[("k1", &one.private), ("k2", &two.private)], Some("k2"));
    assert!(config.tokens(&crew()).is_ok());
}

#[tokio::test]
async fn what_does_not_pass_as_a_header_is_not_issued() {
    let config = AuthConfig { jwt_expiry: Duration::from_secs(1), ..AuthConfig::of(SECRET) };
    let tokens = config.tokens(&crew()).expect("tokens");
    let data = json!({ "much": "x".repeat(9_000) }).as_object().cloned().unwrap_or_default();
    assert!(tokens.issue(&who().with_data(data)).is_err());
}
