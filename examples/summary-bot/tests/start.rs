//! The binary: what it says when it starts, and how it ends.
#![cfg(unix)]

mod service;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use groundcrew_testkit::process::{Service as HandedOver, Signal};
use serde_json::Value;
use service::{PATIENCE, SAMPLE, http};
use tempfile::TempDir;

/// The service as a process of its own, with nothing of our environment.
struct Service {
    process: Child,
    lines: Box<dyn Iterator<Item = Value>>,
}

impl Service {
    fn start(folder: &TempDir, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_summary-bot"))
            .args(["--set", "http.port=0", "--set", "admin.port=0"])
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let output = BufReader::new(process.stdout.take().expect("its output is ours"));
        let lines = output.lines().map_while(Result::ok);
        let lines = lines.map(|line| serde_json::from_str(&line).expect("a line of JSON"));
        Self { process, lines: Box::new(lines) }
    }

    /// The lines up to the one that fits.
    fn read_until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut read = Vec::new();
        for line in &mut self.lines {
            let done = fits(&line);
            read.push(line);
            if done {
                return read;
            }
        }
        panic!("the service ended before: {read:#?}");
    }

    /// SIGTERM; the exit code.
    fn stop(mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()));
        for _rest in self.lines.by_ref() {}
        self.process.wait().expect("it ends").code()
    }
}

fn about(lines: &[Value], feature: &str) -> Value {
    let found = lines.iter().find(|line| line["feature"] == feature);
    found.unwrap_or_else(|| panic!("nothing about {feature}: {lines:#?}")).clone()
}

#[test]
fn without_set_up_it_says_where_to_go_and_what_is_off_and_summarises() {
    let folder = TempDir::new().expect("a folder");
    let mut service = Service::start(&folder, &[]);
    let lines = service.read_until(|line| line["feature"] == "RabbitMQ");
    for (feature, variable) in [
        ("Discord", "DISCORD_TOKEN"),
        ("Models", "OPENAI_API_KEY"),
        ("Postgres", "DATABASE_URL"),
        ("Redis", "REDIS_URL"),
        ("RabbitMQ", "RABBITMQ_URL"),
    ] {
        let line = about(&lines, feature);
        assert_eq!((&line["variable"], &line["level"]), (&variable.into(), &"INFO".into()));
        assert!(line["message"].as_str().is_some_and(|words| words.contains(" is off, ")), "{line}");
    }
    let ready = lines.iter().find(|line| line["page"].is_string()).expect("where to go");
    let page = ready["page"].as_str().expect("an address");
    let address: SocketAddr =
        page.trim_start_matches("http://").trim_end_matches('/').parse().expect("an address");
    assert_eq!(http::call(address, "GET", "/", &[], b"").status, 200);
    let json = [("content-type", "application/json")];
    assert_eq!(http::call(address, "POST", service::SUMMARIES, &json, SAMPLE.as_bytes()).status, 201);
    assert!(folder.path().join("summary-bot.db").is_file());
    assert_eq!(service.stop(), Some(0));
}

/// As systemd does it, whatever `http.host` says.
#[tokio::test]
async fn a_socket_that_is_handed_over_is_open_without_a_key_to_this_machine_at_most() {
    for (bound, status, words) in
        [("0.0.0.0:0", 401, "for API keys alone"), ("127.0.0.1:0", 200, "open to this machine alone")]
    {
        let folder = TempDir::new().expect("a folder");
        let listener = TcpListener::bind(bound).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let bot = HandedOver::new(env!("CARGO_BIN_EXE_summary-bot")).args(["--set", "admin.port=0"]);
        let bot = bot.current_dir(folder.path()).listener(&listener).expect("a second descriptor");
        let mut bot = bot.start().expect("the binary starts");
        bot.wait_ready(address, PATIENCE).await.expect("ready");
        let ready = bot.wait_for_line("ready to summarise", PATIENCE).await.expect("the welcome");
        assert!(ready.contains(words), "{bound}: {ready}");
        let answer = http::call(address, "GET", service::SUMMARIES, &[], b"");
        assert_eq!(answer.status, status, "{bound}: {}", answer.body);
        bot.signal(Signal::Term).expect("a signal");
        assert!(bot.wait_exit(PATIENCE).await.expect("it ends").success());
    }
}

#[test]
fn what_is_set_is_not_called_off_and_its_secret_is_not_shown() {
    let folder = TempDir::new().expect("a folder");
    let variables = [
        ("DISCORD_TOKEN", "hunter2-token"),
        ("DISCORD_API_URL", "http://127.0.0.1:9"), // nobody is there
        ("OPENAI_API_KEY", "hunter2-key"),
    ];
    let mut service = Service::start(&folder, &variables);
    let lines = service.read_until(|line| line["feature"] == "RabbitMQ");
    assert!(lines.iter().all(|line| line["feature"] != "Models"), "a key turns them on: {lines:#?}");
    assert!(lines.iter().all(|line| line["feature"] != "Discord"), "a token turns it on: {lines:#?}");
    assert!(lines.iter().all(|line| !line.to_string().contains("hunter2")));
    assert_eq!(service.stop(), Some(0));
}

/// The variables that a compose file gives the bot.
fn composed(file: &str) -> Vec<(String, String)> {
    let path = format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the compose file");
    let after = text.lines().skip_while(|line| line.trim() != "environment:").skip(1);
    let variables = after.take_while(|line| line.starts_with("      "));
    let pairs = variables.filter_map(|line| line.trim().split_once(": "));
    pairs
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.into(), value.trim_matches('"').into()))
        .collect()
}

#[test]
fn what_the_compose_file_says_is_enough_in_production() {
    let folder = TempDir::new().expect("a folder");
    let mut variables = composed("compose.yaml");
    for (_, value) in &mut variables {
        *value = value.replace("/data", &folder.path().display().to_string());
    }
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(variables.contains(&("ENVIRONMENT", "production")), "{variables:?}");
    let mut service = Service::start(&folder, &variables);
    service.read_until(|line| line["message"] == "ready to summarise");
    assert!(folder.path().join("summary-bot.db").exists(), "where the volume is");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn what_the_compose_file_of_replicas_says_is_known_to_the_bot() {
    let names: Vec<String> = composed("compose.replicas.yaml").into_iter().map(|(name, _)| name).collect();
    let reference = include_str!("../config.reference.toml");
    assert!(names.len() > 3, "{names:?}");
    for name in names {
        assert!(reference.contains(&name), "{name} is in no line of the reference");
    }
}

#[test]
fn in_production_the_file_must_be_chosen() {
    let folder = TempDir::new().expect("a folder");
    let service = Command::new(env!("CARGO_BIN_EXE_summary-bot"))
        .args(["--set", "http.port=0", "--set", "admin.port=0", "--set", "http.host=127.0.0.1"])
        .args(["--set", "admin.host=127.0.0.1"])
        .env_clear()
        .env("ENVIRONMENT", "production")
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert_eq!(service.status.code(), Some(78));
    let said = String::from_utf8_lossy(&service.stderr);
    assert!(said.contains("DATABASE_URL") && said.contains("REDIS_URL"), "{said}");
    assert!(!folder.path().join("summary-bot.db").exists());
}

#[test]
fn the_command_summarises_without_a_service() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/release-planning.json");
    let output = Command::new(env!("CARGO_BIN_EXE_summary-bot"))
        .args(["summarize", "--only-summary", "--words", "60", sample])
        .env_clear()
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let words = String::from_utf8_lossy(&output.stdout).split_whitespace().count();
    assert!((10..=60).contains(&words), "{words}");
}

#[test]
fn the_readme_shows_what_is_really_answered() {
    let readme = include_str!("../README.md");
    let shown = readme.split_once("\"summary_text\":\"").and_then(|(_, rest)| rest.split_once("\", …"));
    let shown = shown.expect("the first minute shows a summary").0;
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/release-planning.json");
    let output = Command::new(env!("CARGO_BIN_EXE_summary-bot"))
        .args(["summarize", "--only-summary", "--length", "brief", sample])
        .env_clear()
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        words(shown),
        words(&printed),
        "the engine tells it differently now: put that into the README"
    );
}

#[test]
fn migrate_plans_and_checks_without_creating_a_file_and_tells_what_it_applies() {
    let folder = TempDir::new().expect("a folder");
    let migrate = |option: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_summary-bot"));
        let output = command.arg("migrate").args(option).env_clear().current_dir(folder.path()).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for (option, code) in [("--plan", Some(0)), ("--check", Some(1))] {
        let (exit, said) = migrate(&[option]);
        assert_eq!(exit, code, "{said}");
        assert!(said.contains("pending  ") && said.contains("0 applied"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing was created");
    }
    let (exit, said) = migrate(&[]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("applying ") && said.contains("applied  "), "{said}");
    assert_eq!(migrate(&["--check"]).0, Some(0));
}
