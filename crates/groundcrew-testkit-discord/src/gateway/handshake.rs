//! Identifying and resuming: who may have a session.

use super::session::Link;
use super::{Frame, Session, intent};
use crate::options::Options;
use crate::random;
use crate::shared::State;
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

#[derive(Debug, Deserialize)]
pub(crate) struct Identify {
    token: String,
    intents: u64,
    #[serde(default)]
    pub(crate) compress: bool,
    shard: Option<(u64, u64)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Resume {
    token: String,
    session_id: String,
    seq: u64,
}

/// No session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Close(u16, &'static str),
    /// Opcode 9; identify again.
    Invalid,
}

// === impl State ===

impl State {
    /// A new session; `READY` and the guilds are on their way when this returns.
    pub(crate) fn identify(
        &mut self,
        options: &Options,
        gateway: &str,
        identify: &Identify,
        link: Link,
    ) -> Result<(), Refused> {
        self.admit(&identify.token)?;
        let shard = identify.shard.unwrap_or((0, 1));
        if shard.1 == 0 || shard.0 >= shard.1 {
            return Err(Refused::Close(4010, "Invalid shard."));
        }
        if identify.intents & !intent::KNOWN != 0 {
            return Err(Refused::Close(4013, "Invalid intent(s)."));
        }
        if identify.intents & self.world.application.privileged.forbidden() != 0 {
            return Err(Refused::Close(4014, "Disallowed intent(s)."));
        }
        let now = Instant::now();
        let too_soon = self.sessions.last_identify.is_some_and(|last| now - last < options.identify_every);
        if too_soon {
            self.ledger.too_soon += 1;
            return Err(Refused::Invalid);
        }
        self.sessions.renew();
        if self.sessions.remaining == 0 {
            self.token_reset = true;
            return Err(Refused::Close(4004, "Authentication failed."));
        }
        self.sessions.remaining -= 1;
        self.sessions.last_identify = Some(now);
        self.sessions.began += 1;
        self.ledger.identifies += 1;
        let number = self.sessions.began;
        let session = Session::new(number, random::hex(16), identify.intents, shard, link);
        self.welcome(session, gateway);
        Ok(())
    }

    fn welcome(&mut self, mut session: Session, gateway: &str) {
        let world = &self.world;
        let bot = world.application.bot;
        let guilds: Vec<_> = world
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&bot) && session.serves(Some(guild.id)))
            .collect();
        let ready = json!({
            "v": 10, "user": world.users.get(&bot).map(|user| user.own_json(true)), "session_id": session.id,
            "guilds": guilds.iter().map(|guild| json!({"id": guild.id, "unavailable": true})).collect::<Vec<_>>(),
            "resume_gateway_url": format!("{gateway}/resume"), "shard": session.shard, "session_type": "normal",
            "application": {"id": world.application.id, "flags": world.application.flags()},
            "private_channels": [], "relationships": [], "presences": [], "user_settings": {},
            "geo_ordered_rtc_regions": [], "_trace": ["local-discord"],
        });
        let silent = self.sessions.silent;
        session.push("READY", ready, None, false, silent);
        if session.intents & intent::GUILDS != 0 {
            for guild in guilds {
                session.push("GUILD_CREATE", world.guild_create_json(guild), None, false, silent);
            }
        }
        self.sessions.list.push(session);
    }

    /// A session goes on; what it missed and `RESUMED` are on their way when this returns.
    pub(crate) fn resume(&mut self, options: &Options, resume: &Resume, link: Link) -> Result<(), Refused> {
        self.admit(&resume.token)?;
        self.sessions
            .list
            .retain(|session| session.lost_at.is_none_or(|lost| lost.elapsed() < options.resumable_for));
        let silent = self.sessions.silent;
        let session = self.sessions.list.iter_mut().find(|session| session.id == resume.session_id);
        let session = session.ok_or(Refused::Invalid)?;
        if resume.seq > session.seq {
            return Err(Refused::Close(4007, "Invalid seq."));
        }
        session.resume(resume.seq, link);
        session.push("RESUMED", json!({"_trace": ["local-discord"]}), None, false, silent);
        self.ledger.resumes += 1;
        Ok(())
    }

    fn admit(&mut self, token: &str) -> Result<(), Refused> {
        if let Some((code, times)) = self.sessions.refuse {
            self.sessions.refuse = (times > 1).then(|| (code, times - 1));
            return Err(Refused::Close(code, "as the test asked for"));
        }
        let token = token.strip_prefix("Bot ").unwrap_or(token);
        if self.token_reset || token != self.world.application.token {
            return Err(Refused::Close(4004, "Authentication failed."));
        }
        Ok(())
    }
}

impl Refused {
    pub(crate) fn frame(&self) -> Frame {
        match self {
            Self::Close(code, reason) => Frame::Close(*code, reason),
            Self::Invalid => Frame::Control(json!({"op": 9, "d": false, "s": null, "t": null})),
        }
    }
}
