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
        ("budget.daily", "2"),
    ])
    .await;
    let mut paid = 0;
    // Another question each time: one that was answered is not paid for again.
    for language in ["de", "fr", "it", "es", "pt", "nl", "da", "sv", "fi", "pl", "cs", "hu", "el", "tr", "ja"]
    {
        let ask = fleet.asks("summarize").option("language", language);
        let answer = fleet.answered("within a budget, and beyond it", ask).await;
        let requests = fleet.models.totals().requests;
        if answer.text().contains("budget") {
            assert!(paid > 0, "the first was paid for");
            assert_eq!(requests, paid, "nothing is asked that cannot be paid");
            return fleet.land().await;
        }
        assert!(requests > paid, "{}", answer.text());
        paid = requests;
    }
    panic!("the budget is never spent");
}
