//! `/api/v1/keys`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::service::{Fixture, SUMMARIES, conversation, file};
use crate::stage::{ask, bot, closed, key, operate};

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

/// People do not: `admins.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_the_scope_admin_makes_keys_in_others_names() {
    let bot = bot().await;
    let program = key(&bot, "the backup", "admin keys:write keys:read").await;
    for subject in ["reports", "100000000000000002"] {
        let wanted = json!({"name": "theirs", "scopes": ["keys:read"], "subject": subject});
        let made = ask(&bot, "POST", KEYS, &program, &wanted.to_string());
        assert_eq!((made.status, &made.json()["subject"]), (201, &json!(subject)), "{}", made.body);
        let bearer = format!("Bearer {}", made.json()["secret"].as_str().expect("a secret"));
        assert_eq!(ask(&bot, "GET", "/api/v1/me", &bearer, "").json()["subject"], subject);
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_taken_back_elsewhere_makes_no_other_though_it_is_known_here_for_a_while() {
    // A slow machine forgets nothing in between.
    let bot = Fixture::with(|config| {
        closed(config);
        config.auth.cache = Duration::from_secs(3600);
    })
    .await;
    let bearer = key(&bot, "somebody", "keys:read keys:write").await;
    let wanted = json!({"name": "x", "scopes": ["keys:read"]}).to_string();
    assert_eq!(ask(&bot, "POST", KEYS, &bearer, &wanted).status, 201);
    let elsewhere = sqlx::query("UPDATE groundcrew_auth_keys SET revoked_at = 1 WHERE name = 'test'");
    let taken = elsewhere.execute(&file(&bot.folder).await).await.expect("an update");
    assert_eq!(taken.rows_affected(), 1);
    let refused = ask(&bot, "POST", KEYS, &bearer, &wanted);
    assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"), "{}", refused.body);
    assert!(refused.body.contains("good no more"), "{}", refused.body);
    // The control: it is let in here.
    assert_eq!(ask(&bot, "GET", KEYS, &bearer, "").status, 200);
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
