use crate::Verdict;

/// How a consumer works.
///
/// ```
/// use groundcrew_amqp::ConsumerOptions;
///
/// let options = ConsumerOptions::default().prefetch(100).concurrency(8);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerOptions {
    pub(super) prefetch: Option<u16>,
    pub(super) concurrency: u16,
    pub(super) on_panic: Verdict,
}

impl Default for ConsumerOptions {
    /// The section's `prefetch`, one message at a time, and a message whose handler panics is a dead letter.
    fn default() -> Self {
        Self { prefetch: None, concurrency: 1, on_panic: Verdict::Reject }
    }
}

// === impl ConsumerOptions ===

impl ConsumerOptions {
    /// Sets how many messages it holds that are not settled; at least as many as are handled at a time.
    pub fn prefetch(mut self, messages: u16) -> Self {
        self.prefetch = Some(messages.max(1));
        self
    }

    /// Sets how many messages are handled at a time. With more than one, they may be finished in another order.
    pub fn concurrency(mut self, handlers: u16) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Sets what becomes of a message whose handler panics.
    pub fn on_panic(mut self, verdict: Verdict) -> Self {
        self.on_panic = verdict;
        self
    }
}
