use std::time::Duration;

use groundcrew_config::FromConfig;

/// How jobs run in this process.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct JobsConfig {
    /// How many jobs run at once in this process.
    #[config(default = 4, range = 1..=10_000, alias = "MAX_WORKERS")]
    pub concurrency: u32,
    /// How many jobs are fetched ahead at most. As many as run within a tenth of a second are: none where jobs
    /// are long. What finds no place within a second goes back, but for RabbitMQ.
    #[config(default = 128, range = 0..=10_000)]
    pub prefetch: u32,
    /// How often to look for jobs where nothing tells of new ones; also how late a delayed job may be.
    #[config(default = "1s")]
    pub poll_period: Duration,
    /// After how long without a sign of life a job is taken from its worker and delivered again. Signs are
    /// given three times as often.
    #[config(default = "30s")]
    pub lease: Duration,
    /// How many deliveries in a row may end without an outcome, because the process died, before the job is
    /// dead. Over RabbitMQ at least 2: what comes back once may only have been fetched ahead.
    #[config(default = 10, range = 1..=1_000)]
    pub crash_limit: u32,
    /// How long it may take to enqueue a job before that is an error; less where the request has less left.
    #[config(default = "5s")]
    pub enqueue_timeout: Duration,
    /// How often the queue is counted, for metrics and health.
    #[config(default = "15s")]
    pub stats_period: Duration,
    /// For how long jobs may be ready while nobody runs any of their kind, before health says so.
    #[config(default = "60s")]
    pub stalled_after: Duration,
    /// For how long dead jobs are kept.
    #[config(default = "30d")]
    pub keep_dead: Duration,
    /// For how long is remembered that a job that is over had its effect. Beside a broker at least as long as
    /// dead jobs are kept, which it may be asked to run again.
    #[config(default = "7d")]
    pub keep_effects: Duration,
}
