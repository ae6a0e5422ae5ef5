use std::fmt;
use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::handlers::Handlers;
use crate::supervise::CUT_SHORT;

/// How long the process may take to leave by itself after the third signal.
const TO_LEAVE: Duration = Duration::from_secs(1);

/// How far behind its end a shutdown is stuck.
const OVERDUE: Duration = Duration::from_secs(2);

/// What the thread of the signals is told.
pub(crate) enum Order {
    /// Signals end the service from now on, except for the first so many, which somebody else took.
    Supervised { taken: u64, shutdown: Duration },
    /// The shutdown has begun.
    Began,
    /// The shutdown is over.
    Landed,
}

/// Ends a process whose own runtime cannot do it, since it no longer turns: all of its workers are blocked, or the
/// thread is on which everything starts.
#[derive(Debug, Default)]
pub(crate) struct LastResort {
    received: u64,
    plan: Option<Plan>,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    taken: u64,
    shutdown: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    at: Instant,
    cause: Cause,
}

/// Why the process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    ThirdSignal,
    Overdue,
}

// === impl LastResort ===

impl LastResort {
    /// Passes the signals on until nobody wants them any more; returns why the process has to be ended, if it has to.
    pub(crate) async fn watch(
        mut self,
        mut handlers: Handlers,
        passed: UnboundedSender<&'static str>,
        mut orders: UnboundedReceiver<Order>,
    ) -> Option<Cause> {
        loop {
            let end = self.end;
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Supervised { taken, shutdown }) => {
                        self.supervised(Plan { taken, shutdown }, Instant::now());
                    }
                    Some(Order::Began) => self.began(Instant::now()),
                    // `main` has the third signal, and may still be held up on its way out.
                    None if self.is_third() => return Some(over(self.end).await),
                    Some(Order::Landed) | None => return None,
                },
                signal = handlers.recv() => {
                    self.signalled(Instant::now());
                    // Without a listener the next order is the last.
                    let _gone = passed.send(signal);
                }
                cause = over(end) => return Some(cause),
            }
        }
    }

    fn signalled(&mut self, now: Instant) {
        self.received += 1;
        self.judge(now);
    }

    fn supervised(&mut self, plan: Plan, now: Instant) {
        self.plan = Some(plan);
        self.judge(now);
    }

    fn judge(&mut self, now: Instant) {
        let Some(plan) = self.plan else { return };
        let signals = self.received.saturating_sub(plan.taken);
        if signals >= 1 && self.end.is_none() {
            self.began(now);
        }
        if signals >= 3 && !self.is_third() {
            self.end = Some(End { at: now + TO_LEAVE, cause: Cause::ThirdSignal });
        }
    }

    /// The shutdown has its time from here. After a start that blocked, the runtime says so later than the signal.
    fn began(&mut self, now: Instant) {
        let Some(plan) = self.plan.filter(|_| !self.is_third()) else { return };
        let at = now.checked_add(plan.shutdown.saturating_add(OVERDUE));
        self.end = at.map(|at| End { at, cause: Cause::Overdue });
    }

    fn is_third(&self) -> bool {
        self.end.is_some_and(|end| end.cause == Cause::ThirdSignal)
    }
}

async fn over(end: Option<End>) -> Cause {
    match end {
        Some(End { at, cause }) => {
            tokio::time::sleep_until(at).await;
            cause
        }
        None => std::future::pending().await,
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::ThirdSignal => {
                write!(f, "the process did not leave within {TO_LEAVE:?} of the third signal")?;
            }
            Cause::Overdue => write!(f, "the shutdown has not come to an end {OVERDUE:?} after its time")?,
        }
        write!(f, ": something blocks its threads; ended with exit code {CUT_SHORT}")
    }
}

/// Says so and ends the process, whatever its other threads do.
pub(crate) fn leave(cause: Cause) -> ! {
    // Standard error may be what everything waits for: it has a moment, and no more.
    let (said, heard) = std::sync::mpsc::channel();
    let _no_thread = std::thread::Builder::new().spawn(move || {
        let _closed = writeln!(std::io::stderr(), "{cause}");
        let _late = said.send(());
    });
    let _silent = heard.recv_timeout(Duration::from_millis(200));
    std::process::exit(CUT_SHORT.into())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    const SHUTDOWN: Duration = Duration::from_secs(25);

    fn supervised(now: Instant) -> LastResort {
        let mut last = LastResort::default();
        last.supervised(Plan { taken: 0, shutdown: SHUTDOWN }, now);
        last
    }

    fn after_three_signals(now: Instant) -> LastResort {
        let mut last = supervised(now);
        for _ in 0..3 {
            last.signalled(now);
        }
        last
    }

    #[test]
    fn the_first_signal_begins_the_time_of_the_shutdown_and_the_third_leaves_a_second() {
        let now = Instant::now();
        let mut last = supervised(now);
        assert_eq!(last.end, None);
        last.signalled(now);
        let overdue = End { at: now + SHUTDOWN + OVERDUE, cause: Cause::Overdue };
        assert_eq!(last.end, Some(overdue));
        let later = now + Duration::from_secs(3);
        last.signalled(later);
        assert_eq!(last.end, Some(overdue), "the second changes nothing");
        last.began(later);
        let counted_anew = End { at: later + SHUTDOWN + OVERDUE, cause: Cause::Overdue };
        assert_eq!(last.end, Some(counted_anew), "a start that blocked had the time before");
        last.signalled(later);
        last.began(later);
        assert_eq!(last.end, Some(End { at: later + TO_LEAVE, cause: Cause::ThirdSignal }));
        last.signalled(later + TO_LEAVE / 2);
        assert_eq!(last.end, Some(End { at: later + TO_LEAVE, cause: Cause::ThirdSignal }), "nor the fourth");
    }

    #[test]
    fn signals_that_nobody_supervises_or_that_were_taken_before_end_nothing() {
        let now = Instant::now();
        let mut last = LastResort::default();
        for _ in 0..3 {
            last.signalled(now);
        }
        last.began(now);
        assert_eq!(last.end, None);
        last.supervised(Plan { taken: 3, shutdown: SHUTDOWN }, now);
        assert_eq!(last.end, None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_ended_after_the_landing_nor_without_the_third_signal() {
        let now = Instant::now();
        let (passed, _received) = unbounded_channel();
        let (orders, told) = unbounded_channel();
        assert!(orders.send(Order::Landed).is_ok());
        let handlers = Handlers::install().unwrap();
        assert_eq!(after_three_signals(now).watch(handlers, passed.clone(), told).await, None);
        let (orders, told) = unbounded_channel();
        drop(orders);
        let mut once = supervised(now);
        once.signalled(now);
        assert_eq!(once.watch(Handlers::install().unwrap(), passed, told).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_is_held_up_on_its_way_out_is_ended_a_second_after_the_third_signal() {
        let now = Instant::now();
        let (passed, _received) = unbounded_channel();
        let (orders, told) = unbounded_channel();
        drop(orders);
        let ended = after_three_signals(now).watch(Handlers::install().unwrap(), passed, told).await;
        assert_eq!(ended, Some(Cause::ThirdSignal));
        assert!(now.elapsed() >= TO_LEAVE && now.elapsed() < TO_LEAVE * 2, "{:?}", now.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_that_does_not_come_to_an_end_is_ended() {
        let now = Instant::now();
        let (passed, _received) = unbounded_channel();
        let (orders, told) = unbounded_channel();
        assert!(orders.send(Order::Supervised { taken: 0, shutdown: SHUTDOWN }).is_ok());
        assert!(orders.send(Order::Began).is_ok());
        let ended = LastResort::default().watch(Handlers::install().unwrap(), passed, told).await;
        assert_eq!(ended, Some(Cause::Overdue));
        let time = SHUTDOWN + OVERDUE;
        assert!(now.elapsed() >= time && now.elapsed() < time + OVERDUE, "{:?}", now.elapsed());
    }
}
