//! `cargo xtask bench http`: requests per second and instructions per request of every contender.

use super::contender::{self, CONTENDERS, Contender};
use super::options::Options;
use super::server::Server;
use super::target::{self, Bound, Target};
use super::{instructions, load};
use crate::cargo::Workspace;
use crate::failure::Failure;
use anyhow::anyhow;
use load::Load;
use serde_json::{Value, json};

const CONNECTIONS: u32 = 64;
/// Seconds of load before each measurement.
const WARM_UP: &str = "0.3";

/// What is known of one contender.
struct Row {
    contender: &'static Contender,
    rounds: Vec<Round>,
    instructions: Option<u64>,
}

struct Round {
    load: Load,
    /// The server's time on the processor per request, in microseconds.
    cpu_us: f64,
    /// Requests that should have left a line, and did not.
    lost_lines: u64,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    contender::build_all(workspace)?;
    let mut rows: Vec<Row> = CONTENDERS.iter().map(Row::of).collect();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        // There and back, so that none always follows the same other one.
        let order: Vec<usize> =
            if round % 2 == 0 { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for index in order {
            let measured = measure(workspace, rows[index].contender, options)?;
            rows[index].rounds.push(measured);
        }
    }
    if options.callgrind {
        for row in &mut rows {
            eprintln!("counting the instructions of {}", row.contender.name);
            row.instructions = Some(instructions::per_request(workspace, row.contender)?);
        }
    }
    report(&rows, options)
}

fn measure(workspace: &Workspace, contender: &Contender, options: &Options) -> anyhow::Result<Round> {
    let server = Server::start(workspace, contender, &[])?;
    let warm_up = load::run(workspace, server.port, CONNECTIONS, WARM_UP)?;
    let before = server.busy();
    let load = load::run(workspace, server.port, CONNECTIONS, &options.seconds.to_string())?;
    let busy = server.busy().zip(before).map(|(after, before)| after.saturating_sub(before));
    let cpu_us = busy.map_or(f64::NAN, |busy| busy.as_secs_f64() * 1e6 / load.requests as f64);
    let log = server.stop()?;
    // The answer that showed that it was ready is a request too.
    let asked = 1 + warm_up.requests + load.requests;
    let lost_lines = if contender.logs_every_request { asked.abs_diff(log.request_lines()?) } else { 0 };
    Ok(Round { load, cpu_us, lost_lines })
}

fn report(rows: &[Row], options: &Options) -> Result<(), Failure> {
    let baseline = rows.iter().find(|row| row.contender.is_baseline());
    let baseline = baseline.ok_or_else(|| anyhow!("there is nothing to compare with"))?;
    let targets: Vec<Target> = rows.iter().flat_map(|row| row.targets(baseline)).collect();
    if options.json {
        let rows: Vec<Value> = rows.iter().map(|row| row.json(baseline)).collect();
        let targets: Vec<Value> = targets.iter().map(Target::json).collect();
        println!("{:#}", json!({"contenders": rows, "targets": targets}));
    } else {
        println!(
            "{:<16} {:>10} {:>7} {:>10} {:>7} {:>9} {:>13} {:>10}",
            "contender",
            "requests/s",
            "ratio",
            "CPU in µs",
            "ratio",
            "p99 in µs",
            "instructions",
            "lines lost"
        );
        for row in rows {
            println!("{}", row.line(baseline));
        }
        target::print(&targets);
    }
    target::verdict(&targets)
}

// === impl Row ===

impl Row {
    fn of(contender: &'static Contender) -> Self {
        Self { contender, rounds: Vec::new(), instructions: None }
    }

    fn per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.load.per_second))
    }

    /// Each round against the same round of the baseline: what slows the machine down slows both.
    fn ratio(&self, baseline: &Self) -> f64 {
        let pairs = self.rounds.iter().zip(&baseline.rounds);
        median(pairs.map(|(own, base)| own.load.per_second / base.load.per_second))
    }

    fn cpu_us(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu_us))
    }

    /// What the throughput would be, compared with the baseline's, if nobody else used the cores.
    fn cpu_ratio(&self, baseline: &Self) -> f64 {
        median(self.rounds.iter().zip(&baseline.rounds).map(|(own, base)| base.cpu_us / own.cpu_us))
    }

    fn p99_us(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.load.p99_us as f64))
    }

    fn lost_lines(&self) -> u64 {
        self.rounds.iter().map(|round| round.lost_lines).sum()
    }

    fn line(&self, baseline: &Self) -> String {
        let instructions = self.instructions.map_or("-".to_owned(), |count| count.to_string());
        let lost =
            if self.contender.logs_every_request { self.lost_lines().to_string() } else { "-".to_owned() };
        format!(
            "{:<16} {:>10.0} {:>7.3} {:>10.2} {:>7.3} {:>9.0} {instructions:>13} {lost:>10}",
            self.contender.name,
            self.per_second(),
            self.ratio(baseline),
            self.cpu_us(),
            self.cpu_ratio(baseline),
            self.p99_us(),
        )
    }

    fn json(&self, baseline: &Self) -> Value {
        json!({
            "contender": self.contender.name,
            "requests_per_second": self.per_second(),
            "ratio": self.ratio(baseline),
            "cpu_us_per_request": self.cpu_us(),
            "cpu_ratio": self.cpu_ratio(baseline),
            "p99_us": self.p99_us(),
            "instructions_per_request": self.instructions,
            "lost_lines": self.contender.logs_every_request.then(|| self.lost_lines()),
        })
    }

    /// What is asked of ours; of the others nothing.
    fn targets(&self, baseline: &Self) -> Vec<Target> {
        if !self.contender.is_ours() {
            return Vec::new();
        }
        let (ratio, most) =
            if self.contender.logs_every_request { (0.75, 35_000.0) } else { (0.92, 20_000.0) };
        let name = self.contender.name;
        let mut targets =
            vec![Target::new(format!("{name}: of bare axum"), self.ratio(baseline), Bound::AtLeast(ratio))];
        if let Some(count) = self.instructions {
            let what = format!("{name}: instructions per request");
            targets.push(Target::new(what, count as f64, Bound::AtMost(most)));
        }
        if self.contender.logs_every_request {
            let lost = self.lost_lines() as f64;
            targets.push(Target::new(format!("{name}: lines lost"), lost, Bound::AtMost(0.0)));
        }
        targets
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTENDERS, Load, Round, Row, median};

    fn row(contender: usize, per_second: &[f64]) -> Row {
        let round = |per_second: &f64| Round {
            load: Load { requests: 1, per_second: *per_second, p99_us: 1 },
            cpu_us: 1e6 / per_second,
            lost_lines: 0,
        };
        Row { rounds: per_second.iter().map(round).collect(), ..Row::of(&CONTENDERS[contender]) }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_and_not_of_the_rates() {
        let (ours, theirs) = (row(4, &[90.0, 40.0, 80.0]), row(1, &[100.0, 50.0, 100.0]));
        assert!((ours.ratio(&theirs) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn a_median_of_nothing_is_no_number() {
        assert!(median(std::iter::empty()).is_nan());
        assert!((median([4.0, 1.0].into_iter()) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn only_ours_has_targets() {
        let bare = row(1, &[100.0]);
        let with_targets = (0..CONTENDERS.len()).filter(|at| !row(*at, &[95.0]).targets(&bare).is_empty());
        assert_eq!(with_targets.collect::<Vec<_>>(), [4, 5]);
    }
}
