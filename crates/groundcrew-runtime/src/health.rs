use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::check::{CheckPolicy, Impact};

/// What a health check last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// Has not answered yet.
    Pending,
    /// Answered, and well.
    Healthy,
    /// Answered with an error.
    Unhealthy,
    /// Did not answer in time.
    Timeout,
}

impl CheckStatus {
    /// `pending`, `healthy`, `unhealthy` or `timeout`.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Pending => "pending",
            CheckStatus::Healthy => "healthy",
            CheckStatus::Unhealthy => "unhealthy",
            CheckStatus::Timeout => "timeout",
        }
    }
}

/// One check as it stands in memory.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// What it guards, for example `database`. Several that run under one name are told apart: `database 2`.
    pub name: String,
    /// Whether its failure makes the service unready, or only degraded.
    pub impact: Impact,
    /// What the last run said.
    pub status: CheckStatus,
    /// Whether it passes after hysteresis; this is what readiness asks.
    pub passing: bool,
    /// How long the last run took.
    pub latency: Duration,
    /// The last error, kept after recovery.
    pub last_error: Option<String>,
    /// When `passing` last changed.
    pub changed_at: SystemTime,
}

/// The answer of `/ready`.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether traffic should come.
    pub ready: bool,
    /// Why not, in words; empty when ready.
    pub reasons: Vec<String>,
    /// Whether a check that only degrades is failing.
    pub degraded: bool,
    /// Every check, by name.
    pub checks: Vec<CheckReport>,
}

/// The registry of gates and checks. Everything is answered from memory.
#[derive(Debug, Default)]
pub(crate) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Those that are not open.
    gates: Vec<ClosedGate>,
    starting: bool,
    stopping: bool,
    /// By number: a name may be taken twice, for a while or for good.
    checks: BTreeMap<u64, Check>,
    /// The number of the next gate or check.
    next: u64,
}

#[derive(Debug)]
struct ClosedGate {
    id: u64,
    name: String,
    failed: bool,
}

#[derive(Debug)]
struct Check {
    report: CheckReport,
    policy: CheckPolicy,
    streak: u32,
}

// === impl Health ===

impl Health {
    /// Returns the number of the new gate. It takes the place of one that failed under its name: this is another try.
    pub(crate) fn gate_closed(&self, name: String) -> u64 {
        let mut state = self.state.lock();
        state.gates.retain(|gate| !(gate.failed && gate.name == name));
        let id = state.next_number();
        state.gates.push(ClosedGate { id, name, failed: false });
        id
    }

    pub(crate) fn gate_opened(&self, id: u64) {
        self.state.lock().gates.retain(|gate| gate.id != id);
    }

    /// Its initialisation came to another end. Returns the name where that is news: not while the service starts, since
    /// it goes down if the start fails too, and not while it goes down.
    pub(crate) fn gate_failed(&self, id: u64) -> Option<String> {
        let mut state = self.state.lock();
        let silent = state.starting || state.stopping;
        let gate = state.gates.iter_mut().find(|gate| gate.id == id)?;
        gate.failed = true;
        (!silent).then(|| gate.name.clone())
    }

    pub(crate) fn starting(&self) {
        self.state.lock().starting = true;
    }

    /// Returns the gates that failed meanwhile.
    pub(crate) fn started(&self) -> Vec<String> {
        let mut state = self.state.lock();
        state.starting = false;
        state.gates.iter().filter(|gate| gate.failed).map(|gate| gate.name.clone()).collect()
    }

    pub(crate) fn stopping(&self) {
        self.state.lock().stopping = true;
    }

    /// Returns the number of the new check.
    pub(crate) fn register(&self, name: &str, policy: CheckPolicy) -> u64 {
        let report = CheckReport {
            name: name.to_owned(),
            impact: policy.impact,
            status: CheckStatus::Pending,
            passing: false,
            latency: Duration::ZERO,
            last_error: None,
            changed_at: SystemTime::now(),
        };
        let mut state = self.state.lock();
        let id = state.next_number();
        state.checks.insert(id, Check { report, policy, streak: 0 });
        id
    }

    pub(crate) fn unregister(&self, id: u64) {
        self.state.lock().checks.remove(&id);
    }

    /// Takes in one result; returns the new `passing` when it changed, and after the first.
    pub(crate) fn record(
        &self,
        id: u64,
        started: Instant,
        result: &Result<(), CheckFailure>,
    ) -> Option<bool> {
        let mut state = self.state.lock();
        let check = state.checks.get_mut(&id)?;
        check.report.latency = started.elapsed();
        check.take(result)
    }

    pub(crate) fn readiness(&self) -> Readiness {
        let state = self.state.lock();
        let checks = told_apart(state.checks.values().map(|check| check.report.clone()).collect());
        let mut reasons = Vec::new();
        if state.stopping {
            reasons.push("shutting down".to_owned());
        }
        reasons.extend(state.gates.iter().map(|gate| {
            let stands = if gate.failed { "failed" } else { "still starting" };
            format!("{stands}: {}", gate.name)
        }));
        for check in checks.iter().filter(|check| !check.passing && check.impact == Impact::Required) {
            reasons.push(match &check.last_error {
                Some(error) => format!("{} is {}: {error}", check.name, check.status.name()),
                None => format!("{} is {}", check.name, check.status.name()),
            });
        }
        let degraded = checks.iter().any(|check| !check.passing && check.impact == Impact::Degraded);
        Readiness { ready: reasons.is_empty(), reasons, degraded, checks }
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

/// By name, and each name once; the oldest of one name keeps it.
fn told_apart(mut checks: Vec<CheckReport>) -> Vec<CheckReport> {
    checks.sort_by(|one, other| one.name.cmp(&other.name));
    let mut taken = BTreeSet::new();
    for check in &mut checks {
        let name = check.name.clone();
        let mut number = 2;
        while !taken.insert(check.name.clone()) {
            check.name = format!("{name} {number}");
            number += 1;
        }
    }
    checks
}

/// Why a run of a check failed.
#[derive(Debug)]
pub(crate) enum CheckFailure {
    Error(String),
    Timeout(Duration),
}

impl Check {
    fn take(&mut self, result: &Result<(), CheckFailure>) -> Option<bool> {
        let report = &mut self.report;
        let first = report.status == CheckStatus::Pending;
        let good = result.is_ok();
        report.status = match result {
            Ok(()) => CheckStatus::Healthy,
            Err(CheckFailure::Error(error)) => {
                report.last_error = Some(error.clone());
                CheckStatus::Unhealthy
            }
            Err(CheckFailure::Timeout(after)) => {
                report.last_error = Some(format!("no answer within {after:?}"));
                CheckStatus::Timeout
            }
        };
        if good == report.passing && !first {
            self.streak = 0;
            return None;
        }
        self.streak += 1;
        let needed = if good { self.policy.recover_after } else { self.policy.fail_after };
        if !first && self.streak < needed {
            return None;
        }
        self.streak = 0;
        report.passing = good;
        report.changed_at = SystemTime::now();
        Some(good)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The number of the only check.
    const DATABASE: u64 = 0;

    fn health(policy: CheckPolicy) -> Health {
        let health = Health::default();
        assert_eq!(health.register("database", policy), DATABASE);
        health
    }

    fn fail() -> Result<(), CheckFailure> {
        Err(CheckFailure::Error("connection refused".into()))
    }

    #[test]
    fn a_required_check_that_has_not_answered_keeps_the_service_unready() {
        let readiness = health(CheckPolicy::required()).readiness();
        assert!(!readiness.ready);
        assert_eq!(readiness.reasons, ["database is pending"]);
    }

    #[test]
    fn a_single_failure_does_not_take_a_healthy_service_out() {
        let health = health(CheckPolicy::required().fail_after(3));
        health.record(DATABASE, Instant::now(), &Ok(()));
        health.record(DATABASE, Instant::now(), &fail());
        health.record(DATABASE, Instant::now(), &fail());
        assert!(health.readiness().ready);
        health.record(DATABASE, Instant::now(), &fail());
        let readiness = health.readiness();
        assert_eq!(readiness.reasons, ["database is unhealthy: connection refused"]);
    }

    #[test]
    fn a_check_that_fails_at_the_start_is_news() {
        let health = health(CheckPolicy::required().fail_after(3));
        assert_eq!(health.record(DATABASE, Instant::now(), &fail()), Some(false));
        assert_eq!(health.record(DATABASE, Instant::now(), &fail()), None);
    }

    #[test]
    fn a_degrading_check_degrades_and_leaves_the_service_ready() {
        let health = health(CheckPolicy::degraded().fail_after(1));
        health.record(DATABASE, Instant::now(), &fail());
        let readiness = health.readiness();
        assert!(readiness.ready);
        assert!(readiness.degraded);
    }

    #[test]
    fn stopping_is_unready_whatever_the_checks_say() {
        let health = health(CheckPolicy::required());
        health.record(DATABASE, Instant::now(), &Ok(()));
        health.stopping();
        assert_eq!(health.readiness().reasons, ["shutting down"]);
    }

    #[test]
    fn a_check_among_others_of_its_name_fails_by_its_own_results_and_is_told_apart() {
        let health = health(CheckPolicy::required().fail_after(2));
        let second = health.register("database", CheckPolicy::required().fail_after(2));
        for id in [DATABASE, second] {
            health.record(id, Instant::now(), &Ok(()));
        }
        for _ in 0..2 {
            health.record(second, Instant::now(), &fail());
            health.record(DATABASE, Instant::now(), &Ok(()));
        }
        assert_eq!(health.readiness().reasons, ["database 2 is unhealthy: connection refused"]);
        health.unregister(DATABASE);
        assert_eq!(health.readiness().reasons, ["database is unhealthy: connection refused"]);
    }

    proptest! {
        #[test]
        fn passing_changes_only_after_a_full_streak(results in proptest::collection::vec(any::<bool>(), 1..60)) {
            let health = health(CheckPolicy::required().fail_after(3).recover_after(2));
            let (mut passing, mut streak) = (results[0], 0);
            for (turn, good) in results.into_iter().enumerate() {
                let result = if good { Ok(()) } else { fail() };
                health.record(DATABASE, Instant::now(), &result);
                if turn > 0 {
                    streak = if good == passing { 0 } else { streak + 1 };
                    if streak == if good { 2 } else { 3 } {
                        passing = good;
                        streak = 0;
                    }
                }
                if turn > 0 || passing {
                    prop_assert_eq!(health.readiness().ready, passing);
                }
            }
        }
    }
}
