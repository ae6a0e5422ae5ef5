//! What goes wrong between the bot and the models: an answer comes all the same, once.

use std::time::Duration;

use groundcrew_testkit::models::Reply;

use crate::fleet::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_model_does_the_answer_comes_once() {
    let fleet =
        Fleet::start(&[("models.timeout", "1s"), ("models.total", "5s"), ("models.keep", "0s")]).await;
    let good = fleet.answered("a good model", fleet.asks("summarize")).await;
    assert!(fleet.models.totals().requests > 0, "a control: the model was asked");
    assert!(good.text().len() > 20, "{}", good.text());
    for reply in [
        Reply::Silence,
        Reply::Nonsense,
        Reply::Empty,
        Reply::FreeText,
        Reply::Garbage,
        Reply::Cut,
        Reply::Truncated,
        Reply::Failed(503),
        Reply::RateLimited(Duration::from_secs(30)),
        Reply::Unauthorized,
    ] {
        let what = format!("{reply:?}");
        fleet.models.reply(reply);
        let before = fleet.models.totals().requests;
        let answer = fleet.answered(&what, fleet.asks("summarize").option("messages", 6)).await;
        assert!(answer.text().len() > 20, "{what}: {}", answer.text());
        assert!(
            fleet.models.totals().requests > before || what == "Unauthorized",
            "{what}: it was not asked"
        );
    }
    fleet.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_is_said_and_the_answer_comes_all_the_same() {
    // A model of one's own costs nothing unless its price is said.
    let fleet = Fleet::start(&[
        ("models.named.dear.base_url", "{models}"),
        ("models.named.dear.api_key", "local"),
        ("models.named.dear.model", "dear"),
        ("models.named.dear.input_price", "100"),
        ("models.named.dear.output_price", "100"),
        ("models.chain", "dear"),
        ("budget.daily", "0.00001"),
    ])
    .await;
    fleet.answered("the first one", fleet.asks("summarize")).await;
    let paid = fleet.models.totals().requests;
    let answer = fleet.answered("a spent budget", fleet.asks("summarize").option("messages", 5)).await;
    assert!(answer.text().contains("budget"), "{}", answer.text());
    assert_eq!(fleet.models.totals().requests, paid, "nothing is asked that cannot be paid");
    fleet.land().await;
}
