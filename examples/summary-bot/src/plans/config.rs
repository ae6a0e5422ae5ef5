use std::time::Duration;

use groundcrew::config::{FromConfig, Secret};

/// Schedules that people make: section `schedules`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct SchedulesConfig {
    /// How many schedules a server may have.
    #[config(default = 25, range = 1..=10_000)]
    pub per_guild: u32,
    /// How often a schedule may come: the shortest pause between two of its times.
    #[config(default = "15m")]
    pub least_pause: Duration,
    /// After how many failures in a row a schedule pauses itself.
    #[config(default = 5, range = 1..=1_000)]
    pub pause_after: u32,
    /// The most messages of one channel that a run reads.
    #[config(default = 5_000, range = 1..=100_000)]
    pub max_messages: u32,
}

/// Mail for summaries of schedules: section `mail`. Without a URL there is none.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct MailConfig {
    /// The server: `smtps://user:password@mail.example.com`, `smtp://mail.example.com:587?tls=required`, or without
    /// TLS `smtp://localhost:25`.
    #[config(alias = "SMTP_URL")]
    pub url: Option<Secret<String>>,
    /// Who the mail is from, such as `Summary Bot <bot@example.com>`.
    #[config(alias = "SMTP_FROM")]
    pub from: Option<String>,
    /// How long sending one mail may take.
    #[config(default = "30s")]
    pub timeout: Duration,
}
