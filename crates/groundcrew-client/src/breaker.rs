use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::jittered;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How much longer the pause may become when trying again fails again and again.
const LONGEST: u32 = 8;
/// What a caller is told who comes while another one tries the host.
const PROBING: Duration = Duration::from_secs(1);

/// Leaves a host alone for a while after it failed again and again; then one call at a time tries it.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// None: never.
    failures: Option<u32>,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Rises with each change of phase, so that what began before counts no more.
    epoch: u64,
    /// The last attempts, the newest in the lowest bit; one is a failure.
    history: u64,
    known: u32,
    in_a_row: u32,
    opened: u32,
    failed_at: Option<Instant>,
}

/// Whether a host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    HalfOpen { probing: bool },
    Open { until: Instant },
}

/// The leave to make one attempt; dropped without a word, it says nothing about the host.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Arc<Breaker>,
    epoch: u64,
    settled: bool,
}

/// What an attempt changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Opened { pause: Duration },
    Closed,
}

// === impl Breaker ===

impl Breaker {
    /// Opens after so many failures in a row, or half of four times as many; never for zero.
    pub(crate) fn new(failures: u32, pause: Duration) -> Self {
        let state = State {
            phase: Phase::Closed,
            epoch: 0,
            history: 0,
            known: 0,
            in_a_row: 0,
            opened: 0,
            failed_at: None,
        };
        let failures = (failures > 0).then_some(failures.min(16));
        Self { failures, pause, state: Mutex::new(state) }
    }

    /// In how long it makes sense to come again, if the host is left alone now.
    pub(crate) fn refuses(&self) -> Option<Duration> {
        match self.state.lock().phase {
            Phase::Open { until } => {
                Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
            }
            Phase::HalfOpen { probing: true } => Some(PROBING),
            _ => None,
        }
    }

    /// The leave to make an attempt, or in how long it makes sense to come again.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Permit, Duration> {
        if let Some(retry_in) = self.refuses() {
            return Err(retry_in);
        }
        let mut state = self.state.lock();
        match state.phase {
            Phase::Closed => {}
            // Somebody was quicker.
            Phase::HalfOpen { probing: true } => return Err(PROBING),
            Phase::HalfOpen { .. } | Phase::Open { .. } => {
                state.enter(Phase::HalfOpen { probing: true });
            }
        }
        Ok(Permit { breaker: Arc::clone(self), epoch: state.epoch, settled: false })
    }

    /// 0 closed, 1 half-open, 2 open.
    pub(crate) fn level(&self) -> i64 {
        match self.state.lock().phase {
            Phase::Closed => 0,
            Phase::HalfOpen { .. } => 1,
            Phase::Open { .. } => 2,
        }
    }

    /// For how long the host has been failing, as far as that is known: nobody has succeeded since, and the last
    /// failure is not older than `memory`.
    pub(crate) fn is_failing(&self, memory: Duration) -> bool {
        let state = self.state.lock();
        state.phase != Phase::Closed && state.failed_at.is_some_and(|at| at.elapsed() <= memory)
    }

    /// Whether forgetting it would forget nothing of interest.
    pub(crate) fn is_calm(&self) -> bool {
        self.state.lock().phase == Phase::Closed
    }

    fn settle(&self, epoch: u64, failed: bool) -> Option<News> {
        let limit = self.failures?;
        let mut state = self.state.lock();
        if failed {
            state.failed_at = Some(Instant::now());
        }
        if state.epoch != epoch {
            return None;
        }
        match (state.phase, failed) {
            (Phase::Closed, _) => {
                state.remember(failed, limit * 4);
                state.is_too_much(limit).then(|| self.open(&mut state))
            }
            (_, false) => {
                state.enter(Phase::Closed);
                state.opened = 0;
                Some(News::Closed)
            }
            (_, true) => {
                self.open(&mut state);
                None
            }
        }
    }

    fn open(&self, state: &mut State) -> News {
        let times = 2u32.saturating_pow(state.opened.min(8)).min(LONGEST);
        let pause = jittered(self.pause.saturating_mul(times), 10);
        state.opened = state.opened.saturating_add(1);
        let now = Instant::now();
        state.enter(Phase::Open { until: now.checked_add(pause).unwrap_or(now) });
        News::Opened { pause }
    }

    fn release(&self, epoch: u64) {
        let mut state = self.state.lock();
        if state.epoch == epoch && state.phase == (Phase::HalfOpen { probing: true }) {
            state.enter(Phase::HalfOpen { probing: false });
        }
    }
}

// === impl State ===

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
        (self.history, self.known, self.in_a_row) = (0, 0, 0);
    }

    fn remember(&mut self, failed: bool, window: u32) {
        let mask = if window >= 64 { u64::MAX } else { (1 << window) - 1 };
        self.history = (self.history << 1 | u64::from(failed)) & mask;
        self.known = (self.known + 1).min(window);
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
    }

    fn is_too_much(&self, limit: u32) -> bool {
        self.in_a_row >= limit || (self.known >= limit * 4 && self.history.count_ones() >= limit * 2)
    }
}

// === impl Permit ===

impl Permit {
    pub(crate) fn succeeded(mut self) -> Option<News> {
        self.settled = true;
        self.breaker.settle(self.epoch, false)
    }

    pub(crate) fn failed(mut self) -> Option<News> {
        self.settled = true;
        self.breaker.settle(self.epoch, true)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.release(self.epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn opened() -> Arc<Breaker> {
        let breaker = Arc::new(Breaker::new(3, PAUSE));
        for turn in 1..=3 {
            let news = breaker.admit().unwrap().failed();
            assert_eq!(news.is_some(), turn == 3);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_in_a_row_is_left_alone_and_then_tried_by_one() {
        let breaker = opened();
        let retry_in = breaker.admit().unwrap_err();
        assert!(retry_in > PAUSE / 2 && retry_in <= PAUSE * 2);
        tokio::time::advance(retry_in).await;
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "the others do not try");
        assert_eq!(probe.succeeded(), Some(News::Closed));
        assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_makes_the_pause_longer() {
        let breaker = opened();
        let first = breaker.admit().unwrap_err();
        tokio::time::advance(first).await;
        assert_eq!(breaker.admit().unwrap().failed(), None, "no news");
        assert!(breaker.admit().unwrap_err() > PAUSE * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_whose_caller_went_away_leaves_its_place_to_the_next() {
        let breaker = opened();
        tokio::time::advance(PAUSE * 2).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_from_before_the_opening_does_not_close_it() {
        let breaker = Arc::new(Breaker::new(1, PAUSE));
        let slow = breaker.admit().unwrap();
        breaker.admit().unwrap().failed();
        assert_eq!(slow.succeeded(), None);
        assert!(breaker.admit().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_many_is_too_much_too() {
        let breaker = Arc::new(Breaker::new(3, PAUSE));
        let mut settled = 0;
        while let Ok(permit) = breaker.admit() {
            settled += 1;
            let _ = if settled % 2 == 0 { permit.failed() } else { permit.succeeded() };
            assert!(settled < 100);
        }
        assert_eq!(settled, 12);
    }

    #[tokio::test(start_paused = true)]
    async fn none_means_never() {
        let breaker = Arc::new(Breaker::new(0, PAUSE));
        (0..100).for_each(|_| assert_eq!(breaker.admit().unwrap().failed(), None));
    }

    proptest! {
        /// Whatever happens, at most one caller is on its way to a host that is not known to be well.
        #[test]
        fn there_is_never_more_than_one_probe(steps in proptest::collection::vec((0u8..4, 0u64..30), 1..120)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let breaker = opened();
                let mut held = Vec::new();
                for (step, seconds) in steps {
                    tokio::time::advance(Duration::from_secs(seconds)).await;
                    match (step, held.pop()) {
                        (0, Some(permit)) => { Permit::succeeded(permit); }
                        (1, Some(permit)) => { Permit::failed(permit); }
                        (2, Some(permit)) => drop(permit),
                        (_, kept) => held.extend(kept),
                    }
                    let before = breaker.level();
                    if let Ok(permit) = breaker.admit() {
                        if before != 0 {
                            assert!(breaker.admit().is_err());
                        }
                        held.push(permit);
                    }
                }
            });
        }
    }
}
