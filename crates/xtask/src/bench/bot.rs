//! `cargo xtask bench bot`: how quickly the Summary Bot summarises, how many at once, and in how much memory.

use super::http::median;
use super::options::Options;
use super::target::{self, Bound, Target};
use crate::bot::{self, Bot};
use crate::cargo::Workspace;
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How many come at once.
const AT_ONCE: usize = 50;
/// How many of them the bot works on at a time (`summaries.concurrency`).
const HANDS: usize = 2;
/// Messages of one of them.
const MESSAGES: usize = 50;
/// Messages of a large conversation; several of them fill the memory that conversations may take.
const LARGE: usize = 200_000;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    let sample = workspace.root.join("examples/summary-bot/samples/release-planning.json");
    let sample = std::fs::read(&sample).with_context(|| format!("cannot read {}", sample.display()))?;
    let sample: Value = serde_json::from_slice(&sample).context("the sample is not JSON")?;
    let sample = sample["messages"].as_array().context("the sample has messages")?;
    let binary = bot::release(workspace)?;
    let bot = Bot::start(workspace, &binary, &[])?;
    let ask = |body: &str| ask(&bot.address, body);

    let (small, usual) = (messages(sample, MESSAGES), messages(sample, 200));
    ask(&small)?;
    let mut targets = Vec::new();
    for (count, body) in [(MESSAGES, &small), (200, &usual)] {
        let took = (0..options.rounds.max(5)).map(|_| timed(|| ask(body))).collect::<Result<Vec<_>, _>>()?;
        let ms = median(took.into_iter()) * 1e3;
        targets.push(Target::new(format!("ms for {count} messages"), ms, Bound::AtMost(500.0)));
    }

    let (begun, mut done) = (Instant::now(), 0);
    while begun.elapsed().as_secs_f64() < options.seconds {
        all(HANDS, &small, &bot.address)?;
        done += HANDS * MESSAGES;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
    let per_minute = done as f64 / begun.elapsed().as_secs_f64() * 60.0;
    targets.push(Target::new("messages per minute, sustained", per_minute, Bound::AtLeast(1000.0)));

    // As many in all, two at a time and all at once.
    let (mut by_two, mut at_once) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let in_pairs = || (0..AT_ONCE / HANDS).try_for_each(|_| all(HANDS, &small, &bot.address));
        by_two.push(timed(in_pairs)?);
        at_once.push(timed(|| all(AT_ONCE, &small, &bot.address))?);
    }
    let slower = (median(at_once.into_iter()) / median(by_two.into_iter()) - 1.0) * 100.0;
    targets.push(Target::new("% slower with 50 at once", slower, Bound::AtMost(20.0)));
    let usual = bot.peak_mib()?;

    // Later or not, what is large is answered; what finds no room is told so, and counts as an answer here.
    let large = messages(sample, LARGE);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| send(&bot.address, &large))).collect();
        for thread in asking {
            drop(thread.join());
        }
    });
    std::thread::sleep(Duration::from_secs(10)); // jobs go on after their 202
    targets.push(Target::new("MiB at most, of small ones", usual, Bound::AtMost(500.0)));
    targets.push(Target::new("MiB at most, eight large ones at once", bot.peak_mib()?, Bound::AtMost(500.0)));
    if options.json {
        let targets: Vec<Value> = targets.iter().map(Target::json).collect();
        println!("{}", json!({"benchmark": "bot", "targets": targets}));
    } else {
        target::print(&targets);
    }
    target::verdict(&targets)
}

fn messages(sample: &[Value], count: usize) -> String {
    let all: Vec<&Value> = sample.iter().cycle().take(count).collect();
    json!(all).to_string()
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// So many at once, all of which must be made.
fn all(count: usize, body: &str, address: &str) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..count).map(|_| scope.spawn(|| ask(address, body))).collect();
        asking
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("it panicked"))))
    })
}

fn ask(address: &str, body: &str) -> anyhow::Result<()> {
    match send(address, body)? {
        201 => Ok(()),
        status => Err(anyhow!("answered {status}")),
    }
}

/// The status of the answer.
fn send(address: &str, body: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let head = format!(
        "POST /api/v1/summaries HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    // Who is refused may be refused before all is sent.
    let _ = stream.write_all(body.as_bytes());
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let status =
        answer.split(|byte| *byte == b' ').nth(1).and_then(|status| std::str::from_utf8(status).ok());
    status.and_then(|status| status.parse().ok()).context("no answer")
}
