//! `/api/v1/keys`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::service::{SUMMARIES, conversation};
use crate::stage::{ask, bot, key, operate};

const KEYS: &str = "/api/v1/keys";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_key_makes_others_that_may_do_no_more() {
    let bot = bot().await;
    let mine = key(&bot, "somebody", "summaries:read summaries:write keys:read keys:write").await;
    let body = json!({"name": "laptop", "scopes": ["summaries:read"], "expires_at": "2099-01-01T00:00:00Z"});
    let made = ask(&bot, "POST", KEYS, &mine, &body.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    assert_eq!((&made["subject"], &made["expires_at"]), (&json!("somebody"), &json!("2099-01-01T00:00:00Z")));
    let bearer = format!("Bearer {}", made["secret"].as_str().expect("a secret"));
    assert_eq!(ask(&bot, "GET", SUMMARIES, &bearer, "").status, 200);
    assert_eq!(ask(&bot, "POST", SUMMARIES, &bearer, &conversation(&json!({}))).status, 403);

    for (wanted, status, code) in [
        (json!({"name": "more", "scopes": ["*"]}), 403, "INSUFFICIENT_SCOPE"),
        (json!({"name": "more", "scopes": ["usage:read"]}), 403, "INSUFFICIENT_SCOPE"),
        (json!({"name": "theirs", "scopes": [], "subject": "another"}), 403, "INSUFFICIENT_SCOPE"),
        (json!({"name": "", "scopes": []}), 400, "INVALID_REQUEST"),
        (json!({"name": "odd", "scopes": ["a b"]}), 400, "INVALID_REQUEST"),
        (json!({"name": "late", "scopes": [], "expires_at": "2001-01-01T00:00:00Z"}), 400, "INVALID_REQUEST"),
    ] {
        let answer = ask(&bot, "POST", KEYS, &mine, &wanted.to_string());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{wanted}");
    }
    for nonsense in ["", "{", "[]", r#"{"name": "x"}"#, r#"{"name": "x", "scopes": [], "more": 1}"#] {
        let answer = ask(&bot, "POST", KEYS, &mine, nonsense);
        assert!((400..500).contains(&answer.status), "{nonsense}: {}", answer.body);
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ends_makes_none_that_ends_later() {
    let bot = bot().await;
    let words = ["create", "ci", "--scopes", "summaries:read keys:write", "--days", "30"];
    let ci = operate(&bot, &words).await;
    let bearer = format!("Bearer {}", ci["secret"].as_str().expect("a secret"));
    let ask_for = |expires_at: Value| {
        let wanted = json!({"name": "x", "scopes": ["summaries:read"], "expires_at": expires_at});
        ask(&bot, "POST", KEYS, &bearer, &wanted.to_string())
    };
    let later = ask_for(json!("2099-01-01T00:00:00Z"));
    assert_eq!((later.status, &later.json()["field"]), (400, &json!("expires_at")), "{}", later.body);
    for expires_at in [ci["expires_at"].clone(), Value::Null] {
        let made = ask_for(expires_at);
        assert_eq!((made.status, &made.json()["expires_at"]), (201, &ci["expires_at"]), "{}", made.body);
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_reader_shows_a_key_as_a_password() {
    let bot = bot().await;
    let bearer = key(&bot, "the feed reader", "summaries:read").await;
    let login = format!("reader:{}", bearer.trim_start_matches("Bearer "));
    let shown = format!("Basic {}", STANDARD.encode(login));
    let feed = ask(&bot, "GET", "/api/v1/feeds/all.atom", &shown, "");
    assert_eq!((feed.status, feed.header("content-type")), (200, Some("application/atom+xml")));
    let wrong = format!("Basic {}", STANDARD.encode("reader:secret"));
    for headers in [&[("authorization", wrong.as_str())][..], &[]] {
        let asked = bot.call("GET", "/api/v1/feeds/all.atom", headers, b"");
        assert!(asked.status == 401 && asked.head.contains("Basic realm="), "{}", asked.head);
    }
    let others = bot.call("GET", SUMMARIES, &[], b"");
    assert!(others.status == 401 && !others.head.contains("Basic"), "a browser would ask: {}", others.head);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_and_revokes_their_own_and_admins_all() {
    let bot = bot().await;
    let ada = key(&bot, "ada", "keys:read keys:write").await;
    let ben = key(&bot, "ben", "keys:read keys:write").await;
    let admin = key(&bot, "operator", "*").await;
    let ids = |bearer: &str| {
        let answer = ask(&bot, "GET", KEYS, bearer, "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.json()["items"].as_array().cloned().expect("items");
        items.iter().map(|key| key["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((ids(&ada).len(), ids(&admin).len()), (1, 3));
    let of_ben = format!("{KEYS}/{}", ids(&ben)[0]);
    assert_eq!(ask(&bot, "DELETE", &of_ben, &ada, "").status, 404);
    assert_eq!(ask(&bot, "DELETE", &of_ben, &admin, "").status, 204);
    assert_eq!(ask(&bot, "GET", KEYS, &ben, "").status, 401);
    assert_eq!(ask(&bot, "DELETE", &of_ben, &admin, "").status, 404);
    bot.land().await;
}
