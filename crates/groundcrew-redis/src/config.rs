use std::time::Duration;

use groundcrew_config::{FromConfig, Secret, Sourced};

/// Which Redis, and how long anything may take.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl, validate_in = crate::target::check)]
pub struct RedisConfig {
    /// The server, as `redis://host:6379/0`; `rediss://` for an encrypted connection, `unix:///path` for a
    /// socket. There is no default: a service that works without Redis leaves it unset, and in production says
    /// so with `in_process`.
    #[config(alias = "REDIS_URL")]
    pub url: Option<Sourced<Secret<String>>>,
    /// The password. It wins over one that stands in the URL.
    #[config(alias = "REDIS_PASSWORD")]
    pub password: Option<Secret<String>>,
    /// Chooses to do without Redis in production, where no URL is set: each replica then caches and limits by
    /// itself. Nobody needs to choose that elsewhere.
    #[config(default = false)]
    pub in_process: bool,
    /// How many connections the pool opens at most, beside the shared ones.
    #[config(default = 10, range = 1..=10_000)]
    pub max_connections: u32,
    /// How many connections are shared by all operations that need none of their own, such as those of caches
    /// and limits. Each carries any number of commands at a time.
    #[config(default = 2, range = 1..=64)]
    pub shared_connections: u32,
    /// How long getting a connection from the pool may take: waiting, testing and connecting together.
    #[config(default = "2s")]
    pub acquire_timeout: Duration,
    /// How long one attempt to connect may take, greeting included.
    #[config(default = "1s")]
    pub connect_timeout: Duration,
    /// How long an idle connection of the pool may take to prove that it is alive, before another is taken.
    #[config(default = "250ms")]
    pub recycle_timeout: Duration,
    /// How long a command waits for its answer, if its caller does not say otherwise. A timeout does not stop
    /// the command on the server.
    #[config(default = "500ms")]
    pub response_timeout: Duration,
    /// How long a connection is silent before TCP asks whether the other side is still there.
    #[config(default = "15s")]
    pub tcp_keepalive: Duration,
    /// How long sent bytes may stay unacknowledged by the other machine before the connection is given up
    /// (Linux only). Without it a half-open connection lives for a quarter of an hour.
    #[config(default = "5s")]
    pub tcp_user_timeout: Duration,
    /// What a Redis that does not answer means for `/ready`.
    #[config(default = "degraded")]
    pub impact: RedisImpact,
    /// How often the health check runs.
    #[config(default = "5s")]
    pub check_period: Duration,
    /// How long the health check may take.
    #[config(default = "2s")]
    pub check_timeout: Duration,
}

/// What a Redis that does not answer means for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum RedisImpact {
    /// The service is not ready without it: it holds sessions, refresh tokens or the like.
    Required,
    /// The service stays ready and says `degraded`: right for caches and limits, which fail open.
    #[default]
    Degraded,
}

// === impl RedisConfig ===

impl RedisConfig {
    /// The defaults with this URL, as tests and whoever owns `main` want it.
    ///
    /// ```
    /// let config = groundcrew_redis::RedisConfig::of("redis://localhost");
    /// assert_eq!(config.response_timeout.as_millis(), 500);
    /// ```
    pub fn of(url: impl Into<String>) -> Self {
        let url = Sourced::new(Secret::new(url.into()), groundcrew_config::Origin::Set);
        Self { url: Some(url), ..Self::default() }
    }
}
