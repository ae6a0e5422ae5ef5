//! `/api/v1/schedules`: made, read, changed, run and deleted; each answer is held against the OpenAPI document.

use serde_json::{Value, json};

use crate::service::http::Answer;
use crate::service::{Bot, Fixture, wait_for};

const SCHEDULES: &str = "/api/v1/schedules";
const JSON: (&str, &str) = ("content-type", "application/json");
const GUILD: &str = "175928847299117063";

fn schedule(change: &Value) -> String {
    let mut schedule = json!({
        "name": "the week", "guild_id": GUILD, "channels": ["175928847299117064"],
        "timing": {"kind": "weekly", "at": "09:00", "days": ["mon"], "zone": "Europe/Berlin"},
        "destinations": [{"channel": "175928847299117065"}],
    });
    for (name, value) in change.as_object().expect("an object") {
        schedule[name] = value.clone();
    }
    schedule.to_string()
}

fn create(bot: &Bot, change: &Value) -> Answer {
    bot.call("POST", SCHEDULES, &[JSON], schedule(change).as_bytes())
}

fn made(bot: &Bot, change: &Value) -> String {
    let answer = create(bot, change);
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.header("location").expect("its path").to_owned()
}

fn patch(bot: &Bot, path: &str, change: &Value) -> Answer {
    bot.call("PATCH", path, &[JSON], change.to_string().as_bytes())
}

fn act(bot: &Bot, path: &str, what: &str) -> Answer {
    bot.call("POST", &format!("{path}/{what}"), &[], b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_read_changed_and_deleted() {
    let bot = Fixture::start().await;
    let path = made(&bot, &json!({}));
    let read = bot.get(&path).json();
    assert_eq!(
        (&read["state"], &read["expression"]),
        (&json!("waiting"), &json!("CRON_TZ=Europe/Berlin 0 9 * * MON"))
    );
    assert_eq!(read["next_times"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&read["length"], &read["last_outcome"]),
        (&Value::Null, &Value::Null),
        "as the server has it"
    );
    let next = read["next_times"].clone();
    let changed = patch(&bot, &path, &json!({"length": "brief", "period": "7d"}));
    assert_eq!((changed.status, &changed.json()["length"]), (200, &json!("brief")), "{}", changed.body);
    assert_eq!(changed.json()["next_times"], next, "the timing is the same");
    let moved = patch(&bot, &path, &json!({"timing": {"at": "17:30"}, "period": null})).json();
    assert_eq!(
        (&moved["expression"], &moved["period"]),
        (&json!("CRON_TZ=Europe/Berlin 30 17 * * MON"), &Value::Null)
    );
    assert_eq!(bot.delete(&path).status, 204);
    assert_eq!(bot.get(&path).status, 404);
    assert_eq!(bot.delete(&path).status, 404);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_paused_and_resumed_and_a_run_by_hand_says_how_it_went() {
    let bot = Fixture::start().await;
    let path = made(&bot, &json!({}));
    let paused = act(&bot, &path, "pause").json();
    assert_eq!((&paused["state"], &paused["next_times"]), (&json!("paused"), &json!([])));
    assert_eq!(paused["paused_because"], "over the API");
    assert_eq!(act(&bot, &path, "run").status, 202, "also one that is paused");
    // There is no Discord here.
    let failed = wait_for("the run", || {
        Some(bot.get(&path).json()).filter(|schedule| !schedule["last_error"].is_null())
    });
    assert_eq!((&failed["last_outcome"], &failed["failures"]), (&json!("failed"), &json!(1)));
    assert!(failed["last_error"].as_str().expect("words").starts_with("DISCORD_OFF"), "{failed}");
    let resumed = act(&bot, &path, "resume").json();
    assert_eq!((&resumed["state"], &resumed["failures"]), (&json!("waiting"), &json!(0)));
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_listed_page_by_page_and_by_server() {
    let bot = Fixture::start().await;
    for (name, guild) in [("one", GUILD), ("two", GUILD), ("three", "175928847299117099")] {
        made(&bot, &json!({"name": name, "guild_id": guild}));
    }
    let names = |page: &Value| -> Vec<Value> {
        page["items"].as_array().expect("items").iter().map(|item| item["name"].clone()).collect()
    };
    let first = bot.get(&format!("{SCHEDULES}?limit=2"));
    assert_eq!(names(&first.json()), ["one", "two"]);
    let link = first.header("link").expect("a link").to_owned();
    let next = link.trim_start_matches('<').split('>').next().expect("its path").to_owned();
    let second = bot.get(&next).json();
    assert_eq!((names(&second), &second["next_cursor"]), (vec![json!("three")], &Value::Null));
    let of_guild = bot.get(&format!("{SCHEDULES}?guild_id={GUILD}")).json();
    assert_eq!(names(&of_guild), ["one", "two"]);
    for query in ["guild_id=x", "limit=0", "cursor=x", "limit=1&limit=2", "colour=red"] {
        assert_eq!(bot.get(&format!("{SCHEDULES}?{query}")).status, 400, "{query}");
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_with_its_field() {
    let bot = Fixture::with(|config| config.schedules.per_guild = 2).await;
    for (change, field) in [
        (json!({"timing": {"kind": "daily", "at": "noon"}}), "timing.at"),
        (json!({"timing": {"kind": "daily", "zone": "Mars"}}), "timing.zone"),
        (json!({"timing": {"kind": "cron", "cron": "* * * * *"}}), "timing"),
        (json!({"timing": {"kind": "once", "at": "2020-01-01T09:00"}}), "timing"),
        (json!({"channels": []}), "channels"),
        (json!({"channels": ["+1"]}), "channels"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"destinations": [{"email": "ann@example.com"}]}), "destinations[0]"),
    ] {
        let answer = create(&bot, &change);
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{change}");
        assert_eq!(answer.json()["field"], field, "{}", answer.body);
    }
    for body in [&b"{"[..], b"[]", br#"{"name": 7}"#, br#"{"colour": "red"}"#] {
        assert_eq!(bot.call("POST", SCHEDULES, &[JSON], body).status, 400);
    }
    let path = made(&bot, &json!({}));
    assert_eq!(create(&bot, &json!({})).code(), "SCHEDULE_EXISTS");
    made(&bot, &json!({"name": "another"}));
    assert_eq!(create(&bot, &json!({"name": "a third"})).code(), "TOO_MANY_SCHEDULES");
    assert_eq!(patch(&bot, &path, &json!({"name": "another"})).code(), "SCHEDULE_EXISTS");
    assert_eq!(patch(&bot, &path, &json!({"guild_id": "1"})).json()["field"], "guild_id");
    assert_eq!(patch(&bot, &path, &json!([])).status, 400);
    assert_eq!(bot.call("POST", SCHEDULES, &[], b"x").status, 415);
    for id in ["01a1fdf0-f09e-7490-9c02-481706f95825", "nonsense"] {
        assert_eq!(act(&bot, &format!("{SCHEDULES}/{id}"), "run").status, 404);
        assert_eq!(act(&bot, &format!("{SCHEDULES}/{id}"), "pause").status, 404);
    }
    bot.land().await;
}

/// It leads into somebody's channel for whoever has it.
#[tokio::test(flavor = "multi_thread")]
async fn the_url_of_a_webhook_is_never_shown_again() {
    let bot = Fixture::start().await;
    let answer = create(&bot, &json!({"destinations": [{"webhook_url": "https://hooks.example/canary"}]}));
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = answer.header("location").expect("its path").to_owned();
    for body in [answer.body.clone(), bot.get(&path).body, bot.get(SCHEDULES).body] {
        assert!(body.contains("https://hooks.example/…") && !body.contains("canary"), "{body}");
    }
    bot.land().await;
}
