//! One interaction that is being worked on.

use std::time::Duration;

use jiff::Timestamp;

use super::interaction::Interaction;
use super::snowflake;

/// An interaction, for the command that works on it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) interaction: Interaction,
    /// When it arrived here.
    pub(crate) received: Timestamp,
}

// === impl Task ===

impl Task {
    /// How long it took from Discord to us.
    pub(crate) fn age(&self) -> Duration {
        let made = snowflake::made_at(&self.interaction.id).unwrap_or(self.received);
        Duration::try_from(self.received.duration_since(made)).unwrap_or_default()
    }

    /// Shows how far the work is, in place of “thinking …”; not more often than every two seconds, and if it does not
    /// get through, never mind.
    #[allow(clippy::unused_async)]
    pub(crate) async fn progress(&self, _words: &str) {}
}
