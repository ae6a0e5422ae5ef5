//! What the contenders of the job benchmark have in common: their arguments and their stopwatch.

use std::time::{Duration, Instant};

use anyhow::Context;

/// How much is to be done, and where.
#[derive(Debug, Clone)]
pub struct Work {
    /// The broker or the database.
    pub url: String,
    /// How many jobs.
    pub jobs: u64,
    /// How large the payload of each is.
    pub bytes: usize,
}

/// A stopwatch for the wall and for the processor.
#[derive(Debug)]
pub struct Stopwatch {
    jobs: u64,
    began: Instant,
    busy: Duration,
}

// === impl Work ===

impl Work {
    /// From `URL JOBS BYTES` on the command line.
    ///
    /// # Errors
    ///
    /// When one is missing or no number.
    pub fn from_arguments() -> anyhow::Result<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut next = |name: &str| arguments.next().with_context(|| format!("{name} is missing"));
        let url = next("the URL")?;
        let jobs = next("the number of jobs")?.parse().context("the number of jobs")?;
        let bytes = next("the size of a payload")?.parse().context("the size of a payload")?;
        Ok(Self { url, jobs, bytes })
    }

    /// Starts to measure.
    pub fn measure(&self) -> Stopwatch {
        Stopwatch { jobs: self.jobs, began: Instant::now(), busy: busy() }
    }
}

// === impl Stopwatch ===

impl Stopwatch {
    /// Prints what it took, as one line of JSON.
    pub fn print(&self) {
        let (seconds, cpu) =
            (self.began.elapsed().as_secs_f64(), busy().saturating_sub(self.busy).as_secs_f64());
        println!(r#"{{"jobs":{},"seconds":{seconds:.4},"cpu_seconds":{cpu:.4}}}"#, self.jobs);
    }
}

/// The time that all threads of this process have had on the processor.
fn busy() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_thread = |thread: std::fs::DirEntry| -> Option<u64> {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(threads.filter_map(of_thread).sum())
}
