use std::time::Duration;

use groundcrew_config::FromConfig;

/// What users may plan.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct TimetableConfig {
    /// How many plans an owner may have.
    #[config(default = 100, range = 1..=100_000)]
    pub per_owner: u32,
    /// How often a plan may come: the shortest pause between two of its times.
    #[config(default = "1m")]
    pub least_pause: Duration,
}
