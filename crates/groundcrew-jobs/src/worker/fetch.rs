use std::sync::Arc;
use std::time::Duration;

use groundcrew_runtime::{Backoff, Stop};
use tokio::time::Instant;

use super::outcome::HAND_BACK_PAUSE;
use super::{FAR, Worker};
use crate::{Ask, Delivery, Ending, Known};

/// How long a job waits that may be what kills the process, while another one is tried.
const SUSPECT_PAUSE: Duration = Duration::from_secs(1);

/// How often a rate that holds over all processes is looked at, at most.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

/// Fetches jobs until the stop; then what has not begun goes back.
pub(super) async fn run(worker: Arc<Worker>, stop: Stop) {
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut failures = 0;
    while !stop.is_requested() {
        let changed = worker.desk.changed();
        worker.give_back_overdue().await;
        let (room, overdue_in) = (worker.desk.room(), worker.overdue_in());
        if room == 0 {
            let _either = stop.unless(tokio::time::timeout(overdue_in, changed)).await;
            continue;
        }
        let (ask, open_in) = worker.ask(room);
        // Never dropped half-way: what it has reserved would be lost until the lease ends.
        match worker.backend.reserve(&ask).await {
            Ok(deliveries) if deliveries.is_empty() => {
                let patience = open_in.map_or(worker.config.poll_period, |open| {
                    open.clamp(Duration::from_millis(1), worker.config.poll_period)
                });
                let patience = patience.min(overdue_in);
                let work = async {
                    tokio::select! {
                        () = worker.backend.wait(patience) => {}
                        () = worker.desk.freed() => {}
                    }
                };
                stop.unless(work).await;
            }
            Ok(deliveries) => worker.take(deliveries).await,
            Err(error) => {
                let delay = backoff.delay(failures);
                if failures == 0 {
                    tracing::warn!(jobs.backend = worker.backend.name(), %error, "no jobs can be fetched");
                }
                failures += 1;
                stop.unless(tokio::time::sleep(delay)).await;
                continue;
            }
        }
        if failures > 0 {
            tracing::info!(jobs.backend = worker.backend.name(), failures, "jobs are fetched again");
            failures = 0;
        }
    }
    worker.hand_back(worker.desk.unbegun(), HAND_BACK_PAUSE).await;
}

impl Worker {
    /// What to ask for, and in how long a rate limit lets the next job through if one holds.
    fn ask(&self, max: usize) -> (Ask, Option<Duration>) {
        let now = Instant::now();
        let mut open_in: Option<Duration> = None;
        let mut known = Vec::with_capacity(self.runners.len());
        for (runner, rate) in self.runners.values() {
            let here = runner.policy.concurrency;
            let mut free = here.map(|most| most.saturating_sub(self.desk.of_name(runner.name)));
            if let Some(rate) = rate {
                let available = rate.available(now);
                free = Some(free.map_or(available, |free| free.min(available)));
                if available == 0 {
                    let next = rate.next(now);
                    open_in = Some(open_in.map_or(next, |open| open.min(next)));
                }
            }
            let policy = &runner.policy;
            let rates = [policy.global_rate, policy.key_rate];
            for rate in rates.into_iter().flatten() {
                // Other processes take from it too, so it is looked at again before it can have become full.
                let look = (rate.within / 4).max(SHORTEST_LOOK);
                open_in = Some(open_in.map_or(look, |open| open.min(look)));
            }
            known.push(Known {
                free,
                global: policy.global_concurrency,
                per_key: policy.key_concurrency,
                global_rate: policy.global_rate,
                key_rate: policy.key_rate,
                ..Known::new(runner.name, runner.version)
            });
        }
        (Ask { max, known, lease: self.config.lease, worker: self.name.clone() }, open_in)
    }

    /// In how long something that waits here is to go back for others to take, if nothing changes until then.
    fn overdue_in(&self) -> Duration {
        // A broker counts what goes back: there it stays.
        let overdue_in = self.desk.overdue_in().filter(|_| self.backend.takes_back_at_no_cost());
        overdue_in.map_or(FAR, |left| left.max(Duration::from_millis(1)))
    }

    /// Gives back what has waited here for too long. Nothing has become of it, so nothing is counted.
    async fn give_back_overdue(&self) {
        if !self.backend.takes_back_at_no_cost() {
            return;
        }
        let overdue = self.desk.overdue();
        if !overdue.is_empty() {
            tracing::debug!(
                jobs.count = overdue.len(),
                "jobs that found no place here go back to the others"
            );
        }
        for slot in overdue {
            self.record(&slot, Ending::HandedBack { after: HAND_BACK_PAUSE }).await;
        }
    }

    async fn take(self: &Arc<Self>, deliveries: Vec<Delivery>) {
        let now = Instant::now();
        for delivery in &deliveries {
            if let Some((_, Some(rate))) = self.runners.get(delivery.envelope.name.as_str()) {
                rate.take(now);
            }
        }
        let back = self.desk.put(deliveries);
        // Begins nothing after the stop: then the end of the loop hands all of it back.
        self.fill();
        let pause = Backoff::new(SUSPECT_PAUSE, SUSPECT_PAUSE).delay(0);
        self.hand_back(back, pause).await;
    }
}
