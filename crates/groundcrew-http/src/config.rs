use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use groundcrew_config::{BindIp, ByteSize, FromConfig, Secret};

/// Below this a deadline gives a client on the network no chance: a 0 that was meant as "none" closes everybody.
const SHORTEST: Duration = Duration::from_millis(100);

/// The public listener.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
#[allow(clippy::struct_excessive_bools, reason = "each is the switch of one key")]
pub struct HttpConfig {
    /// Address to listen on: loopback, but 0.0.0.0 in a container or in production.
    #[config(default)]
    pub host: BindIp,
    /// Port of the public listener; 0 lets the system choose.
    #[config(default = 5000, alias = "WEBHOOK_PORT", alias = "PORT")]
    pub port: u16,
    /// Path of a Unix socket to listen on instead of host and port.
    pub socket: Option<PathBuf>,
    /// Whether this listener answers `/metrics` too, besides the admin listener.
    #[config(default = false)]
    pub metrics: bool,
    /// Connections at a time. At the limit the oldest silent one is closed, or else the longest idle.
    #[config(default = 10_000, range = 1..=1_000_000)]
    pub max_connections: usize,
    /// How long a new connection may stay silent.
    #[config(default = "10s", range = SHORTEST..)]
    pub first_byte_timeout: Duration,
    /// How long the head of a request may take from its first byte.
    #[config(default = "10s", range = SHORTEST..)]
    pub header_timeout: Duration,
    /// How long an idle connection is kept. Above the load balancer's own (60 s), or it answers 502.
    #[config(default = "75s", range = SHORTEST..)]
    pub idle_timeout: Duration,
    /// How long a handler may take before the client gets 504; routes may override it.
    #[config(default = "30s", range = SHORTEST..)]
    pub request_timeout: Duration,
    /// The largest request body; routes may override it.
    #[config(default = "10MiB")]
    pub body_limit: ByteSize,
    /// How long idle connections are still listened to when the drain begins.
    #[config(default = "250ms")]
    pub linger: Duration,
    /// Whether the shutdown drains. Off, it closes every connection at once and loses what was on the wire:
    /// for measuring what the drain is worth.
    #[config(default = true)]
    pub drain: bool,
    /// Whether responses carry nosniff, frame and referrer headers.
    #[config(default = true)]
    pub security_headers: bool,
    /// Share of the requests that are written to the access log, from 0 to 1. Errors (5xx) always are.
    #[config(default = 1.0, range = 0.0..=1.0)]
    pub access_log: f64,
    /// Share of the traces that begin here that are sampled, from 0 to 1; a caller's decision is followed.
    #[config(default = 1.0, range = 0.0..=1.0)]
    pub trace_share: f64,
    /// What `/health` and `/ready` say.
    pub probes: ProbesConfig,
    /// Networks of the proxies in front, such as `10.0.0.0/8`. Only what they write into X-Forwarded-For is believed.
    #[cfg(feature = "limit")]
    #[config(default)]
    pub trusted_proxies: Vec<crate::Cidr>,
    /// Which other origins browsers may call from. Unset: none.
    #[cfg(feature = "cors")]
    pub cors: Option<CorsConfig>,
    /// Whether bodies are compressed for clients that accept it.
    #[cfg(feature = "compression")]
    #[config(default = false)]
    pub compression: bool,
    /// Certificate and key for HTTPS. Unset: plain HTTP.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
}

/// Cross-origin requests.
#[cfg(feature = "cors")]
#[derive(Debug, Clone, FromConfig)]
pub struct CorsConfig {
    /// Origins such as `https://app.example.com`, or the single value `*`.
    pub origins: Vec<String>,
    /// Whether browsers may send cookies and credentials; not together with `*`.
    #[config(default = false)]
    pub credentials: bool,
    /// How long browsers may keep the answer to a preflight request.
    #[config(default = "10m")]
    pub max_age: Duration,
}

/// HTTPS.
#[cfg(feature = "tls")]
#[derive(Debug, Clone, FromConfig)]
pub struct TlsConfig {
    /// File with the certificate chain in PEM, the service's own first.
    pub cert: PathBuf,
    /// File with the private key in PEM.
    pub key: PathBuf,
}

/// The probes.
#[derive(Debug, Clone, Default, FromConfig)]
pub struct ProbesConfig {
    /// Which body `/health` has.
    #[config(default = "brief")]
    pub health: HealthBody,
    /// Whether `/health` answers 500 while a required dependency is down. A liveness probe on it then
    /// restarts every replica at once when a shared dependency fails.
    #[config(default = false)]
    pub health_fails_with_dependencies: bool,
}

/// The body of `/health`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromConfig)]
pub enum HealthBody {
    /// `status` and `timestamp`.
    #[default]
    Brief,
    /// Also each dependency, `memory_usage` and `cpu_usage` in percent.
    Detailed,
}

/// The admin listener (metrics, probes, tasks, log level).
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct AdminConfig {
    /// Whether there is an admin listener.
    #[config(default = true)]
    pub enabled: bool,
    /// Address to listen on: loopback, but 0.0.0.0 in a container or in production.
    #[config(default)]
    pub host: BindIp,
    /// Port of the admin listener; 0 lets the system choose.
    #[config(default = 8080, alias = "METRICS_PORT")]
    pub port: u16,
    /// What an operator must show to change anything. Unset: only this machine may.
    pub token: Option<Secret<String>>,
}

// === impl HttpConfig ===

impl HttpConfig {
    /// Loopback and a port of the system's choice: what tests bind.
    pub fn ephemeral() -> Self {
        Self { port: 0, ..Self::default() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host.0, self.port)
    }
}

// === impl AdminConfig ===

impl AdminConfig {
    /// Loopback and a port of the system's choice: what tests bind.
    pub fn ephemeral() -> Self {
        Self { port: 0, ..Self::default() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host.0, self.port)
    }
}
