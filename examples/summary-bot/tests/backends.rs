//! The same service on Postgres, Redis and RabbitMQ by three URLs, and what it keeps when they die, or it does.
#![cfg(unix)]

mod service;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use groundcrew::amqp::AmqpConfig;
use groundcrew::limit::LimitConfig;
use groundcrew::redis::RedisConfig;
use groundcrew::runtime::ShutdownConfig;
use groundcrew_testkit::postgres::{Database, Postgres};
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};
use groundcrew_testkit::rabbitmq::{Queue, RabbitMq, Vhost};
use groundcrew_testkit::redis::{Redis, Reply};
use serde_json::json;
use service::jobs::{self, PATIENCE};
use service::receiver::Receiver;
use service::{Bot, SUMMARIES, at_url, conversation, http, wait_for};
use summary_bot::Config;
use tempfile::TempDir;

/// The three servers.
struct Backends {
    postgres: Postgres,
    database: Database,
    redis: Redis,
    rabbitmq: RabbitMq,
    vhost: Vhost,
}

impl Backends {
    async fn start() -> Self {
        let postgres = Postgres::private().await.expect("a Postgres");
        let database = postgres.database().await.expect("a database");
        let redis = Redis::private().await.expect("a Redis");
        let rabbitmq = RabbitMq::private().await.expect("a RabbitMQ");
        let vhost = rabbitmq.vhost().await.expect("a virtual host");
        Self { postgres, database, redis, rabbitmq, vhost }
    }

    fn config(&self) -> Config {
        let mut config = at_url(self.database.url());
        config.redis = RedisConfig::of(self.redis.url());
        config.rabbitmq = AmqpConfig::of(self.vhost.url());
        config.rabbitmq.connect_retry = Duration::from_millis(100);
        config.rabbitmq.retry_max = Duration::from_millis(500);
        config
    }

    /// Waits until no queue holds a message.
    async fn drained(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let queues = self.vhost.queues().await;
            let empty = |queue: &Queue| queue.depth() == 0;
            if queues.as_ref().is_ok_and(|queues| !queues.is_empty() && queues.iter().all(empty)) {
                return;
            }
            assert!(Instant::now() < deadline, "not empty after {PATIENCE:?}: {queues:?}");
            tokio::time::sleep(Duration::from_millis(50)).await; // a pause between two looks
        }
    }
}

fn ask(address: SocketAddr, titles: impl IntoIterator<Item = String>, body: &str) -> Vec<(String, String)> {
    titles.into_iter().map(|title| (title.clone(), jobs::ask(address, &title, body))).collect()
}

fn titles(of: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |n| format!("{of}-{n}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn three_urls_are_all_it_takes() {
    let backends = Backends::start().await;
    let mut config = backends.config();
    config.rate_limiting = LimitConfig::of(10_000, Duration::from_secs(3600));
    let bot = Bot::start(config).await;
    let asked = ask(bot.address, titles("later", 3), &conversation(&json!({})));
    jobs::assert_each_once(bot.address, &asked);
    backends.drained().await;
    let ready =
        wait_for("the first checks", || Some(bot.get("/ready")).filter(|answer| answer.status == 200));
    for check in ["database", "redis", "amqp", "jobs"] {
        assert_eq!(ready.json()["checks"][check]["status"], "healthy", "{}", ready.body);
    }
    // What was read lies in Redis, for other replicas too, and so does who asked how often.
    for keys in ["cache:summary-bot:documents:*", "*:limit:*"] {
        let found = backends.redis.command(&["KEYS", keys]).await.expect("an answer");
        assert!(matches!(&found, Reply::List(keys) if !keys.is_empty()), "{keys}: {found:?}");
    }
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_outlive_the_broker_and_the_bot() {
    let mut backends = Backends::start().await;
    // The broker is dead by then: what the landing waits for does not come.
    let hurried = ShutdownConfig { budget: Duration::from_secs(3), ..ShutdownConfig::default() };
    let bot = Bot::start_with(backends.config(), hurried).await;
    let (small, mut asked) = (conversation(&json!({})), Vec::new());
    asked.extend(ask(bot.address, titles("early", 3), &small));
    // RabbitMQ 3.10 may lose a queue that is younger than a second; by now they are older.
    jobs::assert_each_once(bot.address, &asked);
    asked.extend(ask(bot.address, titles("before", 10), &small));
    backends.rabbitmq.kill().expect("it is ours");
    asked.extend(ask(bot.address, titles("without-a-broker", 10), &small));
    bot.crew.land().await;
    // A control: some were accepted that nobody could work on.
    let again = Bot::start(backends.config()).await;
    let paths: Vec<String> = asked.iter().map(|(_, job)| job.clone()).collect();
    assert!(jobs::pending(again.address, &paths) >= 10);
    backends.rabbitmq.restart().await.expect("it is back");
    asked.extend(ask(again.address, titles("after", 5), &small));
    jobs::assert_each_once(again.address, &asked);
    backends.drained().await;
    jobs::assert_each_once(again.address, &asked);
    again.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_dies_costs_no_request_and_what_is_cached_is_read_meanwhile() {
    let mut backends = Backends::start().await;
    let bot = Bot::start(backends.config()).await;
    let cached = format!("{SUMMARIES}/{}", bot.make("cached"));
    assert_eq!(bot.get(&cached).status, 200);
    let long = jobs::long_conversation(20);
    let asked = ask(bot.address, titles("asked", 8), &long);
    backends.postgres.kill().expect("it is ours");
    assert_eq!(bot.get(&cached).status, 200);
    assert_eq!(bot.get(SUMMARIES).code(), "STORAGE_UNAVAILABLE");
    backends.postgres.restart().await.expect("it is back");
    let listed = || Some(bot.get(SUMMARIES)).filter(|answer| answer.status == 200);
    wait_for("the database to be used again", listed);
    assert_eq!(bot.delete(&cached).status, 204);
    jobs::assert_each_once(bot.address, &asked);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stands_still_keeps_no_reader_waiting() {
    let postgres = Postgres::start().await.expect("a Postgres");
    let database = postgres.database().await.expect("a database");
    let mut redis = Redis::private().await.expect("a Redis");
    let mut config = at_url(database.url());
    config.redis = RedisConfig::of(redis.url());
    let bot = Bot::start(config).await;
    let paths: Vec<String> =
        (0..10).map(|n| format!("{SUMMARIES}/{}", bot.make(&format!("read-{n}")))).collect();
    assert_eq!(bot.get(&paths[0]).status, 200, "this one is in the cache");
    redis.pause().expect("it is ours");
    let begun = Instant::now();
    for path in &paths {
        assert_eq!(bot.get(path).status, 200);
    }
    // 50 ms for the limit and 100 ms for the cache, and then they leave it alone; the rest is a busy machine's.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?} for ten answers", begun.elapsed());
    redis.resume().expect("it is ours");
    bot.land().await;
}

/// The bot's own binary, on a socket that outlives it.
struct Binary {
    service: Service,
    address: SocketAddr,
    _folder: TempDir,
}

impl Binary {
    fn new(variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut service = Service::new(env!("CARGO_BIN_EXE_summary-bot"))
            .args(["--set", "admin.port=0", "--set", "rate_limiting.max_requests=1000000"])
            // In the database a job is taken from a worker that gives no sign of life for so long.
            .args(["--set", "jobs.lease=2s", "--set", "jobs.concurrency=2"])
            .args(["--set", "webhooks.retry=50ms"])
            .current_dir(folder.path())
            .listener(&listener)
            .expect("a socket");
        if !variables.contains(&("ENVIRONMENT", "production")) {
            service = service.args(["--set", "webhooks.allow_private=true"]); // refused there
        }
        for (name, value) in variables {
            service = service.env(name, value);
        }
        Self { service, address, _folder: folder }
    }

    async fn start(&self) -> ServiceProcess {
        let mut process = self.service.start().expect("it starts");
        process.wait_ready(self.address, PATIENCE).await.expect("it is ready");
        process
    }

    /// Accepts, kills the bot in the middle of its work three times, and counts: what was made, and what was told.
    async fn is_killed_in_mid_work(&self) -> Vec<(String, String)> {
        let long = jobs::long_conversation(20);
        let receiver = Receiver::start();
        let mut asked: Vec<(String, String)> = Vec::new();
        for round in 0..3 {
            let mut process = self.start().await;
            if round == 0 {
                let wish = json!({"url": receiver.url("/")}).to_string();
                let json = [("content-type", "application/json")];
                let made = http::call(self.address, "POST", "/api/v1/webhooks", &json, wish.as_bytes());
                assert_eq!(made.status, 201, "{}", made.body);
            }
            let before = jobs::titles(self.address).len();
            asked.extend(ask(self.address, titles(&format!("round-{round}"), 8), &long));
            let address = self.address;
            let begun = || Some(jobs::titles(address).len()).filter(|done| *done > before);
            let done = wait_for("the work to begin", begun);
            process.signal(Signal::Kill).expect("it runs");
            assert!(done < asked.len(), "a control: {done} of {} were done", asked.len());
            process.wait_exit(PATIENCE).await.expect("it ends");
        }
        let mut process = self.start().await;
        jobs::assert_each_once(self.address, &asked);
        assert_each_told(&receiver, &asked);
        process.signal(Signal::Term).expect("it runs");
        assert!(process.wait_exit(PATIENCE).await.expect("it ends").success(), "{process}");
        asked
    }
}

/// Each summary is told of, under one id: what comes again after a crash is known by it.
fn assert_each_told(receiver: &Receiver, asked: &[(String, String)]) {
    let told = || {
        let messages = receiver.messages();
        let each =
            messages.iter().map(|message| (message.id().to_owned(), message.json()["data"]["title"].clone()));
        each.collect::<BTreeMap<_, _>>()
    };
    let told =
        wait_for("every summary to be told of", || Some(told()).filter(|told| told.len() >= asked.len()));
    let mut titles: Vec<_> = told.values().filter_map(|title| title.as_str()).collect();
    titles.sort_unstable();
    let mut expected: Vec<_> = asked.iter().map(|(title, _)| title.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(titles, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_killed_in_mid_work_makes_every_summary_once_on_sqlite() {
    Binary::new(&[]).is_killed_in_mid_work().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_killed_in_mid_work_makes_every_summary_once_on_all_backends() {
    let backends = Backends::start().await;
    let binary = Binary::new(&[
        ("DATABASE_URL", backends.database.url()),
        ("REDIS_URL", backends.redis.url()),
        ("RABBITMQ_URL", backends.vhost.url()),
    ]);
    let asked = binary.is_killed_in_mid_work().await;
    let mut process = binary.start().await;
    backends.drained().await;
    jobs::assert_each_once(binary.address, &asked);
    let lines = process.lines();
    assert!(!lines.is_empty() && !process.to_string().contains("ERROR"), "{process}");
    process.signal(Signal::Term).expect("it runs");
    assert!(process.wait_exit(PATIENCE).await.expect("it ends").success(), "{process}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_it_runs_without_redis_only_if_that_was_chosen() {
    let postgres = Postgres::start().await.expect("a Postgres");
    let database = postgres.database().await.expect("a database");
    let variables = [("ENVIRONMENT", "production"), ("DATABASE_URL", database.url())];
    let mut refused = Binary::new(&variables).service.start().expect("it starts");
    let said = refused.wait_for_line("REDIS_URL", PATIENCE).await.expect("a reason");
    assert!(said.contains("redis.in_process"), "{said}");
    assert_eq!(refused.wait_exit(PATIENCE).await.expect("it ends").code(), Some(78));

    let chosen = [("SUMMARY_BOT__REDIS__IN_PROCESS", "true"), ("SUMMARY_BOT__ADMIN__HOST", "127.0.0.1")];
    let binary = Binary::new(&[&variables[..], &chosen].concat());
    let mut process = binary.start().await;
    // It runs, and tells nobody anything until somebody has a key.
    assert_eq!(http::call(binary.address, "GET", SUMMARIES, &[], b"").status, 401);
    process.signal(Signal::Term).expect("it runs");
    assert!(process.wait_exit(PATIENCE).await.expect("it ends").success(), "{process}");
}
