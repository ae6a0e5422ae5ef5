//! The configuration of a whole service: where every value comes from, and that a secret never shows.

use std::path::Path;
use std::process::{Command, Output};

const CANARY: &str = "canary-7f3a9c";

fn service(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slow-service"));
    command.env_clear().current_dir(folder);
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn explain_config_names_the_origin_of_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    std::fs::create_dir(&mounted).unwrap();
    std::fs::write(mounted.join("config.toml"), "[http]\nport = 1111\nlinger = \"1s\"\n").unwrap();
    std::fs::write(mounted.join("LOG_LEVEL"), "debug\n").unwrap();
    let output = service(folder.path())
        .args(["--config", "mounted", "--set", "answer_takes=9s", "explain-config", "--json"])
        .env("WEBHOOK_PORT", "2222")
        .env("JWT_SECRET", CANARY)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let explained: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = explained.as_array().or_else(|| explained["values"].as_array()).expect("rows");
    let origin = |key: &str| {
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no {key}"));
        row["origin"].to_string()
    };
    assert!(origin("answer_takes").contains("--set"), "{}", origin("answer_takes"));
    assert!(origin("http.port").contains("WEBHOOK_PORT"), "{}", origin("http.port"));
    assert!(origin("http.linger").contains("config.toml:3"), "{}", origin("http.linger"));
    assert!(origin("log.level").contains("LOG_LEVEL"), "{}", origin("log.level"));
    assert!(origin("http.idle_timeout").contains("default"), "{}", origin("http.idle_timeout"));
    assert!(!text(&output).contains(CANARY));
}

#[test]
fn check_config_says_every_problem_and_ends_with_78() {
    let folder = tempfile::tempdir().unwrap();
    let output = service(folder.path())
        .arg("check-config")
        .env("SLOW_SERVICE__HTTP__PORT", "70000")
        .env("SLOW_SERVICE__HTTP__LINGR", "1s")
        .env("SLOW_SERVICE__JWT_SECRT", CANARY)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let words = text(&output);
    assert!(words.contains("SLOW_SERVICE__HTTP__PORT") && words.contains("70000"), "{words}");
    assert!(words.contains("did you mean SLOW_SERVICE__HTTP__LINGER?"), "{words}");
    assert!(!words.contains(CANARY), "{words}");
}

#[test]
fn check_config_refuses_a_value_that_would_mute_the_service_and_says_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let output = service(folder.path())
        .arg("check-config")
        .env("SLOW_SERVICE__HTTP__MAX_CONNECTIONS", "0")
        .env("SLOW_SERVICE__HTTP__FIRST_BYTE_TIMEOUT", "0s")
        .env("SLOW_SERVICE__HTTP__ACCESS_LOG", "50")
        .output()
        .unwrap();
    let words = text(&output);
    assert_eq!(output.status.code(), Some(78), "{words}");
    for right in ["from 1 to 1000000", "at least 100ms", "from 0 to 1"] {
        assert!(words.contains(right), "{right}: {words}");
    }
}

#[test]
fn a_wrong_configuration_is_explained_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let output = service(folder.path())
        .args(["explain-config", "--table"])
        .env("SLOW_SERVICE__HTTP__PORT", "70000")
        .env("JWT_SECRET", CANARY)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", text(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    let row = table.lines().find(|line| line.starts_with("http.port ")).unwrap_or_else(|| panic!("{table}"));
    assert!(row.contains("70000") && row.contains("SLOW_SERVICE__HTTP__PORT"), "{row}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 problem"), "{}", text(&output));
    assert!(!text(&output).contains(CANARY));
}

#[test]
fn a_budget_above_the_grace_period_is_a_wrong_configuration_for_the_start_and_for_check_config() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["check-config"]] {
        let output = service(folder.path())
            .args(arguments)
            .env("SLOW_SERVICE__SHUTDOWN__BUDGET", "40s")
            .env("SLOW_SERVICE__ADMIN__PORT", "0")
            .env("SLOW_SERVICE__HTTP__PORT", "0")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        assert!(text(&output).contains("terminationGracePeriodSeconds"), "{}", text(&output));
    }
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = service(folder.path()).arg("frobnicate").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("there is no command frobnicate"));
}

/// Settings of the bot that come from features that it does not ask for. It is built with every feature here, since the
/// tests have built it so already.
const NOT_THE_BOTS: &[&str] = &["backup", "otlp", "http.compression", "http.cors", "http.tls"];

#[test]
fn the_committed_references_are_what_the_services_say() {
    let services = [
        ("hello", scenarios::service("hello"), &[][..]),
        ("summary-bot", scenarios::full_service("summary-bot"), NOT_THE_BOTS),
    ];
    for (package, path, foreign) in services {
        let output = Command::new(path).arg("config-reference").output().unwrap();
        let committed = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../examples/{package}/config.reference.toml"));
        let committed = std::fs::read_to_string(&committed).unwrap();
        let said = without(&String::from_utf8_lossy(&output.stdout), foreign);
        let changed = said.lines().zip(committed.lines()).find(|(now, then)| now != then);
        assert!(
            said.trim_end() == committed.trim_end(),
            "refresh it: cargo run -p {package} -- config-reference > examples/{package}/config.reference.toml\n\
             the first change: {changed:?}"
        );
    }
}

/// A reference without these sections and settings. Its blocks end with the line that names what they are about.
fn without(reference: &str, foreign: &[&str]) -> String {
    let mut section = String::new();
    let is_own = |block: &&str| {
        let last = block.lines().last().unwrap_or_default().trim_start_matches(['#', ' ']);
        let name = last.split([' ', ']']).next().unwrap_or_default();
        let key = match name.strip_prefix('[') {
            Some(name) => {
                name.clone_into(&mut section);
                section.clone()
            }
            None => format!("{section}.{name}"),
        };
        !foreign.iter().any(|foreign| {
            key.strip_prefix(foreign).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    reference.split("\n\n").filter(is_own).collect::<Vec<_>>().join("\n\n")
}
