use std::time::Duration;

use groundcrew_runtime::Backoff;

use crate::JobRate;

/// How often a job is tried, how long an attempt may take, and how many run at once.
///
/// ```
/// use std::time::Duration;
/// use groundcrew_jobs::Policy;
///
/// let policy = Policy::default()
///     .max_attempts(5)
///     .timeout(Duration::from_secs(60))
///     .concurrency(2)          // in this process
///     .global_concurrency(8)   // over all processes
///     .rate(100, Duration::from_secs(60))            // in this process
///     .global_rate(500, Duration::from_secs(60))     // over all processes
///     .key_rate(10, Duration::from_secs(60));        // of each key, over all processes
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Backoff,
    pub(crate) timeout: Duration,
    pub(crate) priority: Priority,
    pub(crate) concurrency: Option<u32>,
    pub(crate) global_concurrency: Option<u32>,
    pub(crate) key_concurrency: u32,
    pub(crate) rate: Option<(u32, Duration)>,
    pub(crate) global_rate: Option<JobRate>,
    pub(crate) key_rate: Option<JobRate>,
}

/// Which of two jobs that could run now runs first. Few and fixed, since brokers need a queue for each.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// After all others.
    Low,
    /// The usual one.
    #[default]
    Normal,
    /// Before all others.
    High,
}

// === impl Priority ===

impl Priority {
    /// From the first to the last that runs.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    /// As a number: 1, 0 or -1.
    pub fn number(self) -> i16 {
        match self {
            Priority::High => 1,
            Priority::Normal => 0,
            Priority::Low => -1,
        }
    }

    /// The nearest to a number.
    pub fn of_number(number: i16) -> Self {
        match number {
            1.. => Priority::High,
            0 => Priority::Normal,
            _ => Priority::Low,
        }
    }
}

// === impl Policy ===

impl Default for Policy {
    /// 20 attempts from 2 s, doubling, to 1 h apart (about 7 hours in all), 15 min for each.
    fn default() -> Self {
        Self {
            max_attempts: 20,
            backoff: Backoff::new(Duration::from_secs(2), Duration::from_secs(3600)),
            timeout: Duration::from_secs(15 * 60),
            priority: Priority::Normal,
            concurrency: None,
            global_concurrency: None,
            key_concurrency: 1,
            rate: None,
            global_rate: None,
            key_rate: None,
        }
    }
}

impl Policy {
    /// How many attempts may fail before the job is dead; at least 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// How long to wait between attempts.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long one attempt may take; its end is a failed attempt. Over a broker it must lie below the broker's
    /// own limit (RabbitMQ: 30 min).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The priority of jobs that are enqueued without one.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// How many of this job may run at once in this process; at least 1.
    pub fn concurrency(mut self, jobs: u32) -> Self {
        self.concurrency = Some(jobs.max(1));
        self
    }

    /// How many of this job may run at once over all processes, where the backend can tell (SQL, memory).
    pub fn global_concurrency(mut self, jobs: u32) -> Self {
        self.global_concurrency = Some(jobs.max(1));
        self
    }

    /// How many of this job with the same key may run at once over all processes; 1 unless set. See
    /// [`Enqueue::key`](crate::Enqueue::key).
    pub fn key_concurrency(mut self, jobs: u32) -> Self {
        self.key_concurrency = jobs.max(1);
        self
    }

    /// How many of this job may begin within a time in this process.
    pub fn rate(mut self, jobs: u32, within: Duration) -> Self {
        self.rate = Some((jobs.max(1), within.max(Duration::from_micros(1))));
        self
    }

    /// How many of this job may begin within a time over all processes, where the backend can tell (SQL, memory).
    ///
    /// As many at once after a pause, and then one every `within / jobs`. A job begins for the rate when a worker
    /// takes it, again with each attempt. What is over the rate stays where it is, costs no attempt, and nothing waits
    /// behind it.
    pub fn global_rate(mut self, jobs: u32, within: Duration) -> Self {
        self.global_rate = Some(JobRate::new(jobs, within));
        self
    }

    /// The same for jobs with the same key, each key apart. Jobs without one are not limited by it. See
    /// [`Enqueue::key`](crate::Enqueue::key).
    pub fn key_rate(mut self, jobs: u32, within: Duration) -> Self {
        self.key_rate = Some(JobRate::new(jobs, within));
        self
    }
}
