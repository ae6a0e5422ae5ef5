use groundcrew_runtime::Stop;
use tokio::sync::watch;

/// The end of one consumer: that of the service, or its own.
#[derive(Clone)]
pub(super) struct Stopping {
    service: Stop,
    own: watch::Receiver<bool>,
}

// === impl Stopping ===

impl Stopping {
    pub(super) fn new(service: Stop, own: watch::Receiver<bool>) -> Self {
        Self { service, own }
    }

    pub(super) async fn requested(&mut self) {
        tokio::select! {
            () = self.service.requested() => {}
            // A handle that is gone has stopped too.
            _ = self.own.wait_for(|stopped| *stopped) => {}
        }
    }

    /// The future's output, or `None` if the stop comes first.
    pub(super) async fn unless<F: Future>(&mut self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.requested() => None,
            output = future => Some(output),
        }
    }
}
