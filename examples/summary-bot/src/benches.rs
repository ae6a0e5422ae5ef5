//! Where a core is kept busy: a bounded number of benches, off the runtime's workers.

use std::sync::Arc;

use groundcrew::http::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::scribe::off_the_workers;

/// The benches. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Benches(Arc<Semaphore>);

/// One of them, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Bench(Option<OwnedSemaphorePermit>);

// === impl Benches ===

impl Benches {
    pub(crate) fn new(number: usize) -> Self {
        Self(Arc::new(Semaphore::new(number)))
    }

    /// The next that is free. It always comes: the semaphore is never closed.
    pub(crate) async fn take(&self) -> Bench {
        Bench(self.0.clone().acquire_owned().await.ok())
    }

    /// Works at the next that is free.
    pub(crate) async fn work<T, W>(&self, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        self.take().await.work(work).await
    }
}

// === impl Bench ===

impl Bench {
    /// Does the work, and leaves the bench when it is done, whether anybody still waits for it or not.
    pub(crate) async fn work<T, W>(self, work: W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        let work = move || {
            let _bench = self.0;
            work()
        };
        off_the_workers(work).await
    }
}
