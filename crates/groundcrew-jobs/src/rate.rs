use std::time::Duration;

/// So many jobs within a time, over all processes: a bucket that refills steadily.
///
/// After a pause all of them may begin at once; from then on one every `within / jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRate {
    /// How many; at least 1.
    pub jobs: u32,
    /// Within which time.
    pub within: Duration,
}

/// By how much clocks may go back.
const SLOP: i64 = 60_000_000;

// === impl JobRate ===

impl JobRate {
    pub(crate) fn new(jobs: u32, within: Duration) -> Self {
        Self { jobs: jobs.max(1), within }
    }

    /// What one job owes, in microseconds.
    pub(crate) fn each(self) -> i64 {
        let within = i64::try_from(self.within.as_micros()).unwrap_or(i64::MAX / 4);
        (within.min(i64::MAX / 4) / i64::from(self.jobs.max(1))).max(1)
    }

    /// A bucket that is full again later than this lets none through.
    pub(crate) fn over(self, now: i64) -> i64 {
        now.saturating_add(self.each().saturating_mul(i64::from(self.jobs.max(1)) - 1))
    }

    /// A bucket that is full again later than this was filled by another policy or another clock, and counts as full.
    pub(crate) fn most(self, now: i64) -> i64 {
        self.over(now).saturating_add(self.each()).saturating_add(SLOP)
    }
}
