use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::LeaseConfig;
use crate::candidate::Held;
use crate::error::Trouble;
use crate::term::Term;

/// Keeps a term alive, in a task of its own: the work of the leader may keep its own one busy.
#[derive(Debug)]
pub(crate) struct Keeper {
    task: JoinHandle<Result<(), Trouble>>,
    release: Option<oneshot::Sender<()>>,
    patience: Duration,
}

// === impl Keeper ===

impl Keeper {
    pub(crate) fn start(held: Box<dyn Held>, term: Arc<Term>, config: &LeaseConfig) -> Self {
        let (release, released) = oneshot::channel();
        let (heartbeat, deadline) = (config.heartbeat, config.deadline);
        let task = tokio::spawn(keep(held, term, heartbeat, deadline, released));
        Self { task, release: Some(release), patience: deadline }
    }

    /// Gives the lease back; an error says that the next leader will have to wait, and why.
    pub(crate) async fn release(mut self) -> Result<(), Trouble> {
        if let Some(release) = self.release.take() {
            // The keeper may have ended before; then its own result says so.
            let _gone = release.send(());
        }
        match timeout(self.patience, &mut self.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(Trouble::new(error)),
            Err(_) => Err(Trouble(format!("no answer within {:?}", self.patience))),
        }
    }
}

impl Drop for Keeper {
    /// What is held goes with the task: a connection closes, a file is unlocked.
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(
    mut held: Box<dyn Held>,
    term: Arc<Term>,
    heartbeat: Duration,
    deadline: Duration,
    mut released: oneshot::Receiver<()>,
) -> Result<(), Trouble> {
    while held.can_be_lost() {
        let next = Instant::now() + heartbeat;
        tokio::select! {
            biased;
            _released = &mut released => return held.release().await,
            () = sleep_until(next) => {}
        }
        let sent = Instant::now();
        let until = term.valid_until().unwrap_or(sent + deadline);
        let trouble = match timeout_at(until, held.beat()).await {
            Ok(Ok(asked)) => {
                term.confirmed(asked, deadline);
                continue;
            }
            Ok(Err(trouble)) => trouble,
            Err(_) => {
                let none = || Trouble(format!("no answer to a heartbeat within {deadline:?}"));
                held.doubt().unwrap_or_else(none)
            }
        };
        term.end();
        return Err(trouble);
    }
    let _released = released.await;
    held.release().await
}
