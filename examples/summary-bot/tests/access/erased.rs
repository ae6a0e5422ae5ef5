//! Somebody is erased while what they have asked for is being made.

use serde_json::json;

use crate::service::{Fixture, SUMMARIES, conversation, file, jobs, wait_for};
use crate::stage::{ask, closed, key};

const BEN: &str = "100000000000000002";
const ALL: &str = "summaries:read summaries:write";

/// The path of the job.
fn later(bot: &Fixture, bearer: &str, body: &str) -> String {
    let headers = [("authorization", bearer), ("content-type", "application/json"), jobs::ASYNC];
    let answer = bot.call("POST", SUMMARIES, &headers, body.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.header("location").expect("a location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_made_for_somebody_who_is_erased_is_not_stored() {
    let bot = Fixture::with(|config| {
        closed(config);
        config.jobs.concurrency = 1;
        config.jobs.prefetch = 0;
    })
    .await;
    let (ben, program) = (key(&bot, BEN, ALL).await, key(&bot, "the backup", ALL).await);
    let theirs = later(&bot, &ben, &jobs::long_conversation(100));
    let begun = || bot.metric("summaries_in_progress{service=\"summary-bot\"}").filter(|count| *count > 0.0);
    wait_for("the work to begin", begun);
    bot.crew.operate("erase-user", vec![BEN.to_owned()]).await.expect("erased");

    // One is made at a time: when this one is, theirs is over.
    let next = later(&bot, &program, &conversation(&json!({})));
    wait_for("the next summary", || {
        let job = ask(&bot, "GET", &next, &program, "").json();
        job["summary"].as_str().map(str::to_owned)
    });
    assert_eq!(ask(&bot, "GET", &theirs, &program, "").json()["state"], "cancelled");
    let stored = "SELECT count(*) FROM summaries";
    let stored: i64 = sqlx::query_scalar(stored).fetch_one(&file(&bot.folder).await).await.expect("a count");
    assert_eq!(stored, 1);
    bot.land().await;
}
