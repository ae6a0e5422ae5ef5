use std::time::{Duration, Instant};

use super::Tell;
use crate::{MigrationProgress, MigrationsError};

/// How often a lock that somebody else holds is asked for again.
const POLL: Duration = Duration::from_millis(100);

/// How long another process that migrates is waited for.
pub(super) struct Patience {
    started: Instant,
    limit: Duration,
    told: bool,
}

// === impl Patience ===

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { started: Instant::now(), limit, told: false }
    }

    /// The pause before the next try. It is told once that there is one.
    pub(super) async fn wait(&mut self, tell: Tell<'_>) -> Result<(), MigrationsError> {
        if self.started.elapsed() >= self.limit {
            return Err(MigrationsError::Locked { within: self.limit });
        }
        if !std::mem::replace(&mut self.told, true) {
            tell(MigrationProgress::Waiting(self.limit));
        }
        tokio::time::sleep(POLL).await;
        Ok(())
    }
}
