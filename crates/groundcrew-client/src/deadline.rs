use std::fmt;
use std::time::Duration;

use groundcrew_telemetry::Context;
use tokio::time::Instant;

/// Which limit ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// `connect_timeout`.
    Connect,
    /// `attempt_timeout`.
    Attempt,
    /// `total_timeout`, or what [`Request::timeout`](crate::Request::timeout) said.
    Total,
    /// `chunk_timeout`.
    Chunk,
    /// The deadline of the request or job on whose behalf the call was made.
    Request,
}

/// When a call must be over, and because of which limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Limit,
    within: Duration,
}

// === impl Limit ===

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect_timeout",
            Self::Attempt => "attempt_timeout",
            Self::Total => "total_timeout",
            Self::Chunk => "chunk_timeout",
            Self::Request => "what was left of the request's time",
        })
    }
}

// === impl Deadline ===

impl Deadline {
    /// So long from now.
    pub(crate) fn after(within: Duration, limit: Limit) -> Self {
        Self { at: later(within), limit, within }
    }

    /// That of the request or job which is current, if it has one.
    pub(crate) fn of_request() -> Option<Self> {
        let left = groundcrew_telemetry::with_current(|context| context.and_then(Context::remaining))?;
        Some(Self::after(left, Limit::Request))
    }

    pub(crate) fn min(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at < self.at => other,
            _ => self,
        }
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }

    pub(crate) fn limit(self) -> Limit {
        self.limit
    }

    /// How long the limit is; for the request: how much of its time was left when the call began.
    pub(crate) fn within(self) -> Duration {
        self.within
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.at
    }
}

fn later(within: Duration) -> Instant {
    let now = Instant::now();
    // Thirty years are as good as never, and can be represented.
    now.checked_add(within).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365 * 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_smaller_limit_counts_and_is_named() {
        let request = Context::random().with_timeout(Duration::from_secs(2)).into_arc();
        let of = |seconds| {
            Deadline::after(Duration::from_secs(seconds), Limit::Total).min(Deadline::of_request()).limit()
        };
        let limits = request.scope(async { (of(1), of(3)) }).await;
        assert_eq!(limits, (Limit::Total, Limit::Request));
        assert_eq!(of(1), Limit::Total, "without a request");
    }

    #[test]
    fn the_longest_time_is_a_deadline_too() {
        assert!(!Deadline::after(Duration::MAX, Limit::Total).is_over());
    }
}
