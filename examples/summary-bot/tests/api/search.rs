//! Lists: filtered and searched, with the same results on both databases.

use std::collections::BTreeSet;
use std::time::Duration;

use groundcrew_testkit::postgres::Postgres;
use serde_json::{Value, json};

use crate::service::{Bot, Fixture, SUMMARIES, at_url, conversation, file, wait_for};

const TITLES: [&str; 5] = [
    "Die Größe der Fähre",
    "The tug-boat is crooked",
    "Crooked pipes under the pier",
    "東京の天気",
    "Łódź: 'quotes' & |pipes| \\",
];

/// What is searched for, and which titles are found.
const SEARCHES: &[(&str, &[usize])] = &[
    ("crooked", &[1, 2]),
    ("CROOKED", &[1, 2]),
    ("crook*", &[1, 2]),
    ("crook", &[]),
    ("crooked -pipes", &[1]),
    ("pier crooked", &[2]),
    ("\"tug boat\"", &[1]),
    ("tug-boat", &[1]),
    ("\"boat tug\"", &[]),
    ("crooked -\"tug boat\"", &[2]),
    ("größe", &[0]),
    ("FÄHRE", &[0]),
    ("天気", &[3]),
    ("気天", &[]),
    ("łódź", &[4]),
    ("pipes", &[2, 4]),
    // What means something to a database is a word like any other.
    ("crooked OR größe", &[]),
    ("crooked' | 'x", &[]),
    ("x' OR '1'='1", &[]),
    ("crooked\" OR \"x", &[]),
    ("words:crooked", &[]),
    ("pier & crooked", &[2]),
    ("!crooked", &[1, 2]),
    ("crooked:*", &[1, 2]),
    ("^crooked", &[1, 2]),
    ("NEAR(crooked pipes)", &[]),
    ("'); DROP TABLE summaries; --", &[]),
];

fn make(bot: &Bot, title: &str) {
    let mut body: Value = serde_json::from_str(&conversation(&json!({}))).expect("JSON");
    body["title"] = title.into();
    assert_eq!(bot.post("", &body.to_string()).status, 201);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn found(bot: &Bot, query: &str) -> BTreeSet<String> {
    let answer = bot.get(&format!("{SUMMARIES}?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let page = answer.json();
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|entry| entry["title"].as_str().expect("a title").to_owned()).collect()
}

fn searches(bot: &Bot) {
    for title in TITLES {
        make(bot, title);
    }
    for (query, expected) in SEARCHES {
        let expected: BTreeSet<String> = expected.iter().map(|at| TITLES[*at].to_owned()).collect();
        assert_eq!(found(bot, &format!("q={}", encoded(query))), expected, "{query}");
    }
    // A control: the words of the summary are found too, in all of them.
    assert_eq!(found(bot, "q=compiler").len(), TITLES.len());
    assert_eq!(found(bot, "q=compiler&language=en&engine=nobody").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_finds_what_it_should() {
    let bot = Fixture::start().await;
    searches(&bot);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_finds_the_same() {
    let postgres = Postgres::start().await.expect("a Postgres");
    let database = postgres.database().await.expect("a database");
    let bot = Bot::start(at_url(database.url())).await;
    searches(&bot);
    let one = bot.get(&format!("{SUMMARIES}?q=crooked&limit=1")).json();
    let path = format!("{SUMMARIES}/{}", one["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(bot.delete(&path).status, 204);
    assert_eq!(found(&bot, "q=crooked").len(), 1);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_what_was_found_go_on() {
    let bot = Fixture::start().await;
    for title in TITLES {
        make(&bot, title);
    }
    let first = bot.get(&format!("{SUMMARIES}?q=crooked%20is%20%22tug%20boat%22&limit=1"));
    assert_eq!((first.json()["next_cursor"].clone(), first.header("link")), (Value::Null, None));
    let first = bot.get(&format!("{SUMMARIES}?q=%22crooked%22&limit=1&since=2020-01-01"));
    let link = first.header("link").expect("a next page");
    assert!(link.contains("?q=%22crooked%22&since=2020-01-01&limit=1&cursor="), "{link}");
    let next = link.split(['<', '>']).nth(1).expect("an address");
    let next = bot.get(next).json();
    assert_eq!((&next["items"][0]["title"], &next["next_cursor"]), (&json!(TITLES[1]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_a_list() {
    let bot = Fixture::start().await;
    make(&bot, "first");
    let entry = bot.get(SUMMARIES).json()["items"][0].clone();
    let (engine, language) =
        (entry["engine"].as_str().expect("one"), entry["language"].as_str().expect("one"));
    assert_eq!(found(&bot, &format!("engine={}&language={language}&guild_id=", encoded(engine))).len(), 1);
    for query in
        ["guild_id=1", "channel_id=1", "requested_by=1", "language=xx", "engine=x", "until=2020-01-01"]
    {
        assert_eq!(found(&bot, query).len(), 0, "{query}");
    }
    assert_eq!(found(&bot, "since=2020-01-01&until=9000-01-01T00:00:00Z").len(), 1);
    for (query, code, field) in [
        ("q=-only", "INVALID_REQUEST", "q"),
        ("since=yesterday", "INVALID_REQUEST", "since"),
        ("since=14:03", "INVALID_REQUEST", "since"),
        ("guild_id=%00", "INVALID_REQUEST", "guild_id"),
        ("since=2026-02-01&until=2026-01-01", "INVALID_TIME_RANGE", "since"),
    ] {
        let answer = bot.get(&format!("{SUMMARIES}?{query}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{query}");
        assert_eq!(answer.json()["field"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_has_stored_is_indexed_in_the_background_and_what_is_deleted_leaves_the_index()
 {
    let bot = Fixture::with(|config| config.api.housekeeping = Duration::from_millis(100)).await;
    make(&bot, "umber");
    make(&bot, "ochre");
    let file = file(&bot.folder).await;
    let forget = "DELETE FROM summary_words; DELETE FROM summary_numbers; \
        UPDATE summaries SET indexed = 0, language = NULL, engine = NULL;";
    sqlx::raw_sql(forget).execute(&file).await.expect("an update");
    wait_for("both to be found", || Some(()).filter(|()| found(&bot, "q=compiler&language=en").len() == 2));
    // Indexed anew, as after its text was changed, it is found by its new words alone.
    let change = "UPDATE summaries SET document = replace(document, '\"title\":\"umber\"', '\"title\":\"sienna\"'), \
        indexed = 0 WHERE title = 'umber'";
    sqlx::raw_sql(change).execute(&file).await.expect("an update");
    wait_for("the new word", || Some(()).filter(|()| found(&bot, "q=sienna").len() == 1));
    assert_eq!(found(&bot, "q=umber").len(), 0);
    let id = bot.get(&format!("{SUMMARIES}?q=ochre")).json()["items"][0]["id"].clone();
    bot.delete(&format!("{SUMMARIES}/{}", id.as_str().expect("an id")));
    let left = "SELECT count(*) FROM summary_words WHERE summary_words MATCH 'compiler'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&file).await.expect("a count");
    assert_eq!(left, 1);
}
