//! What people may do over the API with the servers that they are in: as in Discord, by their level there.

use groundcrew::config::{Origin, Secret, Sourced};
use groundcrew_testkit_discord::{ChannelKind, Permissions, Snowflake};
use serde_json::{Value, json};
use summary_bot::Config;

use crate::service::http::Answer;
use crate::service::wait_for;
use crate::stage::Stage;

pub(crate) const SCHEDULES: &str = "/api/v1/schedules";
pub(crate) const WEBHOOKS: &str = "/api/v1/webhooks";
const ALL: &str = "schedules:read schedules:write webhooks:read webhooks:write settings:read settings:write \
                   usage:read summaries:read summaries:write";

/// Somebody with every scope but `admin`, if nothing else is said.
pub(crate) struct Person<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) bearer: String,
}

impl<'a> Person<'a> {
    pub(crate) async fn of(stage: &'a Stage, subject: &str) -> Self {
        Self::with(stage, subject, ALL).await
    }

    pub(crate) async fn with(stage: &'a Stage, subject: &str, scopes: &str) -> Self {
        let words = ["create", "test", "--subject", subject, "--scopes", scopes].map(str::to_owned);
        let made = stage.bot.crew.operate("keys", words.to_vec()).await.expect("a key");
        let made: Value = serde_json::from_str(&made).expect("JSON");
        Self { stage, bearer: format!("Bearer {}", made["secret"].as_str().expect("a secret")) }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.stage.bot.call(method, path, &headers, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }
}

pub(crate) async fn stage() -> Stage {
    stage_with(|_, _| ()).await
}

/// With a configuration that names Ben.
pub(crate) async fn stage_with(change: impl FnOnce(&mut Config, Snowflake)) -> Stage {
    Stage::set_for(|config, ben| {
        let secret = Secret::new("a secret of at least thirty-two characters".to_owned());
        config.webhooks.allow_private = true;
        config.auth.jwt_secret = Some(Sourced::new(secret, Origin::Set));
        change(config, ben);
    })
    .await
}

/// The owner says what somebody may do.
pub(crate) async fn allow(stage: &Stage, who: Snowflake, level: &str) {
    let fire = stage.command("config", stage.owner()).sub("permissions");
    let answer = stage.answer(fire.option("user", who.to_string()).option("level", level)).await;
    assert!(answer.text().contains(level), "{}", answer.text());
}

pub(crate) fn schedule(stage: &Stage, channel: Snowflake, name: &str) -> Value {
    json!({
        "name": name, "guild_id": stage.guild.to_string(), "channels": [channel.to_string()],
        "timing": {"kind": "weekly"}, "destinations": [{"channel": stage.hall.to_string()}],
    })
}

pub(crate) fn path_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.header("location").expect("its path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_seen_run_and_changed_by_those_who_may_and_are_not_there_for_others() {
    let stage = stage().await;
    let (ada, ben) = (stage.ada.to_string(), stage.ben.to_string());
    allow(&stage, stage.ada, "admin").await;
    allow(&stage, stage.ben, "read").await;
    let (ada, ben) = (Person::of(&stage, &ada).await, Person::of(&stage, &ben).await);
    let stranger = Person::of(&stage, "100000000000000001").await;
    let program = Person::of(&stage, "the backup").await;
    let new = schedule(&stage, stage.hall, "the week");

    for (who, code) in [(&ben, "FORBIDDEN"), (&stranger, "FORBIDDEN")] {
        let answer = who.ask("POST", SCHEDULES, &new);
        assert_eq!((answer.status, answer.code().as_str()), (403, code), "{}", answer.body);
    }
    let path = path_of(&ada.ask("POST", SCHEDULES, &new));
    let list = format!("{SCHEDULES}?guild_id={}", stage.guild);
    for who in [&ada, &ben, &program] {
        assert_eq!(who.get(&path).status, 200);
        assert_eq!(who.get(&list).json()["items"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!((stranger.get(&path).status, stranger.get(&list).status), (404, 404));
    // People say which server they mean; programs of the operator's see all.
    let all = ben.get(SCHEDULES);
    assert_eq!((all.status, &all.json()["field"]), (400, &json!("guild_id")));
    assert_eq!(program.get(SCHEDULES).status, 200);

    for (method, tail, body) in [
        ("PATCH", "", json!({"length": "brief"})),
        ("POST", "/pause", Value::Null),
        ("POST", "/resume", Value::Null),
        ("POST", "/run", Value::Null),
        ("DELETE", "", Value::Null),
    ] {
        let path = format!("{path}{tail}");
        assert_eq!(ben.ask(method, &path, &body).code(), "FORBIDDEN", "{method} {path}");
        assert_eq!(stranger.ask(method, &path, &body).status, 404, "{method} {path}");
    }
    assert_eq!(ada.ask("PATCH", &path, &json!({"length": "brief"})).status, 200);
    assert_eq!(ada.ask("POST", &format!("{path}/pause"), &Value::Null).status, 200);
    assert_eq!(ada.ask("POST", &format!("{path}/resume"), &Value::Null).status, 200);
    allow(&stage, stage.ben, "summarize").await;
    assert_eq!(ben.ask("POST", &format!("{path}/run"), &Value::Null).status, 202);
    assert_eq!(ada.ask("DELETE", &path, &Value::Null).status, 204);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_reads_and_reaches_only_what_whoever_made_it_can_see_in_that_server() {
    let stage = stage().await;
    allow(&stage, stage.ben, "admin").await;
    let elsewhere = stage.discord.guild("Elsewhere").create();
    let vault = vault(&stage);
    let theirs = stage.discord.channel(elsewhere, "theirs").create();
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let program = Person::of(&stage, "the backup").await;

    let closed = ben.ask("POST", SCHEDULES, &schedule(&stage, vault, "the vault"));
    assert_eq!((closed.status, closed.code().as_str()), (403, "CHANNEL_ACCESS_DENIED"), "{}", closed.body);
    let mut away = schedule(&stage, stage.hall, "away");
    away["destinations"] = json!([{"channel": theirs.to_string()}]);
    assert_eq!(ben.ask("POST", SCHEDULES, &away).code(), "CHANNEL_ACCESS_DENIED");

    let of_all = program.ask("POST", WEBHOOKS, &json!({"url": "https://hooks.example.com/all"}));
    away["destinations"] = json!([{"webhook": of_all.json()["id"]}]);
    assert_eq!(ben.ask("POST", SCHEDULES, &away).json()["field"], "destinations[0]");

    // One that reads the vault, by a program, is not turned into a window by whoever may change it.
    let path = path_of(&program.ask("POST", SCHEDULES, &schedule(&stage, vault, "the vault")));
    let turned = ben.ask("PATCH", &path, &json!({"destinations": [{"channel": stage.hall.to_string()}]}));
    assert_eq!(turned.code(), "CHANNEL_ACCESS_DENIED", "{}", turned.body);
    assert_eq!(program.ask("PATCH", &path, &json!({"length": "brief"})).status, 200);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_posts_only_where_whoever_made_it_may_post_themselves() {
    let stage = stage().await;
    allow(&stage, stage.ben, "admin").await;
    let news = stage.discord.channel(stage.guild, "news");
    let news = news.for_member(stage.ben, Permissions::NONE, Permissions::SEND_MESSAGES).create();
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let mut new = schedule(&stage, stage.hall, "the week");
    new["destinations"] = json!([{"channel": news.to_string()}]);
    assert_eq!(ben.ask("POST", SCHEDULES, &new).code(), "CHANNEL_ACCESS_DENIED");
    let create = |by: Snowflake| {
        let new = stage.command("schedule", by).sub("create").option("name", "the week");
        stage.answer(new.option("every", "weekly").option("post_to", news.to_string()))
    };
    let refused = create(stage.ben).await.text();
    assert!(refused.contains("cannot post there yourself") && !refused.contains("Made: "), "{refused}");
    // The control: somebody who may.
    assert!(create(stage.owner()).await.text().contains("Made: "));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_api_people_run_schedules_no_more_often_than_in_discord() {
    let stage = stage_with(|config, _| config.discord_limits.per_user = 1).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let program = Person::of(&stage, "the backup").await;
    let path = path_of(&program.ask("POST", SCHEDULES, &schedule(&stage, stage.hall, "the week")));
    let run = |who: &Person<'_>| who.ask("POST", &format!("{path}/run"), &Value::Null);
    assert_eq!(run(&ben).status, 202);
    let refused = run(&ben);
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"), "{}", refused.body);
    // The control: programs have no quota.
    assert_eq!((run(&program).status, run(&program).status), (202, 202));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_webhooks_and_usage_are_open_to_the_levels_that_the_commands_ask_for() {
    let stage = stage().await;
    allow(&stage, stage.ada, "admin").await;
    let elsewhere = stage.discord.guild("Elsewhere").create();
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let stranger = Person::of(&stage, "100000000000000001").await;
    let settings = format!("/api/v1/guilds/{}/settings", stage.guild);
    let change = json!({"settings": {"length": "brief"}});
    assert_eq!((ada.get(&settings).status, ada.ask("PATCH", &settings, &change).status), (200, 200));
    for (method, body) in [("GET", Value::Null), ("PATCH", change), ("DELETE", Value::Null)] {
        assert_eq!(ben.ask(method, &settings, &body).code(), "FORBIDDEN", "{method}");
        assert_eq!(stranger.ask(method, &settings, &body).status, 404, "{method}");
        let other = format!("/api/v1/guilds/{elsewhere}/settings");
        assert_eq!(ada.ask(method, &other, &body).status, 404, "an admin elsewhere is a stranger: {method}");
    }

    let usage = |guild: Snowflake| format!("/api/v1/usage?guild_id={guild}");
    assert_eq!(ben.get(&usage(stage.guild)).status, 200);
    assert_eq!((stranger.get(&usage(stage.guild)).status, ben.get(&usage(elsewhere)).status), (404, 404));
    assert_eq!(
        (ben.get("/api/v1/usage").status, ben.get("/api/v1/usage").code()),
        (400, "INVALID_REQUEST".to_owned())
    );
    allow(&stage, stage.ben, "none").await;
    assert_eq!(ben.get(&usage(stage.guild)).status, 404);
    allow(&stage, stage.ben, "summarize").await;

    let url = "https://hooks.example.com/summaries";
    let of_all = ada.ask("POST", WEBHOOKS, &json!({"url": url}));
    assert_eq!((of_all.status, &of_all.json()["field"]), (400, &json!("guild_id")), "{}", of_all.body);
    let new = json!({"url": url, "guild_id": stage.guild.to_string()});
    for who in [&ben, &stranger] {
        assert_eq!(who.ask("POST", WEBHOOKS, &new).code(), "FORBIDDEN");
    }
    let path = path_of(&ada.ask("POST", WEBHOOKS, &new));
    let list = format!("{WEBHOOKS}?guild_id={}", stage.guild);
    assert_eq!(ada.get(&list).json()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (ben.get(&list).status, stranger.get(&list).status, ada.get(WEBHOOKS).status),
        (403, 404, 400)
    );
    for (method, tail) in
        [("GET", ""), ("POST", "/secret"), ("POST", "/enable"), ("GET", "/deliveries"), ("DELETE", "")]
    {
        let path = format!("{path}{tail}");
        assert_eq!(ben.ask(method, &path, &Value::Null).code(), "FORBIDDEN", "{method} {path}");
        assert_eq!(stranger.ask(method, &path, &Value::Null).status, 404, "{method} {path}");
        assert!(ada.ask(method, &path, &Value::Null).status < 300, "{method} {path}");
    }
    stage.bot.land().await;
}

/// The bot and everybody but Ben read it.
pub(crate) fn vault(stage: &Stage) -> Snowflake {
    let vault = stage.discord.channel(stage.guild, "vault");
    vault.for_member(stage.ben, Permissions::NONE, Permissions::VIEW_CHANNEL).create()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_tells_of_nothing_that_whoever_made_it_may_not_read() {
    let stage = stage().await;
    allow(&stage, stage.ada, "admin").await;
    allow(&stage, stage.ben, "admin").await;
    let vault = vault(&stage);
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let new = json!({"url": "http://127.0.0.1:9/nobody", "guild_id": stage.guild.to_string()});
    let of_ada = path_of(&ada.ask("POST", WEBHOOKS, &new));
    let of_ben = path_of(&ben.ask("POST", WEBHOOKS, &new));
    for (n, text) in
        ["The pump is broken.", "I will order a pump by Friday.", "We decided to close the valve."]
            .into_iter()
            .enumerate()
    {
        let ago = std::time::Duration::from_secs(60 * (3 - n as u64));
        stage.discord.message(vault, stage.ada, text).ago(ago).send();
    }
    let asked = json!({
        "guild_id": stage.guild.to_string(), "channel_id": vault.to_string(), "min_messages": 1,
    });
    let made = ada.ask("POST", "/api/v1/summarize", &asked);
    assert_eq!(made.status, 201, "{}", made.body);
    let delivery = |who: &Person<'_>, path: &str, done: &dyn Fn(&Value) -> bool| {
        wait_for("the delivery", || {
            let items = who.get(&format!("{path}/deliveries")).json()["items"].clone();
            items.as_array().and_then(|items| items.first().cloned()).filter(|first| done(first))
        })
    };
    // Nobody is there to take it, but it was sent: there is an attempt.
    let sent = delivery(&ada, &of_ada, &|first| first["attempts"] != json!([]));
    assert_ne!(sent["state"], "cancelled", "{sent}");
    let kept = delivery(&ben, &of_ben, &|first| first["state"] != "pending");
    assert_eq!((&kept["state"], &kept["attempts"]), (&json!("cancelled"), &json!([])));
    stage.bot.land().await;
}

/// The path of a summary of a channel that somebody has made.
pub(crate) fn made(who: &Person<'_>, channel: Snowflake) -> String {
    let stage = who.stage;
    for text in ["The pump is broken.", "I will order a pump by Friday.", "We decided to close the valve."] {
        stage.discord.message(channel, stage.ada, text).send();
    }
    let asked = json!({
        "guild_id": stage.guild.to_string(), "channel_id": channel.to_string(), "min_messages": 1,
    });
    let made = who.ask("POST", "/api/v1/summarize", &asked);
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/api/v1/summaries/{}", made.json()["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_of_a_server_delete_what_they_can_see_there() {
    let stage = stage().await;
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let (open, closed) = (made(&ada, stage.hall), made(&ada, vault(&stage)));
    assert_eq!(ben.ask("DELETE", &open, &Value::Null).code(), "NOT_YOURS");
    allow(&stage, stage.ben, "admin").await;
    assert_eq!(ben.ask("DELETE", &open, &Value::Null).status, 204);
    assert_eq!(ben.ask("DELETE", &closed, &Value::Null).status, 404);
    assert_eq!((ada.get(&open).status, ada.get(&closed).status), (404, 200));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_admins_delete_what_they_can_see_and_see_no_more_than_others() {
    let stage = stage_with(|config, ben| config.sign_in.admins = vec![ben.to_string()]).await;
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::with(&stage, &stage.ben.to_string(), "*").await;
    let (open, closed) = (made(&ada, stage.hall), made(&ada, vault(&stage)));
    assert_eq!((ben.get(&open).status, ben.get(&closed).status), (200, 404));
    assert_eq!(ben.ask("DELETE", &open, &Value::Null).status, 204);
    assert_eq!(ben.ask("DELETE", &closed, &Value::Null).status, 404);
    assert_eq!((ada.get(&open).status, ada.get(&closed).status), (404, 200));
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_category_the_api_reads_what_whoever_asks_can_read_for_others_who_can() {
    let stage = stage().await;
    let wing = stage.discord.channel(stage.guild, "wing").kind(ChannelKind::Category).create();
    let vault = stage.discord.channel(stage.guild, "vault").category(wing);
    let vault = vault.for_member(stage.ben, Permissions::NONE, Permissions::VIEW_CHANNEL).create();
    let lounge = stage.discord.channel(stage.guild, "lounge").category(wing).create();
    for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] {
        stage.discord.message(vault, stage.ada, &format!("The canary sings on {day} at noon.")).send();
        stage.discord.message(lounge, stage.ada, &format!("The pump is repaired on {day}.")).send();
    }
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let summary = |who: &Person<'_>, channel: Snowflake| {
        let asked = json!({"guild_id": stage.guild.to_string(), "channel_id": channel.to_string()});
        let made = who.ask("POST", "/api/v1/summarize", &asked);
        assert_eq!(made.status, 201, "{}", made.body);
        made
    };
    let of_ben = summary(&ben, wing);
    assert!(of_ben.body.contains("pump") && !of_ben.body.contains("canary"), "{}", of_ben.body);
    let of_ada = summary(&ada, wing);
    assert!(of_ada.body.contains("canary"), "{}", of_ada.body);
    assert_eq!(ben.get(&path_of(&of_ada)).status, 404);
    assert_eq!(ada.get(&path_of(&of_ada)).status, 200);
    // The control: what is of one channel is for all who read it.
    assert_eq!(ben.get(&path_of(&summary(&ada, lounge))).status, 200);
    stage.bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_sends_in_the_name_of_a_server_is_theirs_alone() {
    let stage = stage().await;
    let ada = Person::of(&stage, &stage.ada.to_string()).await;
    let ben = Person::of(&stage, &stage.ben.to_string()).await;
    let program = Person::of(&stage, "the backup").await;
    let messages: Vec<Value> = (0..6)
        .map(|day| json!({"author": "ada", "content": format!("The pump number {day} is repaired by Friday.")}))
        .collect();
    let sent = json!({"guild_id": stage.guild.to_string(), "messages": messages});
    let path = path_of(&ada.ask("POST", "/summarize", &sent));
    assert_eq!([&ada, &ben, &program].map(|who| who.get(&path).status), [200, 404, 404]);
    // The control: what a program sends is for programs.
    let path = path_of(&program.ask("POST", "/summarize", &sent));
    assert_eq!([&ada, &ben, &program].map(|who| who.get(&path).status), [404, 404, 200]);
    stage.bot.land().await;
}
