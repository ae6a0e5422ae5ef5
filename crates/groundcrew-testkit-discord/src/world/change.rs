//! Changes that sessions hear of.

use super::channel::Channel;
use super::permissions::Permissions;
use crate::Snowflake;
use crate::gateway::intent;
use crate::shared::State;
use crate::snowflake::now_ms;

// === impl State ===

impl State {
    pub(crate) fn add_thread(&mut self, thread: Channel) {
        let (guild, mut data) = (thread.guild, thread.json());
        data["newly_created"] = true.into();
        let id = thread.id;
        self.world.channels.insert(id, thread);
        if self.world.permissions(self.world.application.bot, id).contains(Permissions::VIEW_CHANNEL) {
            self.sessions.dispatch("THREAD_CREATE", intent::GUILDS, Some(guild), &data);
        }
    }

    /// With everything in it.
    pub(crate) fn remove_channel(&mut self, id: Snowflake) {
        let Some(channel) = self.world.channels.remove(&id) else { return };
        self.world.messages.remove(&id);
        let threads: Vec<Snowflake> = self
            .world
            .channels
            .values()
            .filter(|thread| thread.is_thread() && thread.parent == Some(id))
            .map(|thread| thread.id)
            .collect();
        for thread in threads {
            self.world.channels.remove(&thread);
            self.world.messages.remove(&thread);
        }
        let event = if channel.is_thread() { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
        self.sessions.dispatch(event, intent::GUILDS, Some(channel.guild), &channel.json());
    }

    /// Writing into a thread takes it out of the archive.
    pub(crate) fn unarchive(&mut self, id: Snowflake) {
        let Some(channel) = self.world.channels.get_mut(&id) else { return };
        let guild = channel.guild;
        let Some(thread) = channel.thread.as_mut().filter(|thread| thread.archived) else { return };
        thread.archived = false;
        thread.archived_ms = now_ms();
        let data = channel.json();
        self.sessions.dispatch("THREAD_UPDATE", intent::GUILDS, Some(guild), &data);
    }
}
