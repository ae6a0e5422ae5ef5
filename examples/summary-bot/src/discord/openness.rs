//! Whether what was said in one place may be shown in another.

use super::atlas::{Atlas, kind};
use super::permissions::{self, Place};
use super::rest::{Channel, RestError};

// === impl Atlas ===

impl Atlas {
    /// Of these channels and threads the first that somebody who reads what stands `there` might not be able to read.
    /// Where that is not certain it is one.
    pub(crate) async fn less_open(
        &self,
        guild: &str,
        there: &Channel,
        sources: impl Iterator<Item = &str> + Send,
    ) -> Result<Option<String>, RestError> {
        let map = self.map(guild).await?;
        for source in sources.filter(|source| *source != there.id) {
            let channel = self.channel(guild, source).await?;
            let open = channel.as_ref().is_some_and(|channel| {
                let same = channel.parent_id.as_ref() == Some(&there.id) && channel.is_thread();
                let public = channel.kind != kind::PRIVATE_THREAD && !map.is_orphan(channel);
                let place = |channel| Place {
                    overwrites: map.overwrites(channel),
                    needed: permissions::to_read(channel.kind),
                };
                public && (same || permissions::at_least_as_open(&map.guild, place(channel), place(there)))
            });
            if !open {
                return Ok(Some(source.to_owned()));
            }
        }
        Ok(None)
    }
}
