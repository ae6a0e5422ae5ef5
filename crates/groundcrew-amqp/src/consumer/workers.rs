use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use groundcrew_runtime::panic_message;
use tokio::task::JoinSet;

use super::inbox::Inbox;
use super::options::ConsumerOptions;
use crate::metrics::ConsumerMetrics;
use crate::{Delivery, Verdict};

/// Those who handle the messages of one consumer.
pub(super) struct Workers<F> {
    pub(super) inbox: Arc<Inbox>,
    pub(super) queue: String,
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) options: ConsumerOptions,
    pub(super) handler: F,
}

// === impl Workers ===

impl<F, Fut, V> Workers<F>
where
    F: Fn(Delivery) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = V> + Send + 'static,
    V: Into<Verdict>,
{
    /// One task for each message that may be handled at a time; each ends when the inbox is closed.
    pub(super) fn start(self: &Arc<Self>) -> JoinSet<()> {
        let work = || {
            let workers = self.clone();
            async move { workers.work().await }
        };
        (0..self.options.concurrency).map(|_| work()).collect()
    }

    async fn work(&self) {
        while let Some(held) = self.inbox.take().await {
            // Somebody else gets it, or did already.
            let lost = held.is_lost();
            if let (false, Some((delivery, slip))) = (lost, held.apart()) {
                slip.settle(self.handle(delivery).await);
            }
        }
    }

    async fn handle(&self, delivery: Delivery) -> Verdict {
        let id = delivery.id().map(str::to_owned);
        let context = delivery.context().into_arc();
        // The handler itself is called inside, so that its panic is one like that of its future.
        let handled = async { (self.handler)(delivery).await.into() };
        match AssertUnwindSafe(context.scope(handled)).catch_unwind().await {
            Ok(verdict) => verdict,
            Err(panic) => {
                self.metrics.panics.inc();
                tracing::error!(
                    consumer.queue = self.queue,
                    message.id = id,
                    panic = panic_message(panic.as_ref()),
                    verdict = ?self.options.on_panic,
                    "a handler panicked"
                );
                self.options.on_panic
            }
        }
    }
}
