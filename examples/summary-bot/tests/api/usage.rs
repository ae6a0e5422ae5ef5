//! What models did, and what it cost.

use serde_json::json;

use crate::service::Fixture;

const PATH: &str = "/api/v1/usage";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_nothing_was_used_and_nothing_is_owed() {
    let bot = Fixture::start().await;
    let usage = bot.get(PATH);
    assert_eq!((usage.status, &usage.json()["days"]), (200, &json!([])));
    assert_eq!(usage.json()["total"]["cost_microdollars"], 0);
    assert_eq!(bot.get(&format!("{PATH}?guild_id=7&from=2026-01-01&to=2026-12-31")).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_makes_no_sense_is_refused_by_name() {
    let bot = Fixture::start().await;
    for (query, field) in [
        ("from=yesterday", "from"),
        ("from=2026-02-02&to=2026-02-01", "from"),
        ("from=2020-01-01&to=2026-01-01", "from"),
        ("guild_id=x", "guild_id"),
        ("day=1", "day"),
    ] {
        let answer = bot.get(&format!("{PATH}?{query}"));
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)), "{query}");
    }
}
