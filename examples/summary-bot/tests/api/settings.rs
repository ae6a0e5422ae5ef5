//! The settings of a server.

use serde_json::json;

use crate::service::Fixture;

const PATH: &str = "/api/v1/guilds/175928847299117063/settings";
const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_changed_by_who_has_seen_the_last_version_and_taken_back() {
    let bot = Fixture::start().await;
    let before = bot.get(PATH);
    assert_eq!((before.status, before.header("etag")), (200, Some("\"0\"")));
    let change = json!({"settings": {"length": "brief"}}).to_string();
    let seen = [JSON, ("if-match", "\"0\"")];
    let after = bot.call("PATCH", PATH, &seen, change.as_bytes());
    assert_eq!((after.status, &after.json()["settings"]["length"]["value"]), (200, &json!("brief")));
    let late = bot.call("PATCH", PATH, &seen, change.as_bytes());
    assert_eq!((late.status, late.code().as_str()), (409, "VERSION_CONFLICT"));
    let reset = bot.delete(PATH).json();
    assert_eq!(reset["settings"]["length"]["value"], before.json()["settings"]["length"]["value"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_change_is_named() {
    let bot = Fixture::start().await;
    for (body, field) in [
        (r#"{"settings": {"length": "epic"}}"#, json!("settings.length")),
        (r#"{"colour": 1}"#, json!("colour")),
        ("{", json!(null)),
    ] {
        let answer = bot.call("PATCH", PATH, &[JSON], body.as_bytes());
        assert_eq!((answer.status, &answer.json()["field"]), (400, &field), "{body}");
    }
    assert_eq!(bot.call("PATCH", PATH, &[JSON, ("if-match", "x")], b"{}").status, 400);
    assert_eq!(bot.get("/api/v1/guilds/nobody/settings").status, 404);
}
