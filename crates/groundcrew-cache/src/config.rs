use std::time::Duration;

use groundcrew_config::FromConfig;

/// How long values live, how many are kept, and how long anything may take.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct CacheConfig {
    /// How long a value is fresh. Each lives a little more or less, by `jitter`.
    #[config(default = "300s")]
    pub ttl: Duration,
    /// The same as `ttl`, as a bare number of seconds. It wins.
    #[config(alias = "CACHE_TTL")]
    pub ttl_seconds: Option<u64>,
    /// How many percent more or less a value lives, so that what was loaded together does not expire together.
    #[config(default = 10, range = 0..=50)]
    pub jitter: u32,
    /// For how long after that a value is still served, while one caller's load renews it in the background.
    #[config(default = "60s")]
    pub stale: Duration,
    /// How long it is remembered that there is nothing; see `Builder::absent`.
    #[config(default = "30s")]
    pub negative_ttl: Duration,
    /// How many values this process keeps in memory at most. The least recently used go first.
    #[config(default = 10_000, range = 1..=100_000_000)]
    pub max_entries: u32,
    /// With a shared store: how long this process answers from its memory before it asks the store again, and so
    /// how long it goes unnoticed that another process removed or changed a value.
    #[config(default = "10s")]
    pub local_ttl: Duration,
    /// How much a shared store that is slow or down may add to a call.
    #[config(default = "100ms")]
    pub budget: Duration,
    /// For how long a store that did not answer is left alone.
    #[config(default = "1s")]
    pub pause: Duration,
    /// How long a load may take before its callers get an error. It runs in a task of its own and has this
    /// deadline, not that of the request which happened to be the first.
    #[config(default = "30s")]
    pub load_timeout: Duration,
}

// === impl CacheConfig ===

impl CacheConfig {
    pub(crate) fn fresh_for(&self) -> Duration {
        self.ttl_seconds.map_or(self.ttl, Duration::from_secs)
    }
}
