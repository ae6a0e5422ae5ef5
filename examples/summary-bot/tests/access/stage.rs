//! A bot that knows who asks.

use groundcrew::config::{Origin, Secret, Sourced};
use serde_json::Value;
use summary_bot::Config;

use crate::service::http::{self, Answer};
use crate::service::{Bot, Fixture};

pub(crate) const SECRET: &str = "a secret of at least thirty-two characters";

/// Closed: `JWT_SECRET` is set.
pub(crate) fn closed(config: &mut Config) {
    config.auth.jwt_secret = Some(Sourced::new(Secret::new(SECRET.to_owned()), Origin::Set));
}

pub(crate) async fn bot() -> Fixture {
    Fixture::with(closed).await
}

/// What `summary-bot keys …` does.
pub(crate) async fn operate(bot: &Bot, words: &[&str]) -> Value {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let answer = bot.crew.operate("keys", words).await.expect("an answer");
    serde_json::from_str(&answer).expect("JSON")
}

/// A key with these scopes; its secret as a header's value.
pub(crate) async fn key(bot: &Bot, subject: &str, scopes: &str) -> String {
    let words = ["create", "test", "--subject", subject, "--scopes", scopes];
    let made = operate(bot, &words).await;
    format!("Bearer {}", made["secret"].as_str().expect("a secret"))
}

/// A request with a bearer; the answer must be as the OpenAPI document says.
pub(crate) fn ask(bot: &Bot, method: &str, path: &str, bearer: &str, body: &str) -> Answer {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    bot.call(method, path, &headers, body.as_bytes())
}

/// A browser makes a key; the answer must be as the OpenAPI document says.
pub(crate) fn make_key(bot: &Bot, cookie: &str, wanted: &Value) -> Answer {
    let headers =
        [("cookie", cookie), ("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    bot.call("POST", "/api/v1/keys", &headers, wanted.to_string().as_bytes())
}

/// A request with these cookies, as a page of ours sends it.
pub(crate) fn browse(bot: &Bot, method: &str, path: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    http::call(bot.address, method, path, &headers, b"")
}
