use std::time::Duration;

use groundcrew_config::FromConfig;

use crate::{Quota, QuotaError};

/// How much one key may do.
///
/// The section is named by the service: a field `rate_limiting: LimitConfig` reads `rate_limiting.max_requests`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct LimitConfig {
    /// How many requests per window.
    #[config(default = 100, range = 1..=1_000_000_000)]
    pub max_requests: u32,
    /// The window. What was used comes back evenly, one request every `window / max_requests`.
    #[config(default = "60s")]
    pub window: Duration,
    /// The window in milliseconds, for configurations that count in them. It wins over `window`.
    #[config(range = 1..=31_622_400_000)]
    pub window_ms: Option<u64>,
    /// How many may come at once after a rest. Unset: as many as the window has.
    #[config(range = 1..=1_000_000_000)]
    pub burst: Option<u32>,
    /// How long a shared store may take before this process decides by itself.
    #[config(default = "50ms")]
    pub store_budget: Duration,
    /// How many keys this process remembers at a time, about 100 bytes each. Above that, those nearest to rested
    /// are forgotten and begin anew.
    #[config(default = 100_000, range = 16..=100_000_000)]
    pub max_keys: usize,
}

// === impl LimitConfig ===

impl LimitConfig {
    /// The defaults with this quota.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let config = groundcrew_limit::LimitConfig::of(100, Duration::from_secs(900));
    /// assert_eq!(config.quota()?.interval(), Duration::from_secs(9));
    /// # Ok::<(), groundcrew_limit::QuotaError>(())
    /// ```
    pub fn of(max_requests: u32, window: Duration) -> Self {
        Self { max_requests, window, ..Self::default() }
    }

    /// The quota that is configured.
    ///
    /// # Errors
    ///
    /// When it is one that cannot be kept: see [`Quota::try_new`].
    pub fn quota(&self) -> Result<Quota, QuotaError> {
        let window = self.window_ms.map_or(self.window, Duration::from_millis);
        let quota = Quota::try_new(self.max_requests, window)?;
        Ok(self.burst.map_or(quota, |burst| quota.with_burst(burst)))
    }
}

#[cfg(test)]
mod tests {
    use groundcrew_config::Loader;

    use super::*;

    #[derive(Debug, FromConfig)]
    struct Config {
        rate_limiting: LimitConfig,
    }

    fn loaded(settings: &[&str]) -> Quota {
        let loader = settings.iter().fold(Loader::new("parcels"), |loader, set| loader.set(*set));
        let config: Config =
            loader.load(&Config::shape()).expect("a right shape").read().expect("right values");
        config.rate_limiting.quota().expect("a quota")
    }

    #[test]
    fn nothing_configured_is_a_hundred_a_minute() {
        let quota = loaded(&[]);
        assert_eq!((quota.requests(), quota.window(), quota.burst()), (100, Duration::from_secs(60), 100));
    }

    #[test]
    fn a_window_in_milliseconds_is_understood() {
        let quota = loaded(&["rate_limiting.window_ms=900000", "rate_limiting.max_requests=100"]);
        assert_eq!((quota.requests(), quota.window()), (100, Duration::from_secs(900)));
    }
}
