//! Every route is closed, unless the bot was started on one's own machine without any set-up.

use groundcrew::Crew;
use groundcrew::config::{BindIp, Environment};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::service::{self, Fixture, file, http};
use crate::stage::{SECRET, ask, bot, key};

/// The methods and paths that the document tells of, with their operations.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, all)| {
        let path = path.replace("{id}", "01a1fdf0-f09e-7490-9c02-481706f95825");
        let all = all.as_object().expect("operations").iter();
        all.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    each.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_closed_to_who_shows_nothing_or_too_little() {
    let bot = bot().await;
    let document = bot.get("/openapi.json").json();
    let powerless = key(&bot, "nobody", "nothing:read").await;
    let operations = operations(&document);
    assert!(operations.len() > 8, "there are some: {operations:#?}");
    for (method, path, operation) in operations {
        if operation["security"] == json!([]) {
            continue; // what is in the body says who it is
        }
        let answer = bot.call(&method, &path, &[], b"");
        assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"), "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let answer = ask(&bot, &method, &path, "Bearer gck_nothing", "");
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_CREDENTIALS"), "{method} {path}");
        let scopes = operation["security"][0]["bearer"].as_array().expect("scopes");
        let answer = ask(&bot, &method, &path, &powerless, "");
        if let Some(scope) = scopes.first() {
            assert_eq!((answer.status, &answer.json()["scope"]), (403, scope), "{method} {path}");
        } else {
            assert_eq!(answer.status, 200, "{method} {path}");
        }
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_an_idempotency_key_no_refusal_is_kept_of_who_may_not() {
    let bot = bot().await;
    let kept = "SELECT count(*) FROM replays";
    let file = file(&bot.folder).await;
    let path = "/api/v1/schedules/01a1fdf0-f09e-7490-9c02-481706f95825/run";
    // The control: of who may, it is kept that there is no such schedule.
    for (scope, status, rows) in [("schedules:read", 403, 0), ("schedules:write", 404, 1)] {
        let bearer = key(&bot, "somebody", scope).await;
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "run")];
        let answer = bot.call("POST", path, &headers, b"");
        assert_eq!(answer.status, status, "{}", answer.body);
        let count: i64 = sqlx::query_scalar(kept).fetch_one(&file).await.expect("a count");
        assert_eq!(count, rows, "{scope}");
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_ones_own_machine_without_set_up_it_is_open_to_that_machine_alone() {
    let bot = Fixture::start().await;
    assert_eq!(bot.get(service::SUMMARIES).status, 200);
    let me = bot.get("/api/v1/me").json();
    assert_eq!((&me["kind"], &me["subject"]), (&json!("local"), &json!("operator")));
    for headers in [
        [("x-forwarded-for", "198.51.100.7")].as_slice(),
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("authorization", "Bearer nonsense")],
    ] {
        let answer = bot.call("GET", service::SUMMARIES, headers, b"");
        assert!([401, 403].contains(&answer.status), "{headers:?}: {}", answer.body);
    }
    bot.land().await;
}

/// The control of the test above: each of these alone closes it.
#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_it_is_closed() {
    let folder = TempDir::new().expect("a folder");
    let quiet = || service::config(&folder.path().join("bot.db"));
    let mut open = quiet();
    open.http.host = BindIp("0.0.0.0".parse().expect("an address"));
    let mut proxied = quiet();
    proxied.http.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
    let mut signed = quiet();
    signed.auth = groundcrew::auth::AuthConfig::of(SECRET);
    let mut chosen = quiet();
    chosen.redis.in_process = true;
    asks_who_it_is(open, Environment::Development).await;
    asks_who_it_is(proxied, Environment::Development).await;
    asks_who_it_is(signed, Environment::Development).await;
    asks_who_it_is(chosen, Environment::Production).await;
}

/// A bot that is set up like this tells a stranger nothing.
async fn asks_who_it_is(config: summary_bot::Config, environment: Environment) {
    let crew = Crew::builder("summary-bot", "1.0.0").in_kubernetes(false).environment(environment).build();
    let launched = Box::pin(summary_bot::launch(config, crew.clone())).await;
    let mut address = launched.expect("the bot starts").expect("TCP");
    address.set_ip("127.0.0.1".parse().expect("an address"));
    let answer = http::call(address, "GET", service::SUMMARIES, &[], b"");
    assert_eq!(answer.status, 401, "{environment:?}: {}", answer.body);
    assert_eq!(http::call(address, "GET", "/health", &[], b"").status, 200);
    crew.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_by_the_secret_opens_what_its_scope_allows() {
    let bot = bot().await;
    let crew = Crew::builder("summary-bot", "1.0.0").in_kubernetes(false).build();
    let tokens = groundcrew::auth::AuthConfig::of(SECRET).tokens(&crew).expect("tokens");
    let who = groundcrew::auth::Principal::new(
        "reports",
        "summaries:read".parse().expect("scopes"),
        groundcrew::auth::PrincipalKind::Token,
    );
    let bearer = format!("Bearer {}", tokens.issue(&who).expect("a token").token.expose());
    assert_eq!(ask(&bot, "GET", service::SUMMARIES, &bearer, "").status, 200);
    assert_eq!(ask(&bot, "POST", service::SUMMARIES, &bearer, "{}").status, 403);
    bot.land().await;
}
