//! Settings over both databases.

use groundcrew::config::{Origin, Sourced};
use serde_json::{Value, json};

use super::*;
use crate::discord::access::Level;
use crate::testing::{ANNA, BEN, grounds};

const GUILD: &str = "300000000000000001";

fn said<T>(value: T, variable: &str) -> Sourced<T> {
    Sourced::new(value, Origin::Variable { name: variable.to_owned() })
}

fn origin(effective: &Effective, key: Key) -> Value {
    let given = effective.all().find(|(known, _)| *known == key).map(|(_, given)| json!(given.origin));
    given.expect("every key is there")
}

fn code(problem: &Problem) -> String {
    problem.to_json()["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_layer_is_laid_over_the_one_before_and_says_where_it_is_from() {
    for ground in grounds().await {
        let all = GuildConfig {
            min_messages: Some(said(7, "SUMMARY_BOT__GUILD_DEFAULTS__MIN_MESSAGES")),
            ..GuildConfig::default()
        };
        let own = GuildConfig {
            model: Some(said("small".to_owned(), &format!("GUILD_{GUILD}_MODEL"))),
            length: Some(said(DefaultLength::Brief, &format!("GUILD_{GUILD}_DEFAULT_SUMMARY_LENGTH"))),
            ..GuildConfig::default()
        };
        let settings = ground.settings(all, &[(GUILD, own)]);
        let change = Change::value(Key::Length, Some(json!("comprehensive")));
        settings.change(GUILD, ANNA, None, change).await.expect("changed");

        let now = settings.effective(GUILD).await.expect("read");
        assert_eq!(now.length(), crate::Length::Comprehensive, "{}", ground.name);
        assert_eq!((now.model().as_deref(), now.min_messages()), (Some("small"), 7));
        assert_eq!(origin(&now, Key::Perspective)["kind"], "default");
        assert_eq!(origin(&now, Key::Model)["place"], format!("env GUILD_{GUILD}_MODEL"));
        assert_eq!(origin(&now, Key::Length)["by"], ANNA);

        let taken_back =
            settings.change(GUILD, ANNA, None, Change::value(Key::Length, None)).await.expect("changed");
        assert_eq!(taken_back.length(), crate::Length::Brief);
        let other = settings.effective("300000000000000002").await.expect("read");
        assert_eq!((other.length(), other.version), (crate::Length::Detailed, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_seen_an_older_version_overwrites_nothing() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let to = |model: &str| Change::value(Key::Model, Some(json!(model)));
        let first = settings.change(GUILD, ANNA, Some(0), to("one")).await.expect("the first");
        assert_eq!(first.version, 1);
        let late = settings.change(GUILD, BEN, Some(0), to("two")).await.expect_err("too late");
        assert_eq!(code(&late), "VERSION_CONFLICT", "{}", ground.name);
        let now = settings.effective(GUILD).await.expect("read");
        assert_eq!((now.model().as_deref(), now.version), (Some("one"), 1));
        settings.change(GUILD, BEN, Some(1), to("two")).await.expect("in time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_something_wrong_in_it_changes_nothing() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let body = json!({"settings": {"model": "one", "temperature": 9}});
        let change = Change::of_json(&body).expect("JSON is right");
        let problem = settings.change(GUILD, ANNA, None, change).await.expect_err("too hot");
        assert_eq!(code(&problem), "INVALID_REQUEST");
        assert_eq!(settings.effective(GUILD).await.expect("read").version, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_budget_may_be_lowered_and_not_raised() {
    for ground in grounds().await {
        let own =
            GuildConfig { daily_budget: Some(said(5.0, "GUILD_DAILY_BUDGET")), ..GuildConfig::default() };
        let settings = ground.settings(GuildConfig::default(), &[(GUILD, own)]).with_guild_daily(Some(1.0));
        let to = |daily: f64| Change::value(Key::DailyBudget, Some(json!(daily)));
        let problem = settings.change(GUILD, ANNA, None, to(5.5)).await.expect_err("more than is configured");
        let words = problem.to_json()["detail"].to_string();
        assert!(words.contains("settings.daily_budget") && words.contains("from 0 to 5"), "{words}");
        let lowered = settings.change(GUILD, ANNA, None, to(2.0)).await.expect("less");
        assert_eq!(lowered.daily_budget(), Some(2.0), "{}", ground.name);

        // The same database, and whoever runs the bot has lowered what a server may have, or limits nothing.
        let strict = ground.settings(GuildConfig::default(), &[]).with_guild_daily(Some(1.0));
        assert_eq!(strict.effective(GUILD).await.expect("read").daily_budget(), None, "that of all servers");
        let generous = ground.settings(GuildConfig::default(), &[]);
        assert_eq!(generous.effective(GUILD).await.expect("read").daily_budget(), Some(2.0));

        // What is said for every server goes before what the budget says.
        let all =
            GuildConfig { daily_budget: Some(said(3.0, "GUILD_DAILY_BUDGET")), ..GuildConfig::default() };
        let usual = ground.settings(all, &[]).with_guild_daily(Some(10.0));
        let problem = usual.change(GUILD, ANNA, None, to(3.5)).await.expect_err("more than every server has");
        let words = problem.to_json()["detail"].to_string();
        assert!(words.contains("from 0 to 3"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_kept_and_a_reset_takes_all_of_it_back() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let subject = Subject { kind: SubjectKind::User, id: BEN.to_owned() };
        let now = settings.change(GUILD, ANNA, None, Change::rule(subject.clone(), Some(Level::None))).await;
        let member = Member { user: BEN, roles: &[], permissions: 0, owner: false };
        assert_eq!(now.expect("changed").rules.level(member, &[]), Level::None);
        let now =
            settings.change(GUILD, ANNA, None, Change::rule(subject.clone(), None)).await.expect("changed");
        assert_eq!(now.rules.level(member, &[]), Level::Summarize);

        let both = Change {
            values: vec![(Key::IncludeBots, Some(json!(true)))],
            rules: vec![(subject, Some(Level::Read))],
        };
        settings.change(GUILD, ANNA, None, both).await.expect("changed");
        let now = settings.reset(GUILD).await.expect("reset");
        assert_eq!((now.include_bots(), now.rules.all().len()), (false, 0));
        assert_eq!(now.version, 4, "it rises all the same");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_has_set_is_left_alone() {
    for ground in grounds().await {
        let settings = ground.settings(GuildConfig::default(), &[]);
        let change = Change::value(Key::Model, Some(json!("one")));
        settings.change(GUILD, ANNA, None, change).await.expect("changed");
        let effective = Effective::of(
            &GuildConfig::default(),
            None,
            None,
            Stored {
                version: 1,
                values: vec![StoredValue {
                    key: Key::Length,
                    value: json!("epic"),
                    by: ANNA.to_owned(),
                    at: jiff::Timestamp::UNIX_EPOCH,
                }],
                rules: Vec::new(),
            },
        );
        assert_eq!(effective.length(), crate::Length::Detailed);
    }
}
