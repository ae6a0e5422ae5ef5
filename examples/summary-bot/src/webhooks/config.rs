use std::time::Duration;

use groundcrew::config::{FromConfig, Secret};

/// Who may be told of summaries, and how long it is tried: section `webhooks`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct WebhooksConfig {
    /// Lets webhooks lead anywhere, to this machine and the network behind it too, and over `http`. For development;
    /// in production name the hosts in `private_hosts` instead.
    #[config(default = false)]
    pub allow_private: bool,
    /// Receivers of your own inside: hosts, as they stand in the URL, that may lead to private addresses.
    #[config(default)]
    pub private_hosts: Vec<String>,
    /// How long a receiver may take to answer.
    #[config(default = "15s")]
    pub timeout: Duration,
    /// How often a delivery is tried before it is given up.
    #[config(default = 8, range = 1..=30)]
    pub attempts: u32,
    /// The pause before the second attempt. Each further one is six times as long, up to 12 h: with 8 attempts
    /// somewhat more than a day.
    #[config(default = "5s")]
    pub retry: Duration,
    /// For how long a webhook may go on failing before it is disabled.
    #[config(default = "5d")]
    pub disable_after: Duration,
    /// For how long the secret before is still signed with after a rotation.
    #[config(default = "24h")]
    pub rotation: Duration,
    /// How long the log of deliveries is kept.
    #[config(default = "30d")]
    pub keep: Duration,
    /// How many webhooks there may be.
    #[config(default = 100, range = 0..=10_000)]
    pub max: u32,
    /// Signs what is sent to the `webhook_url` of a single request: `whsec_` and base64. Unset: that is not signed.
    #[config(alias = "WEBHOOK_SECRET")]
    pub secret: Option<Secret<String>>,
}

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// The pause that a receiver gets which asks for one: a delivery does not wait for a year.
pub(super) fn granted(asked: Option<Duration>) -> Duration {
    asked.unwrap_or_default().min(LONGEST)
}

// === impl WebhooksConfig ===

impl WebhooksConfig {
    /// The pause after attempt `number` (from 1) has failed.
    pub(super) fn pause(&self, number: u32) -> Duration {
        self.retry.saturating_mul(6u32.saturating_pow(number.saturating_sub(1))).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_from_seconds_to_half_a_day() {
        let config = WebhooksConfig::default();
        let pauses: Vec<u64> = (1..=8).map(|number| config.pause(number).as_secs()).collect();
        assert_eq!(pauses, [5, 30, 180, 1080, 6480, 38_880, 43_200, 43_200]);
        assert_eq!(config.pause(u32::MAX), LONGEST);
    }

    #[test]
    fn a_receiver_gets_the_pause_that_it_asks_for_up_to_the_longest() {
        assert_eq!(granted(None), Duration::ZERO);
        assert_eq!(granted(Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(granted(Some(Duration::from_secs(365 * 86_400))), LONGEST);
    }
}
