//! What can be configured about the API.

use std::time::Duration;

use groundcrew::config::FromConfig;

/// How the API remembers: section `api`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct ApiConfig {
    /// How long the answer to a request with an `Idempotency-Key` is kept, to be given again.
    #[config(default = "24h")]
    pub keep_answers: Duration,
    /// How long a job can be asked about, from when it was asked for. Undecided ones are kept until they are decided.
    #[config(default = "168h")]
    pub keep_jobs: Duration,
    /// How often the progress of a job is looked up for those who follow it.
    #[config(default = "500ms", range = Duration::from_millis(50)..=Duration::from_secs(60))]
    pub follow_period: Duration,
    /// How many may follow jobs at a time; further ones are answered 503 and may ask for the job itself.
    #[config(default = 256, range = 0..=100_000)]
    pub followers: usize,
    /// How often what is too old is forgotten, and dead jobs are looked for.
    #[config(default = "30s", range = Duration::from_millis(100)..=Duration::from_secs(3600))]
    pub housekeeping: Duration,
}
