//! How long things are kept.

use groundcrew::config::FromConfig;

/// How long things are kept: section `retention`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct RetentionConfig {
    /// After how many days summaries are deleted, with what readers thought of them; 0: never. A server may say otherwise (`guilds.<id>.retention_days`, `/config`).
    #[config(default = 90, range = 0..=36_500, alias = "RETENTION_DAYS")]
    pub days: u32,
}
