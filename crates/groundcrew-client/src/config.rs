use std::time::Duration;

use groundcrew_config::{ByteSize, FromConfig};

use crate::Builder;

/// How long calls may take, how often they are tried, and how many there may be.
///
/// One section may serve several clients, or each has one of its own.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct ClientConfig {
    /// How long it may take to open a connection: the name, TCP and TLS.
    #[config(default = "3s")]
    pub connect_timeout: Duration,
    /// How long one attempt may take until the head of the answer is there.
    #[config(default = "10s")]
    pub attempt_timeout: Duration,
    /// How long a call may take with all of its attempts, the pauses between them and the body of the answer. What
    /// remains of the request's or job's time limits it too.
    #[config(default = "30s")]
    pub total_timeout: Duration,
    /// With an answer that is read in chunks: how long each may take. `total_timeout` does not limit such an answer,
    /// unless it is set for the call.
    #[config(default = "30s")]
    pub chunk_timeout: Duration,
    /// How often a call is tried again at most, where that is safe.
    #[config(default = 2, range = 0..=20)]
    pub max_retries: u32,
    /// The pause before the first retry. Each further one is twice as long, less a random part.
    #[config(default = "100ms")]
    pub retry_initial: Duration,
    /// The longest pause before a retry. What the server asks for with `Retry-After` may be longer.
    #[config(default = "5s")]
    pub retry_max: Duration,
    /// How many retries a host gets per hundred calls. More are not made: a host in trouble is not asked three times
    /// for everything.
    #[config(default = 10, range = 0..=1000)]
    pub retry_percent: u32,
    /// How many retries per second a host gets in any case, so that rare calls are tried again too.
    #[config(default = 1, range = 0..=1000)]
    pub retry_floor: u32,
    /// After how many failures in a row, or half of the last four times as many, a host is left alone; `0` for never.
    #[config(default = 5, range = 0..=16)]
    pub breaker_failures: u32,
    /// For how long a host is left alone before one call may try it again; up to eight times as long when that
    /// fails again and again.
    #[config(default = "10s")]
    pub breaker_pause: Duration,
    /// How many calls may be under way at once, to all hosts together.
    #[config(default = 100, range = 1..=100_000)]
    pub max_in_flight: u32,
    /// How many more may wait for one of these to end.
    #[config(default = 1000, range = 0..=100_000)]
    pub max_waiting: u32,
    /// How many attempts there may be per `rate_window`; further ones wait. Unset: any number.
    pub rate: Option<u32>,
    /// The time that `rate` is counted in.
    #[config(default = "1s")]
    pub rate_window: Duration,
    /// How many of `rate` may come at the same moment. Unset: a tenth.
    pub rate_burst: Option<u32>,
    /// How long the body of an answer may be.
    #[config(default = "10MiB")]
    pub max_response: ByteSize,
    /// After how long a connection that nobody uses is closed. It should be shorter than the time after which the
    /// server does so, or a request may meet its closing.
    #[config(default = "20s")]
    pub idle_timeout: Duration,
    /// How many redirects are followed. They are part of one attempt.
    #[config(default = 0, range = 0..=10)]
    pub redirects: u32,
    /// How many hosts are known by name in metrics, and how many are remembered with their failures.
    #[config(default = 50, range = 1..=10_000)]
    pub max_hosts: u32,
    /// What the header `user-agent` says. Unset: the service's name and the version of this crate.
    pub user_agent: Option<String>,
}

// === impl ClientConfig ===

impl ClientConfig {
    /// A client of this name, which stands in metrics and logs as `client`.
    pub fn named(&self, name: impl Into<String>) -> Builder {
        Builder::new(self.clone(), name.into())
    }
}
