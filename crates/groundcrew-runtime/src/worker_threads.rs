use std::io;
use std::num::NonZeroUsize;

use groundcrew_config::FromConfig;

/// The Tokio runtime.
#[derive(Debug, Clone, Default, FromConfig)]
pub struct RuntimeConfig {
    /// Worker threads. Unset: as many as there are processors, and never fewer than 2, since a CPU quota of
    /// half a core would otherwise leave one, and one blocked worker would be the whole service.
    pub worker_threads: Option<NonZeroUsize>,
}

impl RuntimeConfig {
    /// The number of workers in force.
    pub fn workers(&self) -> usize {
        match self.worker_threads {
            Some(workers) => workers.get(),
            None => std::thread::available_parallelism().map_or(2, NonZeroUsize::get).max(2),
        }
    }

    /// A multi-threaded runtime with exactly that many workers.
    pub fn build(&self) -> io::Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_multi_thread().worker_threads(self.workers()).enable_all().build()
    }
}
