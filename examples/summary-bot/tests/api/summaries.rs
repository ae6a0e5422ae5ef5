//! Making summaries, reading them, every refusal.

use std::collections::HashSet;

use groundcrew::config::ByteSize;
use serde_json::{Value, json};

use crate::service::{Fixture, SAMPLE, SUMMARIES, conversation, schema};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_becomes_a_summary_that_stays() {
    let bot = Fixture::start().await;
    let made = bot.post("", SAMPLE);
    assert_eq!(made.status, 201);
    let summary = made.json();
    assert_eq!(summary["title"], "#release-planning");
    assert_eq!(summary["metadata"]["messages_read"], 34);
    let path = made.header("location").expect("a location").to_owned();
    assert_eq!(path, format!("{SUMMARIES}/{}", summary["id"].as_str().expect("an id")));
    assert_eq!(bot.get(&path).json(), summary);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_cites_messages_that_come_with_the_summary() {
    let bot = Fixture::start().await;
    let summary = bot.post("?length=comprehensive", SAMPLE).json();
    let cited: HashSet<&str> =
        summary["citations"].as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
    let lists = ["sentences", "key_points", "decisions", "action_items", "open_questions"];
    let points = lists.iter().flat_map(|list| summary[*list].as_array().expect("a list"));
    let mut seen = 0;
    for id in points.flat_map(|point| point["messages"].as_array().expect("ids")).filter_map(Value::as_str) {
        assert!(cited.contains(id), "{id} is cited and not there");
        seen += 1;
    }
    assert!(seen > 10, "{summary:#}");
    let said = summary["citations"].to_string();
    assert!(said.contains("`TokenCache` throws"), "the messages come as they were written: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_and_chat_logs_are_summarised_too() {
    let bot = Fixture::start().await;
    let messages =
        serde_json::from_str::<Value>(&conversation(&json!({}))).expect("JSON")["messages"].to_string();
    assert_eq!(bot.post("", &messages).status, 201);
    let log =
        "[14:03] <anna> The ARM build is broken since the update.\n[14:05] <ben> I will fix it by Friday.\n";
    let summary = bot.post_text("?min_messages=2&title=night%20shift", log);
    assert_eq!(summary.status, 201);
    assert_eq!(summary.json()["title"], "night shift");
    assert_eq!(summary.json()["citations"][0]["time"], "14:03");
    // A file that is sent as text may hold JSON all the same.
    assert_eq!(bot.post_text("", SAMPLE).json()["title"], "#release-planning");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_in_the_body_are_obeyed() {
    let bot = Fixture::start().await;
    let options = json!({
        "words": 20, "perspective": "developer", "exclude_users": ["CLEO"], "include_bots": true,
        "min_messages": 3, "since": null,
    });
    let summary = bot.post("", &conversation(&options)).json();
    assert!(summary["metadata"]["summary_words"].as_u64().is_some_and(|words| words <= 20), "{summary:#}");
    assert_eq!(summary["options"]["length"], "custom");
    assert_eq!(summary["options"]["perspective"], "developer");
    assert_eq!(summary["metadata"]["messages_excluded"], 1);
    let names: Vec<&str> = summary["participants"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert!(names.contains(&"deploy") && !names.contains(&"cleo"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_in_the_query_are_obeyed() {
    let bot = Fixture::start().await;
    let query = "?min_messages=2&words=30&since=2026-05-11T07:10Z&until=07:30&exclude_users=Mira,jonas&exclude_users=103";
    let summary = bot.post(query, SAMPLE).json();
    assert_eq!(summary["options"]["exclude_users"], json!(["Mira", "jonas", "103"]));
    assert_eq!(summary["metadata"]["first_message"], "2026-05-11 07:10", "{summary:#}");
    assert_eq!(summary["metadata"]["participant_count"], 1);
    assert_eq!(bot.post("?include_bots=true", SAMPLE).json()["metadata"]["messages_counted"], 34);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_options_that_are_wrong_are_named_at_once() {
    let bot = Fixture::start().await;
    let options = json!({
        "words": 0, "length": "epic", "since": "yesterday", "exclude_users": "mara", "include_bots": 1, "wrds": 3,
    });
    let answer = bot.post("", &conversation(&options));
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"));
    let errors = answer.json()["errors"].clone();
    let fields: HashSet<&str> =
        errors.as_array().expect("a list").iter().filter_map(|error| error["field"].as_str()).collect();
    let expected = ["words", "length", "since", "exclude_users", "include_bots", "wrds"];
    assert_eq!(fields, expected.map(|name| format!("options.{name}")).iter().map(String::as_str).collect());
    assert!(
        answer.body.contains("expected one of brief, detailed, comprehensive, found \\\"epic\\\""),
        "{}",
        answer.body
    );
    for query in ["?words=many", "?length=brief&length=brief", "?colour=blue", "?words=3&length=brief"] {
        let answer = bot.post(query, &conversation(&json!({})));
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{query}");
        let field = query.trim_start_matches('?').split('=').next();
        assert_eq!(answer.json()["field"].as_str(), field, "{query}");
    }
    assert_eq!(
        bot.post("?since=&until=&title=", &conversation(&json!({}))).status,
        201,
        "empty is not given"
    );
    let twice = bot.post("?words=50", &conversation(&json!({"words": 40})));
    assert!(twice.body.contains("in the body and in the query"), "{}", twice.body);
    let not_an_object = bot.post("", r#"{"messages": [], "options": [1]}"#).json();
    assert_eq!(not_an_object["field"], "options");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_is_refused_with_its_place() {
    let bot = Fixture::start().await;
    let answer = bot.post("", "{\"messages\": [\n  {\"author\": \"anna\", }\n]}");
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_JSON"));
    assert_eq!(answer.json()["line"], 2);
    assert!(answer.json()["detail"].as_str().is_some_and(|words| words.starts_with("line 2, column ")));
    for body in
        ["", "hello", "[14:03] <anna> hello", "{\"messages\": []} x", "{\"messages\": [", "\"text\"", "7"]
    {
        let answer = bot.post("", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(["INVALID_JSON", "INVALID_REQUEST"].contains(&answer.code().as_str()), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_message_is_refused_with_its_field() {
    let bot = Fixture::start().await;
    for (body, field) in [
        (
            r#"{"messages": [{"author": "a", "content": "x"}, {"author": "a", "content": 7}]}"#,
            "messages[1].content",
        ),
        (r#"{"messages": [{"author": {"name": []}, "content": "x"}]}"#, "messages[0].author.name"),
        (r#"{"messages": {}}"#, "messages"),
        (r#"[{"content": "x"}]"#, "[0]"),
    ] {
        let answer = bot.post("", body);
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{body}");
        assert_eq!(answer.json()["field"], field, "{}", answer.body);
    }
    let without = bot.post("", r#"{"chat": []}"#);
    assert!(without.body.contains("expected an export with an array `messages`"), "{}", without.body);
    assert_eq!(bot.post_text("", "no log at all").json()["line"], 1);
    assert_eq!(bot.post_text("", "  \n ").code(), "INVALID_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_is_refused_and_nothing_is_stored() {
    let bot = Fixture::start().await;
    let few = bot.post("", r#"[{"author": "anna", "content": "The ARM build is broken."}]"#);
    assert_eq!((few.status, few.code().as_str()), (422, "INSUFFICIENT_CONTENT"));
    assert_eq!((&few.json()["messages_counted"], &few.json()["min_messages"]), (&json!(1), &json!(5)));
    assert_eq!(bot.post("?min_messages=0", "[]").code(), "INSUFFICIENT_CONTENT");
    assert_eq!(bot.get(SUMMARIES).json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused() {
    let bot = Fixture::with(|config| {
        config.summaries.body_limit = ByteSize(64 << 10);
        config.summaries.max_messages = 5;
    })
    .await;
    let many = bot.post("", &conversation(&json!({})));
    assert_eq!((many.status, many.code().as_str()), (422, "TOO_MANY_MESSAGES"));
    let large = format!("[{}]", " ".repeat(70_000));
    let answer = bot.post("", &large);
    assert_eq!((answer.status, answer.code().as_str()), (413, "BODY_TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_may_be_larger_than_other_bodies() {
    let bot = Fixture::with(|config| config.http.body_limit = ByteSize(4 << 10)).await;
    assert!(SAMPLE.len() > 8192);
    assert_eq!(bot.post("", SAMPLE).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_media_types_methods_and_paths_are_refused() {
    let bot = Fixture::start().await;
    for content_type in ["application/x-www-form-urlencoded", "application/xml", ""] {
        let answer = bot.call("POST", SUMMARIES, &[("content-type", content_type)], b"{}");
        assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    }
    let answer = bot.call("PUT", SUMMARIES, &[], b"{}");
    assert_eq!((answer.status, answer.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    let answer = bot.get("/api/v1/summary");
    assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone() {
    let bot = Fixture::start().await;
    let path = format!("{SUMMARIES}/{}", bot.make("first"));
    assert_eq!(bot.delete(&path).status, 204);
    for answer in [bot.get(&path), bot.delete(&path), bot.get(&format!("{SUMMARIES}/nonsense"))] {
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
    }
    assert_eq!(bot.get(SUMMARIES).json()["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_by_cursor_sees_each_summary_once_whatever_happens_meanwhile() {
    let bot = Fixture::start().await;
    let ids: Vec<String> = (0..25).map(|n| bot.make(&format!("walk-{n}"))).collect();
    let page = |query: &str| bot.get(&format!("{SUMMARIES}{query}")).json();
    let first = page("?limit=10");
    // Something new comes in front, and the last one that was shown goes.
    let newer = bot.make("newer");
    bot.delete(&format!("{SUMMARIES}/{}", ids[15]));
    let (mut seen, mut cursor) =
        (first["items"].as_array().expect("a list").clone(), first["next_cursor"].clone());
    while let Some(next) = cursor.as_str() {
        let page = page(&format!("?limit=10&cursor={next}"));
        seen.extend(page["items"].as_array().expect("a list").iter().cloned());
        cursor = page["next_cursor"].clone();
    }
    let seen: Vec<&str> = seen.iter().filter_map(|entry| entry["id"].as_str()).collect();
    let newest_first: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    assert_eq!(seen, newest_first);
    assert_eq!(page("?limit=1")["items"][0]["id"], newer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_how_to_go_on() {
    let bot = Fixture::start().await;
    for n in 0..3 {
        bot.make(&format!("page-{n}"));
    }
    let answer = bot.get(&format!("{SUMMARIES}?limit=2"));
    let next = answer.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(
        answer.header("link"),
        Some(format!("<{SUMMARIES}?limit=2&cursor={next}>; rel=\"next\"").as_str())
    );
    let last = bot.get(&format!("{SUMMARIES}?limit=2&cursor={next}"));
    assert_eq!((last.header("link"), &last.json()["next_cursor"]), (None, &Value::Null));
    let entry = &last.json()["items"][0];
    assert_eq!((&entry["title"], &entry["message_count"]), (&json!("page-0"), &json!(5)));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "limit=1&limit=2", "page=2"] {
        let answer = bot.get(&format!("{SUMMARIES}?{query}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"), "{query}");
        assert_eq!(answer.json()["field"], query.split('=').next().expect("a name"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_right_about_its_own_examples() {
    let bot = Fixture::start().await;
    let document = bot.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let content = &document["paths"][SUMMARIES]["post"]["requestBody"]["content"];
    let json = &content["application/json"];
    assert_eq!(schema::validate(&document, &json["schema"], &json["example"], "$"), Vec::<String>::new());
    assert_eq!(bot.post("", &json["example"].to_string()).status, 201);
    let log = content["text/plain"]["example"].as_str().expect("a log");
    assert_eq!(bot.post_text("", log).status, 201);
    let export = serde_json::from_str(SAMPLE).expect("JSON");
    assert_eq!(schema::validate(&document, &json["schema"], &export, "$"), Vec::<String>::new());
    // A control: the check sees what is wrong.
    let wrong = json!({"messages": [{"author": "anna"}], "options": {"words": "ten"}});
    assert!(!schema::validate(&document, &json["schema"], &wrong, "$").is_empty());
}
