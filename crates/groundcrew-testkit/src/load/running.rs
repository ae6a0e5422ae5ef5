use super::connection::{self, Shared};
use super::{Load, Report};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A load under way. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    finished: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(load: Load) -> Self {
        let shared = Arc::new(Shared::new(load.requests));
        let (done, finished) = oneshot::channel();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            drive(&load, &of_thread);
            let _ = done.send(());
        });
        Self { shared, finished, thread: Some(thread) }
    }

    /// What has been counted so far.
    pub fn snapshot(&self) -> Report {
        self.shared.report()
    }

    /// Waits until at least that many answers have come, or the load has ended by its bounds. True for the former.
    pub async fn answered(&mut self, at_least: u64) -> bool {
        let mut answers = self.shared.answers();
        tokio::select! {
            reached = answers.wait_for(|answered| *answered >= at_least) => reached.is_ok(),
            _ = &mut self.finished, if !self.ended() => self.shared.report().answered >= at_least,
        }
    }

    /// Sends nothing more, waits for the answers that are due, and returns the final report.
    pub async fn stop(self) -> Report {
        self.shared.stop();
        self.finished().await
    }

    /// Waits until a bound is reached, and returns the final report.
    pub async fn finished(mut self) -> Report {
        if !self.ended() {
            let _ = (&mut self.finished).await;
        }
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            debug_assert!(joined.is_ok(), "the load thread does not panic");
        }
        self.shared.report()
    }

    fn ended(&self) -> bool {
        self.finished.is_terminated()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// Runs all connections on this thread until each has ended.
fn drive(load: &Load, shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let start = Instant::now();
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        for index in 0..load.connections {
            connections.spawn(connection::run(index, load.clone(), Arc::clone(shared)));
        }
        let in_time = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(load.duration, in_time).await.is_err() {
            shared.stop();
            while connections.join_next().await.is_some() {}
        }
    });
    shared.ended(start.elapsed());
}
