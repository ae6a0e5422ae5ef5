use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What a retry costs, in the unit that a call pays a percentage of.
const RETRY: f64 = 100.0;
/// How many retries can be saved up at most beyond the floor's.
const SAVED: f64 = 10.0;
/// For how long the floor can be saved up.
const FLOOR_WINDOW: Duration = Duration::from_secs(5);

/// The retries that a host gets: each call pays in a part of one, and a few come with time.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    percent: f64,
    /// Per second.
    floor: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    balance: f64,
    at: Instant,
}

// === impl RetryBudget ===

impl RetryBudget {
    pub(crate) fn new(percent: u32, floor: u32) -> Self {
        let (percent, floor) = (f64::from(percent), f64::from(floor) * RETRY);
        let state = State { balance: floor * FLOOR_WINDOW.as_secs_f64(), at: Instant::now() };
        Self { percent, floor, state: Mutex::new(state) }
    }

    /// A call pays in.
    pub(crate) fn deposit(&self) {
        let mut state = self.state.lock();
        state.balance = (state.balance + self.percent).min(self.most());
    }

    /// Whether there is a retry; it is spent.
    pub(crate) fn withdraw(&self) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        let came = now.duration_since(state.at).as_secs_f64() * self.floor;
        state.at = now;
        state.balance = (state.balance + came).min(self.most());
        let enough = state.balance >= RETRY;
        if enough {
            state.balance -= RETRY;
        }
        enough
    }

    fn most(&self) -> f64 {
        let saved = if self.percent > 0.0 { SAVED * RETRY } else { 0.0 };
        saved + self.floor * FLOOR_WINDOW.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_storm_gets_its_percentage_and_no_more() {
        let budget = RetryBudget::new(10, 0);
        let retries = (0..1000).filter(|_| {
            budget.deposit();
            budget.withdraw()
        });
        assert_eq!(retries.count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn rare_calls_live_on_the_floor() {
        let budget = RetryBudget::new(0, 1);
        assert_eq!((0..10).filter(|_| budget.withdraw()).count(), 5, "what was saved up");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..10).filter(|_| budget.withdraw()).count(), 5, "an hour saves up no more");
    }

    proptest! {
        #[test]
        fn retries_never_exceed_what_was_paid_and_saved(percent in 0u32..=100, calls in 0u32..500, tries in 0u32..500) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let spent = runtime.block_on(async {
                let budget = RetryBudget::new(percent, 1);
                (0..calls).for_each(|_| budget.deposit());
                (0..tries).filter(|_| budget.withdraw()).count()
            });
            prop_assert!(spent as f64 <= 5.0 + f64::from(calls * percent) / 100.0);
            prop_assert!(spent <= 15);
        }
    }
}
