//! Where summaries go: what fails is tried again, said, or pauses the schedule.

use std::time::Duration;

use groundcrew::config::Secret;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::webhooks::{Delivery, Event, Target, Webhook};

#[tokio::test]
async fn what_fails_again_and_again_pauses_itself_and_says_so() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({"channels": [CLOSED]})).await;
    stage.run(&schedule).await;
    let once = stage.until(&schedule, "it has failed", is(Outcome::Failed)).await;
    assert_eq!((once.standing.failures, once.plan.paused), (1, false));
    let error = once.standing.error.expect("an error");
    assert!(error.starts_with("CHANNEL_ACCESS_DENIED: ") && error.contains("closed to me"), "{error}");
    stage.run(&schedule).await;
    let paused = stage.until(&schedule, "it is paused", |schedule| schedule.plan.paused).await;
    assert!(
        paused.plan.paused_because.expect("why").contains("failed 2 times in a row: CHANNEL_ACCESS_DENIED")
    );
    let posted = stage.posted(1).await;
    assert!(posted[0].2.contains("“the build” is paused"), "{posted:?}");
    let resumed = stage.plans.resume(schedule.plan.id).await.expect("resumed");
    assert_eq!((resumed.plan.paused, resumed.standing.failures), (false, 0));
}

#[tokio::test]
async fn a_destination_that_fails_is_tried_again_by_itself() {
    let stage = Stage::open().await;
    stage.fail(
        THERE,
        Undelivered { after: Some(Duration::from_millis(10)), ..Undelivered::for_now("Discord is slow") },
    );
    let schedule = stage.schedule(json!({"destinations": [{"channel": HERE}, {"channel": THERE}]})).await;
    stage.run(&schedule).await;
    let mut channels: Vec<String> = stage.posted(2).await.into_iter().map(|(channel, ..)| channel).collect();
    channels.sort();
    assert_eq!(channels, [HERE, THERE]);
    let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
    assert_eq!(done.standing.error, None);
    assert_eq!(stage.land().await.posted.lock().len(), 2, "each once");
}

#[tokio::test]
async fn nothing_goes_where_its_schedule_does_not_send_any_more() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({"destinations": [{"channel": HERE}, {"channel": THERE}]})).await;
    stage.run(&schedule).await;
    stage.posted(2).await; // the control: it goes to both
    let plan = schedule.plan.id;
    let changed = stage.plans.change(schedule, brief(&json!({"destinations": [{"channel": HERE}]})), None);
    changed.await.expect("changed");
    for channel in [THERE, HERE] {
        let destination = Destination::Channel(channel.to_owned());
        let late = Post { plan, destination, content: Content::Notice("late".to_owned()) };
        stage.publisher.enqueue(&late).await.expect("enqueued");
    }
    stage.all_done("post_summary").await;
    let posted = stage.land().await.posted;
    let late: Vec<String> = posted.lock().iter().skip(2).map(|(channel, ..)| channel.clone()).collect();
    assert_eq!(late, [HERE]);
}

/// Beside a newer version, which writes what this one does not read.
#[tokio::test]
async fn what_is_sent_for_a_schedule_that_does_not_read_is_tried_again() {
    let stage = Stage::open().await;
    let schedule = stage.schedule(json!({})).await;
    stage.spoil().await;
    let destination = Destination::Channel(HERE.to_owned());
    let post = Post { plan: schedule.plan.id, destination, content: Content::Notice("late".to_owned()) };
    stage.publisher.enqueue(&post).await.expect("enqueued");
    stage.until_ended("post_summary", "retry").await;
    stage.land().await;
}

#[tokio::test]
async fn what_cannot_be_delivered_stands_in_the_schedule_and_the_others_get_theirs() {
    let stage = Stage::open().await;
    stage.fail(THERE, Undelivered::for_good("Discord says that there is no such channel"));
    let schedule = stage.schedule(json!({"destinations": [{"channel": THERE}, {"channel": HERE}]})).await;
    stage.run(&schedule).await;
    let noted = stage.until(&schedule, "it is noted", |schedule| schedule.standing.error.is_some()).await;
    let error = noted.standing.error.expect("an error");
    assert_eq!(error, format!("to the channel {THERE}: Discord says that there is no such channel"));
    assert_eq!(stage.posted(1).await[0].0, HERE);
    // A second run with the same end is enough.
    stage.fail(THERE, Undelivered::for_good("Discord says that there is no such channel"));
    stage.run(&schedule).await;
    let paused = stage.until(&schedule, "it is paused", |schedule| schedule.plan.paused).await;
    assert!(paused.plan.paused_because.expect("why").contains("2 times in a row"));
}

/// A schedule that can read nothing, and has been paused for it.
async fn paused(stage: &Stage, destinations: Value) {
    let schedule = stage.schedule(json!({"channels": [CLOSED], "destinations": destinations})).await;
    stage.run(&schedule).await;
    stage.until(&schedule, "it has failed", is(Outcome::Failed)).await;
    stage.run(&schedule).await;
    stage.until(&schedule, "it is paused", |schedule| schedule.plan.paused).await;
}

#[tokio::test]
async fn nobody_in_a_channel_of_another_server_is_told_about_a_schedule() {
    let stage = Stage::open().await;
    stage.look(THERE, Err(Undelivered::for_good("it is no channel of this server that I see")));
    paused(&stage, json!([{"channel": THERE}, {"channel": HERE}])).await;
    stage.until_ended("post_summary", "cancelled").await;
    stage.posted(1).await;
    let posted = stage.land().await.posted.lock().clone();
    assert!(posted.len() == 1 && posted[0].0 == HERE, "{posted:?}");
}

#[tokio::test]
async fn why_a_schedule_is_paused_is_not_said_among_people_who_cannot_read_what_it_names() {
    let stage = Stage::open().await;
    stage.look(THERE, Ok(Some(CLOSED.to_owned())));
    paused(&stage, json!([{"channel": THERE}, {"channel": HERE}])).await;
    let posted = stage.posted(2).await;
    assert!(posted.iter().all(|(.., text)| text.contains("“the build” is paused")), "{posted:?}");
    for (channel, _, text) in &posted {
        assert_eq!(text.contains("closed to me"), channel == HERE, "{channel}: {text}");
    }
}

/// The other way round, and that the log has it once: `told.rs`.
#[tokio::test]
async fn what_a_schedule_has_sent_to_a_webhook_is_not_sent_again_when_it_is_announced() {
    let stage = Stage::open().await;
    let webhook = Webhook {
        id: Uuid::now_v7(),
        created_at: Timestamp::UNIX_EPOCH,
        url: "https://receiver.example/".to_owned(),
        description: String::new(),
        guild_id: None,
        events: vec!["summary.created".to_owned()],
        disabled: None,
        failing_since: None,
        previous_secret_until: None,
        owner: None,
        secret: Secret::new("whsec_secret".to_owned()),
        previous_secret: None,
    };
    assert!(stage.store.insert_webhook(&webhook, 1).await.expect("stored"));
    let event = Event::Created { summary: Uuid::now_v7() };
    let delivery = Delivery::new(Target::Webhook(webhook.id), event.clone());
    stage.store.send_once(&delivery).await.expect("sent");
    stage.publisher.enqueue(&Announce { event, guild_id: None }).await.expect("enqueued");
    stage.until_ended("announce", "done").await;
    assert_eq!(stage.waiting("deliver").await, 1);
    stage.land().await;
}

#[tokio::test]
async fn a_mail_is_sent_with_its_text_and_tried_again_under_the_same_id() {
    let sink = sink::Sink::start(&["451 try again later"]);
    let mail = MailConfig {
        url: Some(Secret::new(sink.url())),
        from: Some("Summary Bot <bot@example.com>".to_owned()),
        ..MailConfig::default()
    };
    let stage = Stage::with_mail(mail).await;
    let schedule = stage.schedule(json!({"destinations": [{"email": "ann@example.com"}]})).await;
    stage.run(&schedule).await;
    let mails = sink.received(2).await;
    assert!(
        mails[1].contains("To: ann@example.com") && mails[1].contains("Subject: the build"),
        "{}",
        mails[1]
    );
    assert!(mails[1].contains("text/plain") && mails[1].contains("text/html"));
    let id = |mail: &str| {
        mail.lines().find_map(|line| line.strip_prefix("Message-ID: ").map(str::to_owned)).expect("an id")
    };
    assert_eq!(id(&mails[0]), id(&mails[1]));
    let done = stage.until(&schedule, "it is summarised", is(Outcome::Summarised)).await;
    assert_eq!(done.standing.error, None);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_not_sent_again() {
    let sink = sink::Sink::start(&["550 no such user here"]);
    let mail = MailConfig {
        url: Some(Secret::new(sink.url())),
        from: Some("bot@example.com".to_owned()),
        ..MailConfig::default()
    };
    let stage = Stage::with_mail(mail).await;
    let schedule = stage.schedule(json!({"destinations": [{"email": "ann@example.com"}]})).await;
    stage.run(&schedule).await;
    let noted = stage.until(&schedule, "it is noted", |schedule| schedule.standing.error.is_some()).await;
    let error = noted.standing.error.expect("an error");
    assert!(error.starts_with("to ann@example.com: ") && error.contains("no such user"), "{error}");
}

#[tokio::test]
async fn mail_that_is_not_configured_is_refused_before_anything_is_kept() {
    let stage = Stage::open().await;
    let refused =
        stage.plans.create(brief(&json!({"destinations": [{"email": "ann@example.com"}]})), None, None).await;
    let problem = refused.expect_err("it is refused").to_json();
    assert_eq!(problem["field"], "destinations[0]");
    assert!(problem["detail"].as_str().expect("words").contains("SMTP_URL"), "{problem}");
}

/// A password in an error would end in a log.
#[test]
fn a_wrong_url_of_a_mail_server_is_not_repeated() {
    let mail = MailConfig {
        url: Some(Secret::new("smpt://ann:canary@mail.example".to_owned())),
        from: Some("bot@example.com".to_owned()),
        ..MailConfig::default()
    };
    let error = format!("{:?}", Mailer::build(&mail).expect_err("it is wrong"));
    assert!(error.contains("SMTP_URL") && !error.contains("canary"), "{error}");
    assert!(!format!("{mail:?}").contains("canary"));
}
