//! `cargo xtask bench jobs`: jobs per second from publish to done, and the clients' time on the processor.

mod contender;
mod servers;

use super::http::median;
use super::options::Options;
use super::target::{self, Bound, Target};
use crate::cargo::Workspace;
use crate::failure::Failure;
use contender::{CONTENDERS, Contender};
use serde_json::{Value, json};
use servers::Servers;

/// What is asked of a contender with a rate of 1 at `--seconds 1`.
const JOBS_PER_SECOND: f64 = 10_000.0;
const BYTES: usize = 200;

/// What is known of one contender.
struct Row {
    contender: &'static Contender,
    rounds: Vec<Round>,
}

/// What one run took.
struct Round {
    jobs: f64,
    seconds: f64,
    cpu_seconds: f64,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    contender::build_all(workspace)?;
    let python = contender::python(workspace)?;
    let servers = Servers::start()?;
    let mut rows: Vec<Row> =
        CONTENDERS.iter().map(|contender| Row { contender, rounds: Vec::new() }).collect();
    for round in 0..options.rounds {
        for row in &mut rows {
            eprintln!("round {} of {}: {}", round + 1, options.rounds, row.contender.name);
            // Whole numbers of jobs, and never none.
            let jobs = (options.seconds * JOBS_PER_SECOND * row.contender.rate).max(100.0).round();
            let mut command = row.contender.command(workspace, &python);
            let scratch = servers.scratch(row.contender.needs)?;
            command.args([scratch.url(), &format!("{jobs}"), &BYTES.to_string()]).envs(scratch.environment());
            row.rounds.push(Round::of(&mut command, row.contender.name)?);
        }
    }
    report(&rows, options)
}

fn report(rows: &[Row], options: &Options) -> Result<(), Failure> {
    let (raw, celery) = (find(rows, "raw lapin"), find(rows, "Celery"));
    let mut targets = Vec::new();
    if let (Some(raw), Some(celery), Some(ours)) = (raw, celery, find(rows, "ours, RabbitMQ")) {
        let ratio = median(ours.rounds.iter().zip(&raw.rounds).map(|(ours, raw)| ours.rate() / raw.rate()));
        targets.push(Target::new("ours, RabbitMQ: of raw lapin", ratio, Bound::AtLeast(0.8)));
        let ratio = celery.cpu_per_10_000() / ours.cpu_per_10_000();
        targets.push(Target::new("ours, RabbitMQ: × Celery per CPU second", ratio, Bound::AtLeast(12.0)));
    }
    if options.json {
        let rows: Vec<Value> = rows.iter().map(Row::json).collect();
        let targets: Vec<Value> = targets.iter().map(Target::json).collect();
        println!("{:#}", json!({"contenders": rows, "targets": targets}));
    } else {
        println!("{:<24} {:>8} {:>22}", "contender", "jobs/s", "CPU s per 10 000 jobs");
        for row in rows {
            println!("{:<24} {:>8.0} {:>22.2}", row.contender.name, row.rate(), row.cpu_per_10_000());
        }
        target::print(&targets);
    }
    target::verdict(&targets)
}

fn find<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.contender.name == name)
}

// === impl Row ===

impl Row {
    fn rate(&self) -> f64 {
        median(self.rounds.iter().map(Round::rate))
    }

    fn cpu_per_10_000(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu_seconds * 1e4 / round.jobs))
    }

    fn json(&self) -> Value {
        json!({
            "contender": self.contender.name,
            "jobs_per_second": self.rate(),
            "cpu_seconds_per_10_000_jobs": self.cpu_per_10_000(),
        })
    }
}

// === impl Round ===

impl Round {
    fn of(command: &mut std::process::Command, name: &str) -> anyhow::Result<Self> {
        use anyhow::Context;
        let output = command.output().with_context(|| format!("cannot start {name}"))?;
        anyhow::ensure!(
            output.status.success(),
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let seen: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{name} prints one line of JSON"))?;
        let number = |key: &str| seen[key].as_f64().with_context(|| format!("{name} left out `{key}`"));
        Ok(Self { jobs: number("jobs")?, seconds: number("seconds")?, cpu_seconds: number("cpu_seconds")? })
    }

    fn rate(&self) -> f64 {
        self.jobs / self.seconds
    }
}
