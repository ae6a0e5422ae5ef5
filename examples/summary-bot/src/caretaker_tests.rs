//! Retention and erasing over both databases.

use groundcrew::config::Secret;
use groundcrew::jobs::PlanId;
use groundcrew::sql::statement;

use super::*;
use crate::Origin;
use crate::discord::access::Level;
use crate::headway::Step;
use crate::request::{Asking, Media, State};
use crate::settings::{Change, GuildConfig, Key, Subject, SubjectKind};
use crate::testing::{ANNA, BEN, Ground, grounds, origin};
use crate::webhooks::Webhook;

const GUILD: &str = "300000000000000001";
const OTHER: &str = "300000000000000002";

async fn is_there(ground: &Ground, id: Uuid) -> bool {
    ground.store.get(id).await.expect("read").is_some()
}

fn in_days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_goes_by_the_rule_of_its_server() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let for_ever = Change::value(Key::RetentionDays, Some(0.into()));
        settings.change(OTHER, ANNA, None, for_ever).await.expect("changed");
        let caretaker = ground.caretaker(30, settings);
        let usual = ground.made(origin(GUILD, ANNA, false)).await.id;
        let kept = ground.made(origin(OTHER, ANNA, false)).await.id;
        let uploaded = ground.made(Origin::default()).await.id;

        let early = caretaker.sweep(in_days(29)).await.expect("swept");
        assert_eq!(early, Swept::default(), "{}", ground.name);
        let swept = caretaker.sweep(in_days(31)).await.expect("swept");
        assert_eq!(swept.summaries, 2, "{}", ground.name);
        assert!(!is_there(&ground, usual).await && !is_there(&ground, uploaded).await);
        assert!(is_there(&ground, kept).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_retention_nothing_goes() {
    for ground in grounds().await {
        let caretaker = ground.caretaker(0, ground.settings(GuildConfig::default(), &[]));
        ground.made(origin(GUILD, ANNA, false)).await;
        ground.made(Origin::default()).await;
        assert_eq!(caretaker.sweep(in_days(10_000)).await.expect("swept"), Swept::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_about_a_summary_goes_with_it() {
    for ground in grounds().await {
        let id = ground.made(origin(GUILD, ANNA, false)).await.id;
        ground.store.rate(id, BEN, true).await.expect("rated");
        ground.store.delete(id).await.expect("deleted");
        assert_eq!(ground.store.delete_feedback(BEN).await.expect("none left"), 0, "{}", ground.name);
        assert_eq!(ground.store.unname(BEN).await.expect("none left"), 0, "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_somebody_who_is_erased_nothing_is_left() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let subject = Subject { kind: SubjectKind::User, id: BEN.to_owned() };
        settings.change(GUILD, BEN, None, Change::rule(subject, Some(Level::Admin))).await.expect("changed");
        settings
            .change(GUILD, BEN, None, Change::value(Key::IncludeBots, Some(true.into())))
            .await
            .expect("changed");
        let caretaker = ground.caretaker(90, settings);
        let named = ground.made(origin(GUILD, ANNA, false)).await.id;
        let asked = ground.made(origin(GUILD, BEN, false)).await.id;
        let private = ground.made(origin(GUILD, BEN, true)).await.id;
        ground.store.rate(named, BEN, false).await.expect("rated");
        for id in [named, asked] {
            let before = ground.store.get(id).await.expect("read").expect("there");
            assert!(before.contains("Ben") && before.contains("order a new pump"), "{before}");
        }

        let erased = caretaker.erase(BEN).await.expect("erased");
        assert_eq!((erased.private_summaries_deleted, erased.opinions_deleted), (1, 1), "{}", ground.name);
        assert_eq!(erased.settings_changed, 2, "a rule about them and a setting by them, {}", ground.name);
        assert!(!is_there(&ground, private).await);
        for id in [named, asked] {
            let after = ground.store.get(id).await.expect("read").expect("still there");
            assert!(
                !after.contains("Ben") && !after.contains(BEN) && !after.contains("order a new pump"),
                "{after}"
            );
            assert!(after.contains("Anna"), "{after}");
        }
        let made = ground.store.made_in(GUILD, None, None, 10).await.expect("read");
        assert!(made.iter().all(|made| made.requested_by.as_deref() != Some(BEN)));

        assert_eq!(caretaker.erase(BEN).await.expect("again"), Erased::default(), "{}", ground.name);
    }
}

/// A request of somebody that waits for its job.
async fn asked(ground: &Ground, by: &str) -> Uuid {
    let id = Uuid::now_v7();
    let asking =
        Asking { media: Media::Json, query: Vec::new(), body: "[]".into(), asker: Some(by.to_owned()) };
    ground.store.accept(&ground.publisher, id, asking).await.expect("kept");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_sent_who_is_erased_goes_with_them_and_is_summarised_no_more() {
    const ABANDONED: &str = r#"{"code":"JOB_ABANDONED"}"#;
    for ground in grounds().await {
        let caretaker = ground.caretaker(90, ground.settings(GuildConfig::default(), &[]));
        let (waiting, dead) = (asked(&ground, BEN).await, asked(&ground, BEN).await);
        let another = asked(&ground, ANNA).await;
        ground.store.give_up(dead, ABANDONED).await.expect("given up");

        assert_eq!(caretaker.erase(BEN).await.expect("erased").requests_changed, 2, "{}", ground.name);
        let failed = State::Failed { problem: ABANDONED.to_owned() };
        for (id, state) in [(waiting, State::Cancelled), (dead, failed)] {
            assert!(ground.store.asking(id).await.expect("read").is_none(), "{}: {state:?}", ground.name);
            let wanted = ground.store.note(id, Step::default()).await.expect("noted");
            assert!(!wanted, "whoever is at it goes on, {}: {state:?}", ground.name);
            let standing = ground.store.standing(id).await.expect("read").expect("there");
            assert_eq!(standing.state, state, "{}", ground.name);
        }
        // The control: somebody else's.
        assert!(ground.store.asking(another).await.expect("read").is_some(), "{}", ground.name);
        assert!(ground.store.note(another, Step::default()).await.expect("noted"), "{}", ground.name);
    }
}

/// Or what is made of it meanwhile would be stored after the summaries have been looked through.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_made_for_somebody_is_called_off_before_anything_stored_of_them_is_looked_for() {
    for ground in grounds().await {
        let caretaker = ground.caretaker(90, ground.settings(GuildConfig::default(), &[]));
        let waiting = asked(&ground, BEN).await;
        // Erasing comes no further than this.
        let gone = statement("DROP TABLE webhooks").execute(ground.database.write()).await;
        gone.expect("there is no such table any more");
        caretaker.erase(BEN).await.expect_err("there are no webhooks to look at");
        let standing = ground.store.standing(waiting).await.expect("read").expect("there");
        assert_eq!(standing.state, State::Cancelled, "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_is_kept_below_is_not_lifted_by_being_forgotten() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let caretaker = ground.caretaker(90, settings.clone());
        // Whoever has a role of admins is kept below them by `summarize`; the control is what gives only more.
        for (level, stays) in
            [(Level::None, true), (Level::Read, true), (Level::Summarize, true), (Level::Admin, false)]
        {
            let subject = Subject { kind: SubjectKind::User, id: BEN.to_owned() };
            settings.change(GUILD, ANNA, None, Change::rule(subject, Some(level))).await.expect("changed");
            let changed = caretaker.erase(BEN).await.expect("erased").settings_changed;
            assert_eq!(changed, u64::from(!stays), "{} {level:?}", ground.name);
            let stored = ground.store.guild(GUILD).await.expect("read");
            let is_there = stored.rules.iter().any(|rule| rule.subject.id == BEN);
            assert_eq!(is_there, stays, "{} {level:?}", ground.name);
        }
    }
}

/// A schedule of a server that somebody has made, and that reads as somebody.
async fn schedule(ground: &Ground, name: &str, by: &str, reader: &str) -> PlanId {
    let brief = serde_json::json!({
        "name": name, "guild_id": GUILD, "channels": ["200000000000000001"], "timing": {"kind": "daily"},
        "destinations": [{"channel": "200000000000000002"}],
    });
    let brief = serde_json::from_value(brief).expect("a brief");
    let made = ground.plans.create(brief, Some(by.to_owned()), Some(reader.to_owned())).await;
    made.expect("a schedule").plan.id
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_do_not_go_on_seeing_what_somebody_saw_who_is_erased() {
    for ground in grounds().await {
        let caretaker = ground.caretaker(90, ground.settings(GuildConfig::default(), &[]));
        let theirs = schedule(&ground, "theirs", ANNA, BEN).await;
        let made = schedule(&ground, "made", BEN, ANNA).await;
        let another = schedule(&ground, "another", ANNA, ANNA).await;
        ground.plans.pause(another, &format!("by <@{BEN}>")).await.expect("paused");

        let erased = caretaker.erase(BEN).await.expect("erased");
        assert_eq!((erased.schedules_deleted, erased.schedules_changed), (1, 2), "{}", ground.name);
        assert!(ground.plans.get(theirs).await.is_err(), "nobody else's sight takes the place of theirs");
        let made = ground.plans.get(made).await.expect("it stays");
        assert_eq!((made.job.created_by, made.job.reader.as_deref()), (None, Some(ANNA)));
        let another = ground.plans.get(another).await.expect("it stays");
        assert_eq!(another.plan.paused_because.as_deref(), Some("by somebody"));
        assert_eq!(caretaker.erase(BEN).await.expect("again"), Erased::default(), "{}", ground.name);
    }
}

fn webhook(owner: &str) -> Webhook {
    Webhook {
        id: Uuid::now_v7(),
        created_at: Timestamp::UNIX_EPOCH,
        url: "https://receiver.example/".to_owned(),
        description: String::new(),
        guild_id: None,
        events: Vec::new(),
        disabled: None,
        failing_since: None,
        previous_secret_until: None,
        owner: Some(owner.to_owned()),
        secret: Secret::new("whsec_secret".to_owned()),
        previous_secret: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_somebody_who_is_erased_go_with_them() {
    for ground in grounds().await {
        let caretaker = ground.caretaker(90, ground.settings(GuildConfig::default(), &[]));
        for owner in [ANNA, BEN] {
            assert!(ground.store.insert_webhook(&webhook(owner), 10).await.expect("kept"));
        }
        assert_eq!(caretaker.erase(BEN).await.expect("erased").webhooks_deleted, 1, "{}", ground.name);
        let left = ground.store.webhooks().await.expect("webhooks");
        assert!(left.iter().all(|webhook| webhook.owner.as_deref() == Some(ANNA)) && left.len() == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_erase_somebody_by_their_id() {
    for ground in grounds().await {
        let caretaker = ground.caretaker(90, ground.settings(GuildConfig::default(), &[]));
        caretaker.offer(&ground.crew);
        ground.made(origin(GUILD, ANNA, false)).await;
        let answer = ground.crew.operate("erase-user", vec![BEN.to_owned()]).await.expect("erased");
        assert!(answer.contains("\"summaries_changed\":1"), "{answer}");
        let wrong = ground.crew.operate("erase-user", Vec::new()).await.expect_err("no id");
        assert!(matches!(wrong, OperationError::Usage(_)), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_of_a_reader_counts() {
    for ground in grounds().await {
        let id = ground.made(origin(GUILD, ANNA, false)).await.id;
        ground.store.rate(id, ANNA, true).await.expect("rated");
        ground.store.rate(id, BEN, true).await.expect("rated");
        let opinions = ground.store.rate(id, BEN, false).await.expect("rated");
        assert_eq!((opinions.good, opinions.bad), (1, 1), "{}", ground.name);
        let amount = ground.store.amount(GUILD, Timestamp::now() - SignedDuration::from_hours(1)).await;
        let amount = amount.expect("counted");
        assert_eq!((amount.summaries, amount.messages), (1, 3), "{}", ground.name);
    }
}
