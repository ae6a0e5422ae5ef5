//! `summary-bot keys …`.

use serde_json::json;

use crate::service::SUMMARIES;
use crate::stage::{ask, bot, operate};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_lists_and_revokes_keys() {
    let bot = bot().await;
    let made = operate(&bot, &["create", "the backup", "--scopes", "summaries:read", "--days", "30"]).await;
    let bearer = format!("Bearer {}", made["secret"].as_str().expect("a secret"));
    assert_eq!(ask(&bot, "GET", SUMMARIES, &bearer, "").status, 200);
    let listed = operate(&bot, &["list"]).await;
    assert_eq!(
        (&listed[0]["name"], &listed[0]["scopes"]),
        (&json!("the backup"), &json!(["summaries:read"]))
    );
    assert!(listed[0].get("secret").is_none() && listed[0]["expires_at"].is_string());
    let revoked = operate(&bot, &["revoke", made["id"].as_str().expect("an id")]).await;
    assert_eq!(revoked, json!({"revoked": true}));
    assert_eq!(ask(&bot, "GET", SUMMARIES, &bearer, "").status, 401);
    let scopes = operate(&bot, &["scopes"]).await;
    assert!(scopes.as_array().is_some_and(|all| all.iter().any(|it| it["scope"] == "summaries:read")));
    assert!(bot.crew.operate("keys", vec!["make".to_owned()]).await.is_err());
    bot.land().await;
}
