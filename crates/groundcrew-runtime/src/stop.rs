use std::future::Future;

use tokio_util::sync::CancellationToken;

/// Tells a task that it should stop taking work and come to an end.
///
/// ```
/// # async fn next_item() -> u32 { 7 }
/// # async fn handle(_: u32) {}
/// async fn poll(stop: groundcrew_runtime::Stop) {
///     while let Some(item) = stop.unless(next_item()).await {
///         handle(item).await; // what was taken is finished
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Stop(CancellationToken);

impl Stop {
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self(token)
    }

    /// Resolves once the service stops taking work.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether the service has stopped taking work.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// The future's output, or `None` (with the future dropped) if the stop comes first.
    pub async fn unless<F: Future>(&self, future: F) -> Option<F::Output> {
        self.0.run_until_cancelled(future).await
    }
}
