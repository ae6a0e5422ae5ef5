//! The gateway: sessions over websockets.

mod compress;
mod handshake;
mod session;
mod socket;

pub(crate) use session::Session;
pub use session::SessionInfo;
pub(crate) use socket::upgrade;

use crate::Snowflake;
use crate::world::message::blank;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A day, as far as sessions are budgeted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What goes to a connection.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Event { seq: u64, name: String, data: Value, interaction: Option<Snowflake> },
    Control(Value),
    Close(u16, &'static str),
    Cut,
}

/// The sessions of the bot's token, and how they go wrong.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) list: Vec<Session>,
    began: u64,
    pub(crate) total: u64,
    pub(crate) remaining: u64,
    window: Instant,
    last_identify: Option<Instant>,
    /// Nothing is sent any more, though connections stay open: what a black hole looks like.
    pub(crate) silent: bool,
    /// Events of these names are lost, so often.
    pub(crate) lose: Vec<(String, u32)>,
    /// The next so many handshakes end with this close code.
    pub(crate) refuse: Option<(u16, u32)>,
}

/// The bits of the intents that matter here.
pub(crate) mod intent {
    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
    pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;
    /// All that Discord knows.
    pub(crate) const KNOWN: u64 = ((1 << 17) - 1) | (1 << 20) | (1 << 21) | (1 << 24) | (1 << 25);
}

// === impl Frame ===

impl Frame {
    pub(crate) fn reconnect() -> Self {
        Self::Control(json!({"op": 7, "d": null, "s": null, "t": null}))
    }
}

// === impl Sessions ===

impl Sessions {
    pub(crate) fn new(total: u64) -> Self {
        Self {
            list: Vec::new(),
            began: 0,
            total,
            remaining: total,
            window: Instant::now(),
            last_identify: None,
            silent: false,
            lose: Vec::new(),
            refuse: None,
        }
    }

    /// What `GET /gateway/bot` says about the budget.
    pub(crate) fn start_limit(&mut self) -> Value {
        self.renew();
        let reset = DAY.saturating_sub(self.window.elapsed());
        json!({
            "total": self.total, "remaining": self.remaining,
            "reset_after": u64::try_from(reset.as_millis()).unwrap_or(u64::MAX), "max_concurrency": 1,
        })
    }

    fn renew(&mut self) {
        if self.window.elapsed() >= DAY {
            self.window = Instant::now();
            self.remaining = self.total;
        }
    }

    pub(crate) fn connected(&self) -> usize {
        self.list.iter().filter(|session| session.is_connected()).count()
    }

    /// To each session that asked for it and whose shard it is.
    pub(crate) fn dispatch(&mut self, name: &str, intents: u64, guild: Option<Snowflake>, data: &Value) {
        self.dispatch_with(name, intents, guild, None, |_| data.clone());
    }

    /// A message: without its content for sessions that did not ask for that.
    pub(crate) fn dispatch_message(
        &mut self,
        name: &str,
        guild: Option<Snowflake>,
        data: &Value,
        always: bool,
    ) {
        self.dispatch_with(name, intent::GUILD_MESSAGES, guild, None, |intents| {
            let mut data = data.clone();
            if intents & intent::MESSAGE_CONTENT == 0 && !always {
                blank(&mut data);
            }
            data
        });
    }

    /// An interaction; nobody has to ask for those.
    pub(crate) fn dispatch_interaction(&mut self, guild: Option<Snowflake>, id: Snowflake, data: &Value) {
        self.dispatch_with("INTERACTION_CREATE", 0, guild, Some(id), |_| data.clone());
    }

    fn dispatch_with(
        &mut self,
        name: &str,
        intents: u64,
        guild: Option<Snowflake>,
        interaction: Option<Snowflake>,
        data: impl Fn(u64) -> Value,
    ) {
        let lost = self.loses(name);
        for session in &mut self.list {
            let wanted = intents == 0 || session.intents & intents != 0;
            if wanted && session.serves(guild) {
                let data = data(session.intents);
                session.push(name, data, interaction, lost, self.silent);
            }
        }
    }

    fn loses(&mut self, name: &str) -> bool {
        let Some(at) = self.lose.iter().position(|(lost, _)| lost == name) else { return false };
        self.lose[at].1 = self.lose[at].1.saturating_sub(1);
        if self.lose[at].1 == 0 {
            self.lose.remove(at);
        }
        true
    }

    /// To all connections.
    pub(crate) fn broadcast(&mut self, frame: &Frame) {
        for session in &mut self.list {
            session.send(frame.clone());
        }
    }

    /// Declares all sessions invalid; unless they are resumable they are forgotten.
    pub(crate) fn invalidate(&mut self, resumable: bool) {
        self.broadcast(&Frame::Control(json!({"op": 9, "d": resumable, "s": null, "t": null})));
        if !resumable {
            self.list.clear();
        }
    }

    /// The connection is gone: its session waits for a resumption, unless the bot said goodbye.
    pub(crate) fn disconnect(&mut self, connection: u64, goodbye: bool) {
        if goodbye {
            self.list.retain(|session| !session.is_at(connection));
        }
        for session in self.list.iter_mut().filter(|session| session.is_at(connection)) {
            session.disconnect();
        }
    }
}
