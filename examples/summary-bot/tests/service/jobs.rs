//! Summaries that are made later, seen from outside: by address, since the bot may be another process by then.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{self, Answer};
use super::{SAMPLE, SUMMARIES};

/// Long enough for a broker to be started again on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub const ASYNC: (&str, &str) = ("prefer", "respond-async");

/// Asks for a summary of this name, to be made later; the path of its job.
pub fn ask(address: SocketAddr, title: &str, body: &str) -> String {
    let path = format!("{SUMMARIES}?title={title}");
    let headers = [ASYNC, ("content-type", "application/json")];
    let answer = http::call(address, "POST", &path, &headers, body.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.header("location").expect("a location").to_owned()
}

/// What became of it, as soon as it is decided.
pub fn outcome(address: SocketAddr, job: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = http::call(address, "GET", job, &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.json()["state"] != "pending" {
            return answer.json();
        }
        assert!(Instant::now() < deadline, "{job} is still pending after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20)); // a pause between two looks
    }
}

/// How many of these jobs are not decided yet.
pub fn pending(address: SocketAddr, jobs: &[String]) -> usize {
    let state = |job: &String| http::call(address, "GET", job, &[], b"").json()["state"].clone();
    jobs.iter().filter(|job| state(job) == "pending").count()
}

/// The names of all summaries in the database, in their order: one made twice is there twice.
pub fn titles(address: SocketAddr) -> Vec<String> {
    let mut titles = Vec::new();
    let mut path = format!("{SUMMARIES}?limit=100");
    loop {
        let page: Answer = http::call(address, "GET", &path, &[], b"");
        let page = page.json();
        let items = page["items"].as_array().expect("a list");
        titles.extend(items.iter().map(|entry| entry["title"].as_str().expect("a title").to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("{SUMMARIES}?limit=100&cursor={next}");
    }
    titles.sort();
    titles
}

/// Every job succeeds, and its summary is there once.
pub fn assert_each_once(address: SocketAddr, asked: &[(String, String)]) {
    for (title, job) in asked {
        let outcome = outcome(address, job);
        assert_eq!(outcome["state"], "succeeded", "{title}: {outcome:#}");
        let summary = http::call(address, "GET", outcome["summary"].as_str().expect("a path"), &[], b"");
        assert_eq!((summary.status, &summary.json()["title"]), (200, &Value::from(title.as_str())));
    }
    let mut expected: Vec<String> = asked.iter().map(|(title, _)| title.clone()).collect();
    expected.sort();
    assert_eq!(titles(address), expected);
}

/// A conversation that takes a while.
pub fn long_conversation(times: usize) -> String {
    let export: Value = serde_json::from_str(SAMPLE).expect("JSON");
    let messages = export["messages"].as_array().expect("messages");
    let long: Vec<&Value> = (0..times).flat_map(|_| messages).collect();
    serde_json::to_string(&long).expect("JSON")
}
