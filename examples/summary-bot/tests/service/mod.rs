//! The real service on a port of its own, and clients that hold every answer against the OpenAPI document.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

pub mod events;
pub mod http;
pub mod jobs;
pub mod receiver;
pub mod schema;
pub mod webdriver;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use groundcrew::Crew;
use groundcrew::config::BindIp;
use groundcrew::runtime::ShutdownConfig;
use groundcrew::sql::SqlConfig;
use serde_json::{Value, json};
use summary_bot::Config;
use tempfile::TempDir;

use self::http::Answer;

/// Longer than anything here should take.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub const SAMPLE: &str = include_str!("../../samples/release-planning.json");
pub const SUMMARIES: &str = "/api/v1/summaries";

/// A running bot.
pub struct Bot {
    pub crew: Crew,
    pub address: SocketAddr,
    document: Value,
}

/// A running bot with a folder of its own.
pub struct Fixture {
    pub bot: Bot,
    pub folder: TempDir,
}

/// A configuration for a test: loopback, a port of the system's choice, a SQLite file.
pub fn config(database: &Path) -> Config {
    at_url(&format!("sqlite:{}", database.display()))
}

pub fn at_url(url: &str) -> Config {
    let mut config = Config { database: SqlConfig::of(url), ..Config::default() };
    config.http.host = BindIp("127.0.0.1".parse().expect("an address"));
    config.http.port = 0;
    config.http.access_log = 0.0;
    // Tests ask more than people do.
    config.rate_limiting.max_requests = 1_000_000;
    config
}

impl Bot {
    pub async fn start(config: Config) -> Self {
        Self::start_with(config, ShutdownConfig::default()).await
    }

    pub async fn start_with(config: Config, shutdown: ShutdownConfig) -> Self {
        let crew = Crew::builder("summary-bot", "1.0.0").in_kubernetes(false).shutdown(shutdown).build();
        let launched = Box::pin(summary_bot::launch(config, crew.clone())).await;
        let address = launched.expect("the bot starts").expect("TCP");
        let document = http::call(address, "GET", "/openapi.json", &[], b"").json();
        Self { crew, address, document }
    }

    /// Lands it as a signal would.
    pub async fn land(self) {
        let receipt = self.crew.land().await;
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
    }

    /// A request; the answer must be as the OpenAPI document says.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = http::call(self.address, method, path, headers, body);
        schema::check(&self.document, method, path, &answer);
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], b"")
    }

    /// Posts JSON; `query` with its question mark, or nothing.
    pub fn post(&self, query: &str, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        self.call("POST", &format!("{SUMMARIES}{query}"), &json, body.as_bytes())
    }

    /// Posts a chat log as text.
    pub fn post_text(&self, query: &str, body: &str) -> Answer {
        let text = [("content-type", "text/plain; charset=utf-8")];
        self.call("POST", &format!("{SUMMARIES}{query}"), &text, body.as_bytes())
    }

    /// Posts a small conversation and gives its id.
    pub fn make(&self, title: &str) -> String {
        let answer = self.post(&format!("?title={title}"), &conversation(&json!({})));
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// The value of a series of ours.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let text = self.crew.metrics().encode();
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut config = config(&folder.path().join("bot.db"));
        change(&mut config);
        Self { bot: Bot::start(config).await, folder }
    }

    /// Lands the bot as a signal would.
    pub async fn land(self) -> TempDir {
        self.bot.land().await;
        self.folder
    }
}

impl std::ops::Deref for Fixture {
    type Target = Bot;

    fn deref(&self) -> &Bot {
        &self.bot
    }
}

/// The bot's file, for what no client may see or do.
pub async fn file(folder: &TempDir) -> sqlx::SqlitePool {
    let file = folder.path().join("bot.db");
    sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.expect("a file")
}

/// Six messages that can be summarised, as a request with these options.
pub fn conversation(options: &Value) -> String {
    let said = [
        ("anna", "The ARM build is broken since the compiler update on Monday."),
        ("ben", "Which version of the compiler is on the build machine now?"),
        ("anna", "It is version 14.2, and the linker refuses the new relocations."),
        ("cleo", "We decided to pin the old compiler until the release is out."),
        ("ben", "I will pin the compiler and rebuild the ARM packages by Friday."),
        ("deploy", "Build 17 of the ARM packages failed after nine minutes."),
    ];
    let messages: Vec<Value> = said
        .into_iter()
        .map(|(name, text)| json!({"author": {"name": name, "isBot": name == "deploy"}, "content": text}))
        .collect();
    json!({"messages": messages, "options": options}).to_string()
}

/// Waits until something is so.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        // Not a wait: a pause between two looks, so that what is looked at gets the core.
        std::thread::sleep(Duration::from_millis(5));
    }
}
