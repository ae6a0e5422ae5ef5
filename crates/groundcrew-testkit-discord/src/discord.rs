use crate::error::{Error, Unmet};
use crate::fault::Fault;
use crate::gateway::{Frame, SessionInfo};
use crate::interaction::{Fire, Interaction};
use crate::ledger::{Report, Request};
use crate::limit::Limits;
use crate::oauth::Consent;
use crate::options::Options;
use crate::server::{Server, start};
use crate::shared::Shared;
use crate::world::application::Privileged;
use crate::world::build::{
    ChannelBuilder, GuildBuilder, MemberBuilder, MessageBuilder, RoleBuilder, ThreadBuilder,
};
use crate::{Snowflake, interaction};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A running local Discord. Cloning gives another handle; with the last one it ends, and its connections with it.
#[derive(Debug, Clone)]
pub struct Discord {
    shared: Arc<Shared>,
    _server: Arc<Server>,
}

// === impl Discord: what it is ===

impl Discord {
    /// On a free port of this machine, with Discord's own limits and periods.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`], [`Error::Key`].
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(Options::default()).await
    }

    /// As the options say.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`], [`Error::Key`].
    pub async fn start_with(options: Options) -> Result<Self, Error> {
        let (shared, server) = start(options).await?;
        Ok(Self { shared, _server: Arc::new(server) })
    }

    /// `http://127.0.0.1:…`, in the place of `https://discord.com`: for serenity's `HttpBuilder::proxy`. The gateway's
    /// address is what `GET /gateway/bot` says.
    pub fn api(&self) -> String {
        self.shared.url("")
    }

    /// Where other processes tell it what to do: see the README.
    pub fn control(&self) -> String {
        self.shared.url("/control")
    }

    /// Its addresses, the token, the ids and keys, as one JSON object.
    pub fn description(&self) -> Value {
        json!({
            "api": self.api(), "gateway": self.gateway(), "control": self.control(), "token": self.token(),
            "application_id": self.application_id(), "client_secret": self.client_secret(),
            "public_key": self.public_key(), "bot": self.bot(), "owner": self.owner(),
        })
    }

    /// The gateway's address.
    pub fn gateway(&self) -> String {
        format!("ws://{}", self.shared.address)
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.shared.look().world.application.token.clone()
    }

    /// The application's id, which OAuth calls the client's.
    pub fn application_id(&self) -> Snowflake {
        self.shared.look().world.application.id
    }

    /// The secret that belongs to it.
    pub fn client_secret(&self) -> String {
        self.shared.look().world.application.client_secret.clone()
    }

    /// The key to verify signatures with, Ed25519 in hexadecimal.
    pub fn public_key(&self) -> String {
        self.shared.signer.public_key()
    }

    /// The bot's own user.
    pub fn bot(&self) -> Snowflake {
        self.shared.look().world.application.bot
    }

    /// The owner of the application and of all guilds.
    pub fn owner(&self) -> Snowflake {
        self.shared.look().world.application.owner
    }
}

// === impl Discord: the world ===

impl Discord {
    /// A new guild, with the bot in it.
    pub fn guild(&self, name: &str) -> GuildBuilder {
        GuildBuilder::new(Arc::clone(&self.shared), name)
    }

    /// A new role.
    pub fn role(&self, guild: Snowflake, name: &str) -> RoleBuilder {
        RoleBuilder::new(Arc::clone(&self.shared), guild, name)
    }

    /// A new user in a guild.
    pub fn member(&self, guild: Snowflake, name: &str) -> MemberBuilder {
        MemberBuilder::new(Arc::clone(&self.shared), guild, name)
    }

    /// A user who exists joins another guild, or gets other roles.
    pub fn join(&self, guild: Snowflake, user: Snowflake) -> MemberBuilder {
        MemberBuilder::of(Arc::clone(&self.shared), guild, user)
    }

    /// A new channel.
    pub fn channel(&self, guild: Snowflake, name: &str) -> ChannelBuilder {
        ChannelBuilder::new(Arc::clone(&self.shared), guild, name)
    }

    /// A new thread of a channel, or post of a forum.
    pub fn thread(&self, channel: Snowflake, name: &str) -> ThreadBuilder {
        ThreadBuilder::new(Arc::clone(&self.shared), channel, name)
    }

    /// A new message.
    pub fn message(&self, channel: Snowflake, author: Snowflake, content: &str) -> MessageBuilder {
        MessageBuilder::new(Arc::clone(&self.shared), channel, author, content)
    }

    /// Deletes a channel and all in it, as a moderator would.
    pub fn delete_channel(&self, channel: Snowflake) {
        self.shared.change(|state| state.remove_channel(channel));
    }

    /// A channel's messages as the bot sees them, oldest first; those that only one user sees are not among them.
    pub fn messages(&self, channel: Snowflake) -> Vec<Value> {
        let state = self.shared.look();
        let messages =
            state.world.messages.get(&channel).into_iter().flat_map(std::collections::BTreeMap::values);
        let shown = messages.filter(|message| message.flags & crate::world::message::EPHEMERAL == 0);
        shown.map(|message| state.world.message_json(message)).collect()
    }

    /// What the bot itself wrote into a channel, oldest first.
    pub fn sent(&self, channel: Snowflake) -> Vec<Value> {
        let bot = json!(self.bot());
        let mut messages = self.messages(channel);
        messages.retain(|message| message["author"]["id"] == bot);
        messages
    }

    /// The bytes of a message's attachment, by its name.
    pub fn attachment(&self, message: Snowflake, filename: &str) -> Option<Vec<u8>> {
        let state = self.shared.look();
        let message = state.world.find_message(message)?;
        let found = message.attachments.iter().find(|attachment| attachment.filename == filename)?;
        Some(found.bytes.to_vec())
    }

    /// The commands that are registered: global ones, or a guild's own.
    pub fn commands(&self, guild: Option<Snowflake>) -> Vec<Value> {
        let state = self.shared.look();
        let application = state.world.application.id;
        let commands = state.world.commands.iter().filter(|command| command.guild == guild);
        commands.map(|command| command.json(application)).collect()
    }
}

// === impl Discord: what users do ===

impl Discord {
    /// A slash command.
    pub fn command(&self, name: &str) -> Fire {
        self.fire(interaction::What::Command(name.to_owned()))
    }

    /// An entry in a message's menu.
    pub fn message_command(&self, name: &str, message: Snowflake) -> Fire {
        self.fire(interaction::What::OnMessage(name.to_owned(), message))
    }

    /// An entry in a user's menu.
    pub fn user_command(&self, name: &str, user: Snowflake) -> Fire {
        self.fire(interaction::What::OnUser(name.to_owned(), user))
    }

    /// A button under a message, by its custom id.
    pub fn button(&self, message: Snowflake, custom_id: &str) -> Fire {
        self.fire(interaction::What::Component(message, custom_id.to_owned(), Vec::new()))
    }

    /// Choosing in a menu under a message.
    pub fn select(&self, message: Snowflake, custom_id: &str, values: &[&str]) -> Fire {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.fire(interaction::What::Component(message, custom_id.to_owned(), values))
    }

    /// Sending off the modal that an interaction opened; texts not given stay as they were.
    pub fn submit(&self, opened_by: &Interaction, texts: &[(&str, &str)]) -> Fire {
        let texts = texts.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        self.fire(interaction::What::Modal(opened_by.id(), texts))
    }

    fn fire(&self, what: interaction::What) -> Fire {
        Fire::new(Arc::clone(&self.shared), what)
    }

    /// Every interaction so far, oldest first.
    pub fn interactions(&self) -> Vec<Interaction> {
        let state = self.shared.look();
        state.interactions.all.keys().map(|id| Interaction::new(Arc::clone(&self.shared), *id)).collect()
    }

    /// Sends interactions to an HTTP endpoint from now on, after the examination that Discord makes of it; None: to
    /// the gateway's sessions again.
    ///
    /// # Errors
    ///
    /// [`Error::Endpoint`] if it does not answer a PING with a PONG, or a wrong signature with 401.
    pub async fn set_interactions_endpoint(&self, url: Option<&str>) -> Result<(), Error> {
        if let Some(url) = url {
            interaction::examine(&self.shared, url).await?;
        }
        let url = url.map(str::to_owned);
        self.shared.change(|state| state.world.application.interactions_endpoint = url);
        Ok(())
    }

    /// From now on whoever comes to the consent page is this user and agrees.
    pub fn sign_in_as(&self, user: Snowflake) {
        self.shared.change(|state| state.oauth.answer = Some(Consent::Agrees(user)));
    }

    /// From now on whoever comes to the consent page refuses.
    pub fn refuse_sign_in(&self) {
        self.shared.change(|state| state.oauth.answer = Some(Consent::Refuses));
    }

    /// Ends the access of all who signed in.
    pub fn revoke_sign_ins(&self) {
        self.shared.change(|state| state.oauth.revoke_all());
    }
}

// === impl Discord: what goes wrong ===

impl Discord {
    /// Puts a fault into force.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.change(|state| state.faults.add(fault));
    }

    /// Takes all faults of REST back.
    pub fn clear_faults(&self) {
        self.shared.change(|state| state.faults.clear());
    }

    /// Other rate limits from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.change(|state| state.buckets.set(limits));
    }

    /// Turns the switches of the developer portal.
    pub fn set_privileged(&self, privileged: Privileged) {
        self.shared.change(|state| state.world.application.privileged = privileged);
    }

    /// Closes every session's connection with a code. The sessions can be resumed, as far as the code lets the bot.
    pub fn close_sessions(&self, code: u16) {
        self.broadcast(&Frame::Close(code, "as the test asked for"));
    }

    /// Asks every session to reconnect (opcode 7).
    pub fn ask_to_reconnect(&self) {
        self.broadcast(&Frame::reconnect());
    }

    /// Declares every session invalid (opcode 9). Unless it is resumable, it is forgotten.
    pub fn invalidate_sessions(&self, resumable: bool) {
        self.shared.change(|state| state.sessions.invalidate(resumable));
    }

    /// Cuts every session's connection without a word.
    pub fn cut_sessions(&self) {
        self.broadcast(&Frame::Cut);
    }

    /// Forgets all sessions, so that none can be resumed; connections that exist hear nothing any more.
    pub fn forget_sessions(&self) {
        self.shared.change(|state| state.sessions.list.clear());
    }

    /// The gateway falls silent, or speaks again: connections stay open, but neither events nor heartbeats' answers
    /// come. What was missed can be had by resuming.
    pub fn silence(&self, silent: bool) {
        self.shared.change(|state| state.sessions.silent = silent);
    }

    /// The next so many events of a name, such as `INTERACTION_CREATE`, are lost for good.
    pub fn lose(&self, event: &str, times: u32) {
        self.shared.change(|state| state.sessions.lose.push((event.to_owned(), times)));
    }

    /// The next so many attempts to identify or to resume end with a close code.
    pub fn refuse_sessions(&self, code: u16, times: u32) {
        self.shared.change(|state| state.sessions.refuse = (times > 0).then_some((code, times)));
    }

    /// So many sessions may still begin today.
    pub fn set_identify_budget(&self, remaining: u64) {
        self.shared.change(|state| state.sessions.remaining = remaining);
    }

    fn broadcast(&self, frame: &Frame) {
        self.shared.change(|state| state.sessions.broadcast(frame));
    }
}

// === impl Discord: what happened ===

impl Discord {
    /// The sessions of the bot's token, also those that wait for a resumption.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.shared.look().sessions.list.iter().map(crate::gateway::Session::info).collect()
    }

    /// Waits until so many sessions are connected.
    ///
    /// # Errors
    ///
    /// [`Unmet`] after `limit`.
    pub async fn connected(&self, sessions: usize, limit: Duration) -> Result<(), Unmet> {
        let holds = |state: &crate::shared::State| match state.sessions.connected() {
            now if now == sessions => Ok(()),
            now => Err(format!("{now} connected")),
        };
        self.shared.until(&format!("{sessions} sessions are connected"), limit, holds).await
    }

    /// Waits until something holds of the report; it is looked at whenever anything changes.
    ///
    /// # Errors
    ///
    /// [`Unmet`] after `limit`, with the report.
    pub async fn until(
        &self,
        condition: &str,
        limit: Duration,
        mut holds: impl FnMut(&Self) -> bool,
    ) -> Result<(), Unmet> {
        let mut changes = self.shared.changes();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            changes.mark_unchanged();
            if holds(self) {
                return Ok(());
            }
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                let seen = format!("{:?}", self.report());
                return Err(Unmet { condition: condition.to_owned(), waited: limit, seen });
            }
        }
    }

    /// The REST requests so far, oldest first; the latest 20 000.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.look().ledger.requests().cloned().collect()
    }

    /// What happened so far, in numbers.
    pub fn report(&self) -> Report {
        self.shared.report()
    }
}
