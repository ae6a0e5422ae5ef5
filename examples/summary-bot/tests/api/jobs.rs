//! Jobs: their progress, their end, and calling them off.

use std::time::Duration;

use serde_json::{Value, json};

use crate::service::events::Events;
use crate::service::jobs::{self, ASYNC};
use crate::service::{Fixture, SUMMARIES, conversation, file, wait_for};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A bot that does one job at a time, and is at one that takes a while.
async fn busy() -> (Fixture, String) {
    let bot = Fixture::with(|config| {
        config.jobs.concurrency = 1;
        config.jobs.prefetch = 0;
        config.api.follow_period = Duration::from_millis(50);
        config.api.housekeeping = Duration::from_millis(100);
    })
    .await;
    let long = jobs::ask(bot.address, "long", &jobs::long_conversation(100));
    let begun = || bot.metric("summaries_in_progress{service=\"summary-bot\"}").filter(|count| *count > 0.0);
    wait_for("the work to begin", begun);
    (bot, long)
}

fn ask(bot: &Fixture, title: &str) -> String {
    jobs::ask(bot.address, title, &conversation(&json!({})))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_conversation_is_summarised_later_unasked() {
    let bot = Fixture::with(|config| config.summaries.sync_messages = 100).await;
    let accepted = bot.post("?title=large", &jobs::long_conversation(3));
    assert_eq!((accepted.status, accepted.header("preference-applied")), (202, None));
    let job = accepted.header("location").expect("a location");
    assert_eq!(jobs::outcome(bot.address, job)["state"], "succeeded");
    // What does not read is refused at once, and what is not large is not put off.
    let broken = format!("{}]", jobs::long_conversation(3));
    assert_eq!(bot.post("", &broken).code(), "INVALID_JSON");
    assert_eq!(bot.post("", &jobs::long_conversation(2)).status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_is_not_made_and_forgotten() {
    let (bot, long) = busy().await;
    let job = ask(&bot, "unwanted");
    let cancelled = bot.delete(&job);
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (200, &json!("cancelled")));
    assert_eq!((bot.delete(&job).status, bot.get(&job).json()), (200, cancelled.json()));
    let kept = "SELECT count(*) FROM requests WHERE cancelled AND body IS NOT NULL";
    let kept: i64 = sqlx::query_scalar(kept).fetch_one(&file(&bot.folder).await).await.expect("a count");
    assert_eq!(kept, 0);
    let last = ask(&bot, "wanted");
    jobs::assert_each_once(bot.address, &[("long".to_owned(), long), ("wanted".to_owned(), last)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_made_can_be_called_off() {
    let (bot, long) = busy().await;
    assert_eq!(bot.delete(&long).json()["state"], "cancelled");
    let next = ask(&bot, "next");
    jobs::assert_each_once(bot.address, &[("next".to_owned(), next)]);
    assert_eq!(bot.get(&long).json()["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_cannot_be_called_off() {
    let bot = Fixture::start().await;
    let job = ask(&bot, "done");
    let done = jobs::outcome(bot.address, &job);
    assert_eq!((&done["percent"], &done["phase"]), (&json!(100), &json!("done")));
    let refused = bot.delete(&job);
    assert_eq!((refused.status, refused.code().as_str()), (409, "JOB_ENDED"));
    assert_eq!(
        (&refused.json()["state"], &refused.json()["retryable"]),
        (&json!("succeeded"), &json!(false))
    );
    for id in ["01a1fdf0-f09e-7490-9c02-481706f95825", "nonsense"] {
        assert_eq!(bot.delete(&format!("/api/v1/jobs/{id}")).code(), "NOT_FOUND");
        assert_eq!(bot.get(&format!("/api/v1/jobs/{id}/events")).code(), "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_to_its_end() {
    let (bot, long) = busy().await;
    let job = ask(&bot, "followed");
    let mut events = Events::open(bot.address, &format!("{job}/events"), &[]);
    assert!(events.until("event: progress").contains("content-type: text/event-stream"));
    events.until("\"state\":\"pending\"");
    let mut of_the_long = Events::open(bot.address, &format!("{long}/events"), &[]);
    of_the_long.until("\"phase\":\"summarising\"");
    let all = events.rest();
    let end = all.split("event: succeeded").nth(1).expect("the end is told");
    assert!(end.contains("\"percent\":100") && end.contains(SUMMARIES), "{all}");
    // Whoever comes when it is over is told so at once.
    assert!(Events::open(bot.address, &format!("{job}/events"), &[]).rest().contains("event: succeeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_again_is_told_only_what_is_new() {
    let (bot, _long) = busy().await;
    let job = ask(&bot, "followed");
    let mut events = Events::open(bot.address, &format!("{job}/events"), &[]);
    let id = events.until("\n\n\r\n").split("id: ").nth(1).and_then(|rest| rest.lines().next());
    let id = id.expect("events have ids").to_owned();
    drop(events);
    let again = Events::open(bot.address, &format!("{job}/events"), &[("last-event-id", &id)]);
    bot.delete(&job);
    let told = again.rest();
    // It may have gone on meanwhile; what was told is not told again.
    assert!(!told.contains(&format!("id: {id}\n")) && told.contains("event: cancelled"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_is_told_when_the_service_goes() {
    let (bot, _long) = busy().await;
    let job = ask(&bot, "followed");
    let mut events = Events::open(bot.address, &format!("{job}/events"), &[]);
    events.until("event: progress");
    bot.land().await;
    let told = events.rest();
    assert!(told.contains("event: going") && told.contains("retry: 2000"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_follow_at_a_time() {
    let bot = Fixture::with(|config| config.api.followers = 0).await;
    let job = ask(&bot, "followed");
    let refused = bot.get(&format!("{job}/events"));
    assert_eq!((refused.status, refused.code().as_str()), (503, "TOO_MANY_FOLLOWERS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_dead_has_failed_until_somebody_has_it_made_after_all() {
    let (bot, long) = busy().await;
    let begun = || bot.metric("summaries_in_progress{service=\"summary-bot\"}").filter(|count| *count > 0.0);
    wait_for("the long one to begin", begun);
    let job = ask(&bot, "dead");
    let file = file(&bot.folder).await;
    let state = async |from: i64, to: i64| {
        let now = jiff::Timestamp::now().as_microsecond();
        let update = "UPDATE groundcrew_jobs SET state = ?, due_at = ? WHERE state = ?";
        let update = sqlx::query(update).bind(to).bind(now).bind(from);
        update.execute(&file).await.expect("an update").rows_affected()
    };
    // The one that waits dies.
    assert_eq!(state(0, 2).await, 1);
    let failed = jobs::outcome(bot.address, &job);
    assert_eq!((&failed["state"], &failed["problem"]["code"]), (&json!("failed"), &json!("JOB_ABANDONED")));
    assert_eq!(bot.get(&job).json(), failed, "as the document says");
    // What `summary-bot jobs requeue` does.
    assert_eq!(state(2, 0).await, 1);
    let made =
        wait_for("it to be made", || Some(bot.get(&job).json()).filter(|job| job["state"] == "succeeded"));
    assert_eq!(made["problem"], Value::Null);
    jobs::assert_each_once(bot.address, &[("long".to_owned(), long), ("dead".to_owned(), job)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn decided_requests_are_forgotten_in_time_and_others_are_not() {
    let (bot, long) = busy().await;
    let job = ask(&bot, "cancelled");
    bot.delete(&job);
    let file = file(&bot.folder).await;
    sqlx::query("UPDATE requests SET created_ms = 0").execute(&file).await.expect("an update");
    wait_for("it to be forgotten", || Some(()).filter(|()| bot.get(&job).status == 404));
    let standing = bot.call("GET", &long, &[JSON, ASYNC], b"");
    assert_eq!(standing.status, 200, "it is not decided yet");
}
