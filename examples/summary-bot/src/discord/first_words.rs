//! Which interactions this process acknowledges at the moment: their answers wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::remembered::Remembered;
use super::task::Task;

/// How long a first word may take.
const LONGEST: Duration = Duration::from_secs(3);
/// How long it usually takes where this process does not see it.
const ELSEWHERE: Duration = Duration::from_millis(300);

/// First words that are under way, or were a moment ago. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct FirstWords(Arc<Remembered<String, watch::Receiver<()>>>);

/// A first word that is being said, until it is dropped.
#[derive(Debug)]
pub(super) struct BeingSaid {
    _said: watch::Sender<()>,
}

// === impl FirstWords ===

impl FirstWords {
    pub(super) fn new() -> Self {
        Self(Arc::new(Remembered::new(Duration::from_secs(60), 4096)))
    }

    pub(super) fn begin(&self, interaction: &str) -> BeingSaid {
        let (said, heard) = watch::channel(());
        self.0.put(interaction.to_owned(), heard);
        BeingSaid { _said: said }
    }

    /// Waits until the first word should have been said.
    pub(super) async fn wait(&self, task: &Task) {
        match self.0.get(&task.interaction.id) {
            Some(heard) => {
                let mut heard = heard.as_ref().clone();
                let _said_or_slow = timeout(LONGEST, heard.changed()).await;
            }
            None => sleep(ELSEWHERE.saturating_sub(task.since())).await,
        }
    }
}
