use std::path::PathBuf;
use std::time::Duration;

use groundcrew_config::{FromConfig, Secret, Sourced};

/// Which RabbitMQ, and how long anything may take.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl, validate = crate::target::check)]
pub struct AmqpConfig {
    /// The broker, as `amqp://user@host:5672/vhost`; `amqps://` for an encrypted connection (feature `tls`). The
    /// virtual host `/` is written `%2f`, or left out together with its slash. There is no default: a service that
    /// works without a broker leaves it unset.
    #[config(alias = "RABBITMQ_URL", alias = "AMQP_URL")]
    pub url: Option<Sourced<Secret<String>>>,
    /// The password. It wins over one that stands in the URL.
    #[config(alias = "RABBITMQ_PASSWORD")]
    pub password: Option<Secret<String>>,
    /// Certificates in PEM format that are trusted beside the system's: those of a private CA.
    pub ca_file: Option<PathBuf>,
    /// How often each side proves that it is alive. A silent connection is given up after twice that.
    #[config(default = "10s")]
    pub heartbeat: Duration,
    /// How long one attempt to connect may take: name, TCP, TLS, the protocol's greeting and the topology.
    #[config(default = "5s")]
    pub connect_timeout: Duration,
    /// How long start-up waits for the broker. After that the service starts without it, degraded, and goes on
    /// trying.
    #[config(default = "10s")]
    pub connect_retry: Duration,
    /// The longest pause between two attempts to connect. The first is 100 ms, then they double, with jitter, and
    /// never end.
    #[config(default = "5s")]
    pub retry_max: Duration,
    /// How long a publish may take until it is confirmed. The request's own deadline counts too, where it is earlier.
    #[config(default = "10s")]
    pub publish_timeout: Duration,
    /// How many messages of a publisher may be unconfirmed at a time; further ones wait.
    #[config(default = 256, range = 1..=65_535)]
    pub confirm_window: u32,
    /// How many messages a consumer holds that are not settled yet, if it does not say otherwise.
    #[config(default = 64, range = 1..=65_535)]
    pub prefetch: u16,
    /// What a broker that cannot be used means for `/ready`.
    #[config(default = "degraded")]
    pub impact: AmqpImpact,
}

/// What a broker that cannot be used means for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum AmqpImpact {
    /// The service is not ready without it.
    Required,
    /// The service stays ready and says `degraded`: all replicas share the broker, and taking every one of them
    /// out helps nobody.
    #[default]
    Degraded,
}

// === impl AmqpConfig ===

impl AmqpConfig {
    /// The defaults with this URL, as tests and whoever owns `main` want it.
    ///
    /// ```
    /// let config = groundcrew_amqp::AmqpConfig::of("amqp://localhost");
    /// assert_eq!(config.confirm_window, 256);
    /// ```
    pub fn of(url: impl Into<String>) -> Self {
        let url = Sourced::new(Secret::new(url.into()), groundcrew_config::Origin::Set);
        Self { url: Some(url), ..Self::default() }
    }
}
