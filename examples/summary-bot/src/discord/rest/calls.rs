//! What the bot asks about servers and channels, and posts there.

use std::time::Duration;

use groundcrew::http::axum::http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Application, Body, Call, Channel, Gateway, Guild, Member, Message, Rest, RestError, Threads, User,
};
use crate::discord::definition::Definition;
use crate::discord::outgoing;
use crate::discord::reply::Reply;

/// Whoever waits for this has three seconds.
const SOON: Duration = Duration::from_secs(5);

/// Which messages of a channel a page holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page<'a> {
    /// The newest.
    Newest,
    /// The newest of those before this one.
    Before(&'a str),
}

/// The id of what was made.
#[derive(Deserialize)]
struct Made {
    id: String,
}

// === impl Rest ===

impl Rest {
    /// The bot's own application.
    pub(crate) async fn application(&self) -> Result<Application, RestError> {
        self.ask(get("GET /applications/@me", "", "/applications/@me".to_owned())).await
    }

    /// The bot's own account.
    pub(crate) async fn me(&self) -> Result<User, RestError> {
        self.ask(get("GET /users/@me", "", "/users/@me".to_owned())).await
    }

    /// Where the gateway is, and how many sessions may be begun.
    pub(crate) async fn gateway(&self) -> Result<Gateway, RestError> {
        self.ask(get("GET /gateway/bot", "", "/gateway/bot".to_owned()).within(SOON)).await
    }

    pub(crate) async fn guild(&self, guild: &str) -> Result<Guild, RestError> {
        self.ask(get("GET /guilds/:id", guild, format!("/guilds/{}", id(guild)))).await
    }

    pub(crate) async fn member(&self, guild: &str, user: &str) -> Result<Member, RestError> {
        let path = format!("/guilds/{}/members/{}", id(guild), id(user));
        self.ask(get("GET /guilds/:id/members/:user", guild, path)).await
    }

    /// All channels of a server, without threads.
    pub(crate) async fn channels(&self, guild: &str) -> Result<Vec<Channel>, RestError> {
        self.ask(get("GET /guilds/:id/channels", guild, format!("/guilds/{}/channels", id(guild)))).await
    }

    pub(crate) async fn channel(&self, channel: &str) -> Result<Channel, RestError> {
        self.ask(get("GET /channels/:id", channel, format!("/channels/{}", id(channel)))).await
    }

    /// Threads of a server that are not archived.
    pub(crate) async fn active_threads(&self, guild: &str) -> Result<Threads, RestError> {
        let path = format!("/guilds/{}/threads/active", id(guild));
        self.ask(get("GET /guilds/:id/threads/active", guild, path)).await
    }

    /// Public threads of a channel that were archived, before a moment if one is given, the latest first.
    pub(crate) async fn archived_threads(
        &self,
        channel: &str,
        before: Option<Timestamp>,
        limit: u8,
    ) -> Result<Threads, RestError> {
        let mut path =
            format!("/channels/{}/threads/archived/public?limit={}", id(channel), limit.clamp(2, 100));
        if let Some(before) = before {
            path.push_str(&format!("&before={before}"));
        }
        self.ask(get("GET /channels/:id/threads/archived/public", channel, path)).await
    }

    /// A page of messages, the newest first.
    pub(crate) async fn messages(
        &self,
        channel: &str,
        page: Page<'_>,
        limit: usize,
    ) -> Result<Vec<Message>, RestError> {
        let mut path = format!("/channels/{}/messages?limit={}", id(channel), limit.clamp(1, 100));
        match page {
            Page::Newest => {}
            Page::Before(message) => path.push_str(&format!("&before={}", id(message))),
        }
        self.ask(get("GET /channels/:id/messages", channel, path)).await
    }

    /// Whether somebody is in a private thread; 404 if not.
    pub(crate) async fn thread_member(&self, thread: &str, user: &str) -> Result<(), RestError> {
        let path = format!("/channels/{}/thread-members/{}", id(thread), id(user));
        self.send(get("GET /channels/:id/thread-members/:user", thread, path)).await.map(drop)
    }

    /// Posts into a channel; its id is the answer. `nonce` (at most 25 characters) names the message: within some
    /// minutes the same one is not posted twice.
    pub(crate) async fn post(&self, channel: &str, reply: &Reply, nonce: &str) -> Result<String, RestError> {
        let path = format!("/channels/{}/messages", id(channel));
        let mut message = outgoing::message(reply);
        message["nonce"] = Value::from(nonce);
        message["enforce_nonce"] = Value::from(true);
        let call = Call::new(Method::POST, "POST /channels/:id/messages", channel, path)
            .body(Body::Files(message, reply.files.clone()))
            .repeatable();
        Ok(self.ask::<Made>(call).await?.id)
    }

    /// Replaces all commands of the application, everywhere or in one server.
    pub(crate) async fn register(
        &self,
        application: &str,
        guild: Option<&str>,
        commands: &[Definition],
    ) -> Result<(), RestError> {
        let (template, path) = match guild {
            None => ("PUT /applications/:id/commands", format!("/applications/{}/commands", id(application))),
            Some(guild) => (
                "PUT /applications/:id/guilds/:guild/commands",
                format!("/applications/{}/guilds/{}/commands", id(application), id(guild)),
            ),
        };
        let call = Call::new(Method::PUT, template, application, path).body(Body::json(&commands));
        self.send(call).await.map(drop)
    }
}

fn get(template: &'static str, major: &str, path: String) -> Call {
    Call::new(Method::GET, template, major, path)
}

/// Ids are numbers: nothing else gets into a path.
pub(super) fn id(id: &str) -> u64 {
    id.parse().unwrap_or(0)
}
