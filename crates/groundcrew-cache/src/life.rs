use std::time::Duration;

use groundcrew_runtime::jittered;
use tokio::time::Instant;

use crate::CacheConfig;

/// How long one value is good, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    /// From when on the shared store is asked again.
    pub(crate) check_at: Instant,
    /// From when on it is served only while it is renewed.
    pub(crate) fresh_until: Instant,
    /// From when on it is not served.
    pub(crate) stale_until: Instant,
    /// From when on renewing is tried again after it failed.
    pub(crate) renew_at: Instant,
}

/// The lives that values get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lives {
    pub(crate) fresh: Duration,
    pub(crate) negative: Duration,
    pub(crate) stale: Duration,
    pub(crate) local: Duration,
    jitter: u32,
}

// === impl Life ===

impl Life {
    pub(crate) fn is_fresh(&self) -> bool {
        Instant::now() < self.fresh_until
    }
}

// === impl Lives ===

impl Lives {
    pub(crate) fn of(config: &CacheConfig, is_shared: bool) -> Self {
        Self {
            fresh: config.fresh_for(),
            negative: config.negative_ttl,
            stale: config.stale,
            local: if is_shared { config.local_ttl } else { Duration::MAX },
            jitter: config.jitter.min(99),
        }
    }

    /// For how long a new value is fresh, and for how long it is served after that.
    pub(crate) fn draw(&self, is_absent: bool) -> (Duration, Duration) {
        let (fresh, stale) =
            if is_absent { (self.negative, Duration::ZERO) } else { (self.fresh, self.stale) };
        (jittered(fresh, self.jitter), stale)
    }

    /// How long a value lives at most.
    pub(crate) fn longest(&self) -> Duration {
        let fresh = self.fresh.max(self.negative);
        let jitter = fresh.saturating_mul(self.jitter) / 100;
        fresh.saturating_add(jitter).saturating_add(self.stale)
    }

    pub(crate) fn begin(&self, (fresh, stale): (Duration, Duration)) -> Life {
        let now = Instant::now();
        let fresh_until = later(now, fresh);
        let stale_until = later(fresh_until, stale);
        Life { check_at: later(now, self.local), fresh_until, stale_until, renew_at: now }
    }
}

/// A time too far off to be told is thirty years away.
pub(crate) fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or_else(|| from + Duration::from_secs(946_080_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Field note: TTL jitter. What was loaded together must not expire together.
    #[test]
    fn values_that_are_loaded_together_expire_apart() {
        let lives = Lives::of(&CacheConfig::default(), false);
        let drawn: std::collections::HashSet<_> = (0..100).map(|_| lives.draw(false).0.as_millis()).collect();
        assert!(drawn.len() > 50, "{drawn:?}");
        let control = Lives::of(&CacheConfig { jitter: 0, ..CacheConfig::default() }, false);
        let drawn: std::collections::HashSet<_> =
            (0..100).map(|_| control.draw(false).0.as_millis()).collect();
        assert_eq!(drawn.len(), 1);
    }
}
