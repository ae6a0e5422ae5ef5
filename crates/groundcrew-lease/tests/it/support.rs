//! What several tests need.

use std::time::{Duration, Instant};

use groundcrew_lease::Leadership;
use groundcrew_runtime::Crew;

use crate::ledger::Ledger;

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").in_kubernetes(false).build()
}

/// Waits until something holds; fails loudly when it does not come. Returns how long it took.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited 20 s until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}

pub(crate) async fn bounded(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("a test ends");
}

/// Work that writes down that it is done, again and again, until it is told to end.
pub(crate) async fn diligent(leadership: Leadership, ledger: Ledger) {
    loop {
        ledger.work(leadership.epoch());
        if leadership.unless_ending(tokio::time::sleep(Duration::from_millis(1))).await.is_none() {
            return;
        }
    }
}

pub(crate) fn metric(crew: &Crew, series: &str) -> u64 {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(series));
    let value =
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{series} in\n{text}"));
    value.parse().expect("a number")
}
