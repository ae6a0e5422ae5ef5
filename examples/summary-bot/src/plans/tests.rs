//! Runs of schedules, over what was said in a file instead of Discord, and to receivers that note what they get.

mod deliveries;
mod sink;
mod stage;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use groundcrew::Crew;
use groundcrew::cache::CacheConfig;
use groundcrew::http::Problem;
use groundcrew::jobs::{JobsConfig, Publisher, TimetableConfig};
use groundcrew::lease::LeaseConfig;
use groundcrew::sql::SqlConfig;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::post::Posting;
use super::*;
use crate::auth::Readers;
use crate::benches::Benches;
use crate::bot_metrics::BotMetrics;
use crate::caretaker::Caretaker;
use crate::clerk::{Desk, Summarize};
use crate::discord::history::{Channel, ChannelHistory, History, Part, Reading, Skipped, Wanted, Why};
use crate::discord::reply::Reply;
use crate::document::Document;
use crate::models::{Chain, ModelNames, Purse};
use crate::scribe::Scribe;
use crate::settings::{Change, Key, Settings};
use crate::store::{Filter, MIGRATIONS, Name, Store};
use crate::webhooks::{Announce, Webhooks};
use crate::workshop::Workshop;
use crate::{Message, Origin};
use stage::Stage;

const GUILD: &str = "175928847299117063";
const TALK: &str = "175928847299117064";
const QUIET: &str = "175928847299117065";
/// More was said there than is read.
const LONG: &str = "175928847299117069";
const CLOSED: &str = "175928847299117066";
const HERE: &str = "175928847299117067";
const THERE: &str = "175928847299117068";

const SAID: &str = "anna: The ARM build is broken since the compiler update on Monday.\n\
    ben: Which version of the compiler is on the build machine now?\n\
    anna: It is version 14.2, and the linker refuses the new relocations.\n\
    cleo: We decided to pin the old compiler until the release is out.\n\
    ben: I will pin the compiler and rebuild the ARM packages by Friday.\n\
    anna: Good, then the packages are ready for the release on Monday.\n";

fn brief(change: &Value) -> Brief {
    let mut brief = json!({
        "name": "the build", "guild_id": GUILD, "channels": [TALK], "timing": {"kind": "daily"},
        "destinations": [{"channel": HERE}],
    });
    for (name, value) in change.as_object().expect("an object") {
        brief[name] = value.clone();
    }
    serde_json::from_value(brief).expect("a brief")
}

fn is(outcome: Outcome) -> impl Fn(&Schedule) -> bool {
    move |schedule| schedule.standing.outcome == Some(outcome)
}

#[tokio::test]
async fn when_its_time_comes_the_period_since_the_time_before_is_summarised_and_posted() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({})).await;
    stage.plans.keep(&LeaseConfig::default()).expect("a lease");
    stage
        .time
        .store("2026-01-05T09:00:00Z".parse::<Timestamp>().expect("a time").as_second(), Ordering::Relaxed);
    let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
    let posted = stage.posted(1).await;
    assert_eq!(posted[0].0, HERE);
    assert!(posted[0].1.len() <= 25, "Discord takes no longer nonce: {}", posted[0].1);
    let wanted = stage.asked.lock()[0].clone();
    let at = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
    assert_eq!((wanted.since, wanted.until), (at("2026-01-04T09:00:00Z"), at("2026-01-05T09:00:00Z")));
    let json = stage.store.get(done.standing.summary.expect("a summary")).await.expect("an answer");
    let document: Document = serde_json::from_str(&json.expect("the summary")).expect("a document");
    assert_eq!((&*document.title, document.origin.guild_id.as_deref()), ("the build", Some(GUILD)));
    assert_eq!(document.origin.channel_id.as_deref(), Some(TALK));
    assert_eq!(document.origin.requested_by.as_deref(), Some("ann"));
    assert_eq!(stage.land().await.posted.lock().len(), 1, "and once");
}

#[tokio::test]
async fn the_settings_of_the_server_lie_under_what_a_schedule_says() {
    let stage = Stage::open().await;
    stage
        .set(vec![
            (Key::ExcludedUsers, json!(["100000000000000002"])),
            (Key::ExcludedChannels, json!([QUIET])),
            (Key::EnabledChannels, json!([TALK, QUIET])),
            (Key::Length, json!("brief")),
            (Key::Perspective, json!("developer")),
            (Key::IncludeBots, json!(true)),
            (Key::MinMessages, json!(2)),
        ])
        .await;
    let schedule = stage.schedule(json!({"exclude_users": ["100000000000000003"]})).await;
    stage.run(&schedule).await;
    let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
    let wanted = stage.asked.lock()[0].clone();
    assert_eq!(wanted.exclude_users, ["100000000000000003", "100000000000000002"], "both are left out");
    assert_eq!((wanted.exclude_channels, wanted.only_channels.len()), (vec![QUIET.to_owned()], 2));
    assert!(wanted.bots);
    let asked = stage.document(&done).await.options;
    assert_eq!((&*asked.length, &*asked.perspective, asked.min_messages), ("brief", "developer", 2));

    // What the schedule says has the last word, but for exclusions.
    let said = json!({"name": "else", "length": "detailed", "perspective": "general", "include_bots": false});
    let other = stage.schedule(said).await;
    stage.run(&other).await;
    let done = stage.until(&other, "it is summarised", is(Outcome::Summarised)).await;
    let asked = stage.document(&done).await.options;
    assert_eq!((&*asked.length, &*asked.perspective, asked.include_bots), ("detailed", "general", false));
    assert_eq!(asked.exclude_users, ["100000000000000002"]);
}

/// As versions before have stored them.
#[tokio::test]
async fn a_schedule_that_says_everything_reads_and_one_that_says_little_writes_no_null() {
    let full = brief(&json!({
        "period": null, "length": "detailed", "perspective": "general", "language": null, "mode": "combined",
        "threads": true, "include_bots": false, "exclude_users": [], "missed": "once",
    }));
    assert_eq!((full.length.as_deref(), full.include_bots), (Some("detailed"), Some(false)));
    let little = json!(brief(&json!({"length": null})));
    for name in ["length", "perspective", "include_bots"] {
        assert!(little.get(name).is_none(), "a replica of the version before reads no null: {little}");
    }
}

/// A run as the timetable puts it in.
fn waiting(schedule: &Schedule) -> SummarizeChannels {
    let planned = json!({"plan": schedule.plan.id, "due": "2026-01-05T09:00:00Z", "by_hand": true});
    let planned = serde_json::from_value(planned).expect("what the timetable puts in");
    SummarizeChannels { planned: Some(planned), ..schedule.job.clone() }
}

#[tokio::test]
async fn a_run_that_waits_while_whoever_lent_it_their_sight_is_erased_reads_nothing() {
    for erased in [true, false] {
        let stage = Stage::open().await;
        let ann = || Some("ann".to_owned());
        let schedule = stage.plans.create(brief(&json!({})), ann(), ann()).await.expect("a schedule");
        if erased {
            assert_eq!(stage.plans.erase("ann").await.expect("erased"), (1, 0));
        }
        let waiting = waiting(&schedule);
        stage.publisher.enqueue(&waiting).await.expect("enqueued");
        let end = if erased { "cancelled" } else { "done" };
        stage.until_ended("summarize_channels", end).await;
        assert_eq!(stage.asked.lock().len(), usize::from(!erased), "the control: otherwise it reads");
        stage.land().await;
    }
}

/// Whoever changes a schedule lends it their sight, and has seen only where it goes now.
#[tokio::test]
async fn a_run_that_waits_while_its_schedule_is_changed_goes_where_that_says_now() {
    let stage = Stage::open().await;
    let schedule = stage.plans.create(brief(&json!({})), Some("ann".into()), Some("ann".into())).await;
    let schedule = schedule.expect("a schedule");
    let waiting = waiting(&schedule);
    let elsewhere = brief(&json!({"destinations": [{"channel": THERE}]}));
    stage.plans.change(schedule, elsewhere, Some("bob")).await.expect("changed");
    stage.publisher.enqueue(&waiting).await.expect("enqueued");
    assert_eq!(stage.posted(1).await[0].0, THERE);
    assert_eq!(stage.asked.lock()[0].reader.as_deref(), Some("bob"));
    stage.land().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_run_whose_schedule_is_deleted_meanwhile() {
    for deleted in [true, false] {
        let stage = Stage::open().await;
        let schedule = stage.schedule(json!({})).await;
        let held = stage.gate.lock().await;
        stage.run(&schedule).await;
        stage.reading(1).await;
        if deleted {
            stage.plans.delete(schedule.plan.id).await.expect("deleted");
        }
        drop(held);
        stage.until_ended("summarize_channels", "done").await;
        let kept = stage.store.list(&Filter::default(), None, 10).await.expect("a list").len();
        stage.all_done("post_summary").await;
        let posted = stage.land().await.posted.lock().len();
        assert_eq!((kept, posted), if deleted { (0, 0) } else { (1, 1) }, "the control: otherwise it is");
    }
}

#[tokio::test]
async fn how_a_schedule_stands_names_no_channel_that_is_closed() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({"channels": [CLOSED]})).await;
    stage.run(&schedule).await;
    let failed = stage.until(&schedule, "it has failed", is(Outcome::Failed)).await;
    let error = failed.standing.error.expect("why");
    assert!(error.contains("is closed to me") && !error.contains("builds"), "{error}");
    stage.land().await;
}

#[tokio::test]
async fn answers_about_a_schedule_go_when_somebody_is_taken_out_of_it() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({})).await;
    let name = Name { asker: "the backup".to_owned(), key: "run".to_owned() };
    assert!(stage.store.claim(&name, "it", *schedule.plan.id.as_uuid(), 0).await.expect("claimed"));
    assert_eq!(stage.plans.erase("ann").await.expect("erased"), (0, 1));
    assert_eq!(stage.store.claimed(&name).await.expect("an answer"), None);
    stage.land().await;
}

#[tokio::test]
async fn a_quiet_channel_is_a_skip_and_no_failure() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({"channels": [QUIET]})).await;
    stage.run(&schedule).await;
    let quiet = stage.until(&schedule, "it has run", is(Outcome::Quiet)).await;
    assert_eq!((quiet.standing.failures, quiet.standing.error), (0, None));
    assert_eq!(stage.land().await.posted.lock().len(), 0);
}

#[tokio::test]
async fn of_several_channels_each_may_have_a_summary_of_its_own_and_closed_ones_are_named() {
    let stage = Stage::open().await;
    let together = json!({"channels": [TALK, QUIET, CLOSED], "mode": "individual"});
    let schedule = stage.schedule(together).await;
    stage.run(&schedule).await;
    let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
    let json = stage.store.get(done.standing.summary.expect("a summary")).await.expect("an answer");
    let document: Document = serde_json::from_str(&json.expect("the summary")).expect("a document");
    assert_eq!(document.title, "the build: #builds");
    let warnings = document.summary.metadata.warnings;
    assert!(
        warnings.iter().any(|warning| warning.message.contains("#builds is closed to me")),
        "{warnings:?}"
    );
    stage.posted(1).await;
}

#[tokio::test]
async fn what_was_not_read_is_said_in_the_summary() {
    let stage = Stage::open().await;
    for (channels, warned) in [(json!([TALK]), 0), (json!([TALK, LONG]), 1)] {
        let name = format!("with {warned}");
        let schedule = stage.schedule(json!({"name": name, "channels": channels})).await;
        stage.run(&schedule).await;
        let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
        let warnings = stage.document(&done).await.summary.metadata.warnings;
        let cut: Vec<_> = warnings.iter().filter(|warning| warning.code == "HISTORY_CUT").collect();
        assert_eq!(cut.len(), warned, "{warnings:?}");
        assert!(cut.iter().all(|it| it.message.contains("of #builds the newest 6 messages")), "{cut:?}");
    }
}
