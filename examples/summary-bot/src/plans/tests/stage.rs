//! What runs stand on: a text instead of Discord, and a board instead of its channels.

use super::*;
use crate::discord::access::Looking;

/// Channels whose history is a text.
#[derive(Default)]
struct Said {
    channels: HashMap<&'static str, &'static str>,
    asked: Arc<Mutex<Vec<Wanted>>>,
    gate: Gate,
}

/// Whoever holds it holds up all reading.
type Gate = Arc<tokio::sync::Mutex<()>>;

/// What a look at who reads a channel says.
type Look = Result<Option<String>, Undelivered>;

/// Notes what is posted, and fails when it is told to.
#[derive(Clone, Default)]
pub(super) struct Board {
    pub(super) posted: Arc<Mutex<Vec<(String, String, String)>>>,
    /// What the next posts into a channel fail with.
    pub(super) faults: Arc<Mutex<HashMap<String, VecDeque<Undelivered>>>>,
    /// Channels that not everybody may be shown everything in.
    looks: Arc<Mutex<HashMap<String, Look>>>,
}

pub(super) struct Stage {
    pub(super) crew: Crew,
    pub(super) plans: Plans,
    pub(super) publisher: Publisher,
    pub(super) store: Store,
    pub(super) settings: Settings,
    pub(super) board: Board,
    pub(super) asked: Arc<Mutex<Vec<Wanted>>>,
    pub(super) gate: Gate,
    pub(super) time: Arc<AtomicI64>,
    folder: TempDir,
}

impl ChannelHistory for Said {
    fn guild_of<'a>(&'a self, _channel: &'a str) -> Looking<'a, String> {
        Box::pin(std::future::ready(Ok(GUILD.to_owned())))
    }

    fn most(&self) -> usize {
        usize::MAX
    }

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
        Box::pin(async move {
            drop(self.gate.lock().await);
            Ok::<_, Problem>(history)
        })
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

    /// Who reads what is tried with a real Discord; here it is as a test says.
    fn less_open<'a>(&'a self, there: &'a str, _: &'a Origin) -> super::post::Looked<'a> {
        let look = self.looks.lock().get(there).cloned().unwrap_or(Ok(None));
        Box::pin(std::future::ready(look))
    }
}

// === impl Stage ===

impl Stage {
    pub(super) async fn open() -> Self {
        Self::with_mail(MailConfig::default()).await
    }

    pub(super) async fn with_mail(mail: MailConfig) -> Self {
        let folder = TempDir::new().expect("a folder");
        let crew = Crew::builder("summary-bot", "1.0.0").build();
        let url = format!("sqlite:{}", folder.path().join("bot.db").display());
        let database = SqlConfig::of(url).connect(&crew).await.expect("SQLite");
        database.migrate(&crew, MIGRATIONS).await.expect("tables");
        let quick = JobsConfig { poll_period: Duration::from_millis(20), ..JobsConfig::default() };
        let jobs = quick.connect(&crew, &database).await.expect("jobs");
        // Nobody delivers to webhooks: what is to be sent there stays, and is counted.
        let jobs = jobs.register::<Summarize>().register::<SummarizeChannels>().register::<Post>();
        let jobs = jobs.register::<Announce>();
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
        let (asked, gate, board) = (said.asked.clone(), said.gate.clone(), Board::default());
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
        Self { crew, plans, publisher, store, settings, board, asked, gate, time, folder }
    }

    pub(super) async fn schedule(&self, change: Value) -> Schedule {
        self.plans.create(brief(&change), Some("ann".to_owned()), None).await.expect("a schedule")
    }

    pub(super) async fn set(&self, values: Vec<(Key, Value)>) {
        let values = values.into_iter().map(|(key, value)| (key, Some(value))).collect();
        let change = Change { values, rules: Vec::new() };
        self.settings.change(GUILD, "ann", None, change).await.expect("changed");
    }

    /// The summary of the last run.
    pub(super) async fn document(&self, schedule: &Schedule) -> Document {
        let json = self.store.get(schedule.standing.summary.expect("a summary")).await.expect("an answer");
        serde_json::from_str(&json.expect("the summary")).expect("a document")
    }

    pub(super) async fn run(&self, schedule: &Schedule) {
        self.plans.run_now(schedule.plan.id).await.expect("a job");
    }

    /// Waits until the schedule is like that.
    pub(super) async fn until(
        &self,
        schedule: &Schedule,
        what: &str,
        is: impl Fn(&Schedule) -> bool,
    ) -> Schedule {
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

    /// Waits until so many runs have begun to read.
    pub(super) async fn reading(&self, count: usize) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while self.asked.lock().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s for {count} runs"));
    }

    pub(super) async fn posted(&self, count: usize) -> Vec<(String, String, String)> {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while self.board.posted.lock().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s for {count} posts"));
        self.board.posted.lock().clone()
    }

    /// Waits until a job has ended like that.
    pub(super) async fn until_ended(&self, job: &str, outcome: &str) {
        let series = format!("job_outcomes_total{{job=\"{job}\",outcome=\"{outcome}\"");
        let ended = || {
            let text = self.crew.metrics().encode();
            text.lines().any(|line| line.starts_with(&series) && line.ends_with(" 1"))
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s until {job} was {outcome}"));
    }

    /// Writes into every schedule what does not read.
    pub(super) async fn spoil(&self) {
        let file = self.file().await;
        let spoil = "UPDATE groundcrew_jobs_timetable SET job = replace(job, 'guild_id', 'newer_id')";
        sqlx::query(spoil).execute(&file).await.expect("spoilt");
        file.close().await;
    }

    async fn file(&self) -> sqlx::SqlitePool {
        let file = format!("sqlite:{}", self.folder.path().join("bot.db").display());
        sqlx::SqlitePool::connect(&file).await.expect("the file")
    }

    /// Waits until all such jobs are done.
    pub(super) async fn all_done(&self, job: &str) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while self.waiting(job).await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited 30 s until each {job} was done"));
    }

    /// How many jobs there are that nobody has done yet.
    pub(super) async fn waiting(&self, job: &str) -> i64 {
        let file = self.file().await;
        let count = sqlx::query_scalar("SELECT count(*) FROM groundcrew_jobs WHERE name = $1").bind(job);
        let count = count.fetch_one(&file).await.expect("a count");
        file.close().await;
        count
    }

    /// Lets every job that is there come to its end.
    pub(super) async fn land(self) -> Board {
        let receipt = self.crew.land().await;
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
        self.board
    }

    /// What is said from now on about who reads a channel.
    pub(super) fn look(&self, channel: &str, look: Look) {
        self.board.looks.lock().insert(channel.to_owned(), look);
    }

    pub(super) fn fail(&self, channel: &str, fault: Undelivered) {
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
