//! Signing in with Discord, against a local one.

use groundcrew::config::Secret;
use groundcrew_testkit_discord::Discord;
use serde_json::{Value, json};
use summary_bot::Config;

use crate::service::http::{self, Answer};
use crate::service::{Bot, Fixture, SUMMARIES};
use crate::stage::{ask, browse, closed, key, make_key};

async fn bot(discord: &Discord, guilds: &[&str]) -> Fixture {
    with(discord, guilds, |_| {}).await
}

pub(crate) async fn with(discord: &Discord, guilds: &[&str], change: impl FnOnce(&mut Config)) -> Fixture {
    Fixture::with(|config| {
        config.sign_in.guilds = guilds.iter().map(|id| (*id).to_owned()).collect();
        lead(config, discord);
        change(config);
    })
    .await
}

/// People sign in there.
pub(crate) fn lead(config: &mut Config, discord: &Discord) {
    config.discord.api_url = discord.api();
    config.discord.token = Some(Secret::new(discord.token()));
    config.discord.mode = summary_bot::DiscordMode::Off;
    config.sign_in.client_id = Some(discord.application_id().to_string());
    config.sign_in.client_secret = Some(Secret::new(discord.client_secret()));
}

/// The browser's cookies after an answer.
pub(crate) fn cookies(answer: &Answer) -> String {
    let set = answer.head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap_or_default().trim())
    });
    set.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// Goes to Discord and back; the answer of the callback, and the cookies with which it was asked.
pub(crate) fn sign_in(bot: &Fixture) -> (Answer, String) {
    let login = http::call(bot.address, "GET", "/auth/login?return_to=/%23here", &[], b"");
    assert_eq!(login.status, 303, "{}", login.body);
    let cookie = cookies(&login);
    let consent = login.header("location").expect("a location").to_owned();
    let (host, path) = split(&consent);
    let consented = http::call(host, "GET", &path, &[], b"");
    let back = consented.header("location").unwrap_or_else(|| panic!("{consented:?}")).to_owned();
    let (host, path) = split(&back);
    assert_eq!(host, bot.address);
    (http::call(host, "GET", &path, &[("cookie", &cookie)], b""), cookie)
}

fn split(url: &str) -> (std::net::SocketAddr, String) {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("a path");
    (host.parse().expect("an address"), format!("/{path}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_signs_in_is_known_and_signs_out() {
    let discord = Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    let ada = discord.member(guild, "ada").create();
    discord.sign_in_as(ada);
    let bot = bot(&discord, &[]).await;
    assert_eq!(bot.get(SUMMARIES).status, 401);

    let (answer, _) = sign_in(&bot);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/#here")), "{}", answer.body);
    let cookie = cookies(&answer);
    assert!(cookie.starts_with("summary-bot=gcs_"), "{cookie}");
    let attributes = answer.head.lines().find(|line| line.contains("summary-bot=gcs_")).expect("a cookie");
    assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{attributes}");

    let me = browse(&bot, "GET", "/api/v1/me", &cookie).json();
    assert_eq!((&me["subject"], &me["kind"]), (&json!(ada.to_string()), &json!("session")));
    assert_eq!(me["guilds"], json!([{"id": guild.to_string(), "name": "Ground crew"}]));
    assert_eq!(browse(&bot, "GET", SUMMARIES, &cookie).status, 200);
    assert_eq!(browse(&bot, "GET", "/api/v1/keys", &cookie).status, 200);
    let foreign = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    for path in [SUMMARIES, "/auth/logout"] {
        assert_eq!(http::call(bot.address, "POST", path, &foreign, b"").status, 403, "{path}");
    }
    // A form on another site's page comes without the cookie, and the browser would take our word that it is over.
    let form = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let refused = http::call(bot.address, "POST", "/auth/logout", &form, b"");
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None), "{}", refused.body);

    assert_eq!(browse(&bot, "POST", "/auth/logout", &cookie).status, 204);
    assert_eq!(browse(&bot, "GET", SUMMARIES, &cookie).status, 401);
    assert_eq!(browse(&bot, "GET", "/auth/state", &cookie).json()["known"], false);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_the_last_of_the_bots_many_servers_signs_in() {
    let discord = Discord::start().await.expect("a local Discord");
    // So many are on a page.
    for _ in 0..200 {
        discord.guild("Another").create();
    }
    let guild = discord.guild("Ground crew").create();
    discord.sign_in_as(discord.member(guild, "ada").create());
    let bot = bot(&discord, &[]).await;
    let (answer, _) = sign_in(&bot);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/#here")), "{}", answer.body);
    bot.land().await;
}

/// Somebody who has signed in, where tokens are given out.
async fn signed_in(discord: &Discord) -> (Fixture, String) {
    let guild = discord.guild("Ground crew").create();
    discord.sign_in_as(discord.member(guild, "ada").create());
    let bot = with(discord, &[], |config| {
        closed(config);
        config.sign_in.tokens = true;
    });
    let bot = bot.await;
    let cookie = cookies(&sign_in(&bot).0);
    (bot, cookie)
}

pub(crate) fn tokens(bot: &Bot, cookie: &str, body: &Value) -> Answer {
    let headers =
        [("cookie", cookie), ("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    bot.call("POST", "/api/v1/auth/tokens", &headers, body.to_string().as_bytes())
}

pub(crate) fn refresh(bot: &Bot, token: &Value) -> Answer {
    let body = json!({"refresh_token": token}).to_string();
    bot.call("POST", "/api/v1/auth/refresh", &[("content-type", "application/json")], body.as_bytes())
}

fn revoke(bot: &Fixture, token: &Value) -> Answer {
    let body = json!({"refresh_token": token}).to_string();
    bot.call("POST", "/api/v1/auth/revoke", &[("content-type", "application/json")], body.as_bytes())
}

fn bearer(pair: &Value) -> String {
    format!("Bearer {}", pair["access_token"].as_str().expect("a token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_somebody_signed_in_goes_on_by_refresh_tokens_that_are_good_once() {
    let discord = Discord::start().await.expect("a local Discord");
    let (bot, cookie) = signed_in(&discord).await;
    let made = tokens(&bot, &cookie, &json!({"scopes": ["summaries:read"]}));
    assert_eq!(made.status, 201, "{}", made.body);
    let first = made.json();
    assert_eq!(ask(&bot, "GET", SUMMARIES, &bearer(&first), "").status, 200);
    assert_eq!(ask(&bot, "POST", SUMMARIES, &bearer(&first), "{}").status, 403, "no more than was asked for");
    let me = ask(&bot, "GET", "/api/v1/me", &bearer(&first), "").json();
    assert_eq!((&me["kind"], &me["name"]), (&json!("token"), &json!("ada")));

    let second = refresh(&bot, &first["refresh_token"]);
    assert_eq!(second.status, 200, "{}", second.body);
    let second = second.json();
    assert_eq!(second["scopes"], json!(["summaries:read"]));
    assert_eq!(ask(&bot, "GET", SUMMARIES, &bearer(&second), "").status, 200);

    // Whoever comes with a used one ends it for everybody.
    let again = refresh(&bot, &first["refresh_token"]);
    assert_eq!((again.status, again.code().as_str()), (401, "TOKEN_REUSED"));
    let ended = refresh(&bot, &second["refresh_token"]);
    assert_eq!((ended.status, ended.code().as_str()), (401, "TOKEN_EXPIRED"));
    let unknown = refresh(&bot, &json!("gcr_nothing"));
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "INVALID_CREDENTIALS"));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_given_back_is_good_no_more() {
    let discord = Discord::start().await.expect("a local Discord");
    let (bot, cookie) = signed_in(&discord).await;
    let pair = tokens(&bot, &cookie, &json!({})).json();
    for _ in 0..2 {
        assert_eq!(revoke(&bot, &pair["refresh_token"]).status, 204);
    }
    let ended = refresh(&bot, &pair["refresh_token"]);
    assert_eq!((ended.status, ended.code().as_str()), (401, "TOKEN_EXPIRED"));
    let keys = bot.get("/.well-known/jwks.json");
    assert_eq!((keys.status, keys.json()), (200, json!({"keys": []})), "a secret signs here");
    let browser = bot.call("GET", "/api/v1/me", &[("cookie", &cookie)], b"");
    assert_eq!(browser.status, 200, "another session: {}", browser.body);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_for_people_who_have_signed_in_and_no_more_than_they_may() {
    let discord = Discord::start().await.expect("a local Discord");
    let (bot, cookie) = signed_in(&discord).await;
    assert_eq!(tokens(&bot, &cookie, &json!({"scopes": ["*"]})).code(), "INSUFFICIENT_SCOPE");
    assert_eq!(tokens(&bot, &cookie, &json!({"scopes": ["a b"]})).status, 400);
    let key = key(&bot, "the backup", "*").await;
    let of_key = ask(&bot, "POST", "/api/v1/auth/tokens", &key, "{}");
    assert_eq!((of_key.status, of_key.code().as_str()), (403, "FORBIDDEN"));
    let pair = tokens(&bot, &cookie, &json!({})).json();
    let of_token = ask(&bot, "POST", "/api/v1/auth/tokens", &bearer(&pair), "{}");
    assert_eq!((of_token.status, of_token.code().as_str()), (403, "FORBIDDEN"));
    let foreign =
        [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    assert_eq!(http::call(bot.address, "POST", "/api/v1/auth/tokens", &foreign, b"{}").status, 403);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_no_key_since_that_would_outlive_it() {
    let discord = Discord::start().await.expect("a local Discord");
    let (bot, cookie) = signed_in(&discord).await;
    let bearer = bearer(&tokens(&bot, &cookie, &json!({})).json());
    let wanted = json!({"name": "x", "scopes": ["summaries:read"]});
    let of_token = ask(&bot, "POST", "/api/v1/keys", &bearer, &wanted.to_string());
    assert_eq!((of_token.status, of_token.code().as_str()), (403, "FORBIDDEN"), "{}", of_token.body);
    // The control: it may see the keys of its person, who makes one with the session.
    assert_eq!(ask(&bot, "GET", "/api/v1/keys", &bearer, "").status, 200);
    assert_eq!(make_key(&bot, &cookie, &wanted).status, 201);
    bot.land().await;
}

/// The control: nobody has switched it on.
#[tokio::test(flavor = "multi_thread")]
async fn by_default_nobody_is_given_tokens() {
    let bot = Fixture::start().await;
    for path in ["/api/v1/auth/tokens", "/api/v1/auth/refresh", "/api/v1/auth/revoke"] {
        let body = if path.ends_with("tokens") { "{}" } else { r#"{"refresh_token": "gcr_x"}"# };
        let answer = bot.call("POST", path, &[("content-type", "application/json")], body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (404, "TOKENS_OFF"), "{path}");
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_member_or_refuses_or_did_not_begin_is_not_let_in() {
    let discord = Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    let ada = discord.member(guild, "ada").create();
    let bot = bot(&discord, &["100000000000000009"]).await;

    discord.sign_in_as(ada);
    let (answer, _) = sign_in(&bot);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/?sign-in=no-common-server")));
    assert!(!cookies(&answer).contains("gcs_"));

    discord.refuse_sign_in();
    let (answer, _) = sign_in(&bot);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/?sign-in=refused")));

    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_answer_that_is_pressed_upon_a_browser_signs_nobody_in() {
    let discord = Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    discord.sign_in_as(discord.member(guild, "ada").create());
    let bot = self::bot(&discord, &[]).await;
    let login = http::call(bot.address, "GET", "/auth/login", &[], b"");
    let (host, path) = split(login.header("location").expect("a location"));
    let back = http::call(host, "GET", &path, &[], b"").header("location").expect("a location").to_owned();
    let (host, path) = split(&back);
    let other = cookies(&http::call(bot.address, "GET", "/auth/login", &[], b""));
    for cookie in ["", other.as_str()] {
        let answer = http::call(host, "GET", &path, &[("cookie", cookie)], b"");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/?sign-in=not-started")));
        assert!(!cookies(&answer).contains("gcs_"));
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_off_it_says_how_it_is_turned_on() {
    let bot = Fixture::start().await;
    let answer = http::call(bot.address, "GET", "/auth/login", &[], b"");
    assert_eq!((answer.status, answer.code().as_str()), (404, "SIGN_IN_OFF"));
    assert!(answer.body.contains("DISCORD_CLIENT_SECRET"));
    bot.land().await;
}
