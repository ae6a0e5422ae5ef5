//! Runs of schedules, over what was said in a file instead of Discord, and to receivers that note what they get.

mod deliveries;
mod sink;

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
use crate::store::{MIGRATIONS, Store};
use crate::webhooks::Webhooks;
use crate::workshop::Workshop;
use crate::{Message, Origin};

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

/// Channels whose history is a text.
#[derive(Default)]
struct Said {
    channels: HashMap<&'static str, &'static str>,
    asked: Arc<Mutex<Vec<Wanted>>>,
}

/// Notes what is posted, and fails when it is told to.
#[derive(Clone, Default)]
struct Board {
    posted: Arc<Mutex<Vec<(String, String, String)>>>,
    /// What the next posts into a channel fail with.
    faults: Arc<Mutex<HashMap<String, VecDeque<Undelivered>>>>,
}

struct Stage {
    crew: Crew,
    plans: Plans,
    publisher: Publisher,
    store: Store,
    settings: Settings,
    board: Board,
    asked: Arc<Mutex<Vec<Wanted>>>,
    time: Arc<AtomicI64>,
    _folder: TempDir,
}

impl ChannelHistory for Said {
    fn read(&self, wish: Wanted) -> Reading<'_> {
        let mut history = History::default();
        for id in &wish.channels {
            let channel = Channel { id: id.clone(), name: "builds".to_owned(), parent_id: None };
            match self.channels.get(id.as_str()) {
                None => history.skipped.push(Skipped { channel, why: Why::BotCannotRead }),
                Some(&"") => history.skipped.push(Skipped { channel, why: Why::Quiet }),
                Some(text) => {
                    let mut messages: Vec<Message> = Vec::new();
                    crate::read::read(text.as_bytes(), "", &mut |message| messages.push(message))
                        .expect("a log");
                    history.parts.push(Part { channel, messages, left_out: 0, cut: id == LONG });
                }
            }
        }
        self.asked.lock().push(wish);
        Box::pin(std::future::ready(Ok::<_, Problem>(history)))
    }
}

impl Poster for Board {
    fn post<'a>(&'a self, channel: &'a str, reply: &'a Reply, nonce: &'a str) -> Posting<'a> {
        let fault = self.faults.lock().get_mut(channel).and_then(VecDeque::pop_front);
        let text =
            reply.content.clone().or_else(|| reply.embeds.first()?.description.clone()).unwrap_or_default();
        Box::pin(async move {
            if let Some(fault) = fault {
                return Err(fault);
            }
            self.posted.lock().push((channel.to_owned(), nonce.to_owned(), text));
            Ok(())
        })
    }

    /// Who reads what is tried with a real Discord.
    fn less_open<'a>(&'a self, _: &'a str, _: &'a Origin) -> super::post::Looked<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

// === impl Stage ===

impl Stage {
    async fn open() -> Self {
        Self::with_mail(MailConfig::default()).await
    }

    async fn with_mail(mail: MailConfig) -> Self {
        let folder = TempDir::new().expect("a folder");
        let crew = Crew::builder("summary-bot", "1.0.0").build();
        let url = format!("sqlite:{}", folder.path().join("bot.db").display());
        let database = SqlConfig::of(url).connect(&crew).await.expect("SQLite");
        database.migrate(&crew, MIGRATIONS).await.expect("tables");
        let quick = JobsConfig { poll_period: Duration::from_millis(20), ..JobsConfig::default() };
        let jobs = quick.connect(&crew, &database).await.expect("jobs");
        let jobs = jobs.register::<Summarize>().register::<SummarizeChannels>().register::<Post>();
        let publisher = jobs.publisher();
        let store = Store::new(database, publisher.clone());
        let time = Arc::new(AtomicI64::new(
            "2026-01-05T08:00:00Z".parse::<Timestamp>().expect("a time").as_second(),
        ));
        let held = time.clone();
        let clock = move || Timestamp::from_second(held.load(Ordering::Relaxed)).expect("a time");
        let timetable =
            TimetableConfig::default().open_at(&crew, &jobs.publisher(), clock).expect("a timetable");
        let said =
            Said { channels: HashMap::from([(TALK, SAID), (LONG, SAID), (QUIET, "")]), ..Said::default() };
        let (asked, board) = (said.asked.clone(), Board::default());
        let config = SchedulesConfig { pause_after: 2, ..SchedulesConfig::default() };
        let plans = Plans::new(Parts {
            store: store.clone(),
            timetable,
            publisher: jobs.publisher(),
            config,
            mailer: Mailer::build(&mail).expect("mail"),
        });
        plans.reach(Arc::new(said), Arc::new(board.clone()));
        let metrics = BotMetrics::register(crew.metrics()).expect("metrics");
        let caretaker = caretaker(&crew, &store, &plans);
        let settings = caretaker.settings.clone();
        let config = crate::Config::default();
        let benches = Benches::new(2);
        let purse = Purse::new(store.clone(), caretaker.settings.clone(), config.budget.clone());
        let answers = CacheConfig::default().named("answers").build(&crew).expect("a cache");
        let chain = Chain::build(&config, purse, answers, &crew).expect("models");
        let scribe = Scribe::new(benches.clone(), chain);
        let workshop = Workshop::new(&crew, store.clone(), benches, scribe, metrics, &config);
        let webhooks =
            Webhooks::build(&config.webhooks, &config.client, &crew, store.clone()).expect("webhooks");
        jobs.run(Desk {
            store: store.clone(),
            workshop,
            plans: plans.clone(),
            webhooks,
            readers: Readers::default(),
            models: ModelNames::default(),
            channels: None,
            max_messages: 1_000,
            discord: None,
            caretaker,
        });
        Self { crew, plans, publisher, store, settings, board, asked, time, _folder: folder }
    }

    async fn schedule(&self, change: Value) -> Schedule {
        self.plans.create(brief(&change), Some("ann".to_owned()), None).await.expect("a schedule")
    }

    async fn set(&self, values: Vec<(Key, Value)>) {
        let values = values.into_iter().map(|(key, value)| (key, Some(value))).collect();
        let change = Change { values, rules: Vec::new() };
        self.settings.change(GUILD, "ann", None, change).await.expect("changed");
    }

    /// The summary of the last run.
    async fn document(&self, schedule: &Schedule) -> Document {
        let json = self.store.get(schedule.standing.summary.expect("a summary")).await.expect("an answer");
        serde_json::from_str(&json.expect("the summary")).expect("a document")
    }

    async fn run(&self, schedule: &Schedule) {
        self.plans.run_now(schedule.plan.id).await.expect("a job");
    }

    /// Waits until the schedule is like that.
    async fn until(&self, schedule: &Schedule, what: &str, is: impl Fn(&Schedule) -> bool) -> Schedule {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let now = self.plans.get(schedule.plan.id).await.expect("the schedule");
                if is(&now) {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s until {what}"))
    }

    async fn posted(&self, count: usize) -> Vec<(String, String, String)> {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while self.board.posted.lock().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s for {count} posts"));
        self.board.posted.lock().clone()
    }

    /// Waits until a run has ended like that.
    async fn until_ended(&self, outcome: &str) {
        let series = format!("job_outcomes_total{{job=\"summarize_channels\",outcome=\"{outcome}\"");
        let ended = || {
            let text = self.crew.metrics().encode();
            text.lines().any(|line| line.starts_with(&series) && line.ends_with(" 1"))
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s until a run was {outcome}"));
    }

    /// Lets every job that is there come to its end.
    async fn land(self) -> Board {
        let receipt = self.crew.land().await;
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
        self.board
    }

    fn fail(&self, channel: &str, fault: Undelivered) {
        self.board.faults.lock().entry(channel.to_owned()).or_default().push_back(fault);
    }
}

fn caretaker(crew: &Crew, store: &Store, plans: &Plans) -> Caretaker {
    let cache = CacheConfig::default();
    let documents = cache.named("documents").absent(Option::is_none).build(crew).expect("a cache");
    let guilds = cache.named("guilds").build(crew).expect("a cache");
    let config = crate::Config::default();
    let settings = Settings::new(store.clone(), guilds, config.guild_defaults, config.guilds);
    let (store, plans) = (store.clone(), plans.clone());
    Caretaker { store, documents, settings, retention: config.retention, plans, accounts: None }
}

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

#[tokio::test]
async fn a_run_that_waits_while_whoever_lent_it_their_sight_is_erased_reads_nothing() {
    for erased in [true, false] {
        let stage = Stage::open().await;
        let ann = || Some("ann".to_owned());
        let schedule = stage.plans.create(brief(&json!({})), ann(), ann()).await.expect("a schedule");
        if erased {
            assert_eq!(stage.plans.erase("ann").await.expect("erased"), (1, 0));
        }
        let planned = json!({"plan": schedule.plan.id, "due": "2026-01-05T09:00:00Z", "by_hand": true});
        let planned = serde_json::from_value(planned).expect("what the timetable puts in");
        let waiting = SummarizeChannels { planned: Some(planned), ..schedule.job };
        stage.publisher.enqueue(&waiting).await.expect("enqueued");
        let end = if erased { "cancelled" } else { "done" };
        stage.until_ended(end).await;
        assert_eq!(stage.asked.lock().len(), usize::from(!erased), "the control: otherwise it reads");
        stage.land().await;
    }
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
