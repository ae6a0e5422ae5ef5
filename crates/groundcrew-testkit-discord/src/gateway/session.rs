use super::Frame;
use crate::Snowflake;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// So many events wait for a resumption; older ones are lost.
const KEPT: usize = 10_000;

/// A session as a test sees it.
#[derive(Debug, Clone, Serialize)]
pub struct SessionInfo {
    /// Counted from 1, in the order of their beginnings.
    pub number: u64,
    /// Its id, as `READY` said it.
    pub id: String,
    /// Whether it has a connection at this moment.
    pub connected: bool,
    /// What it asked for.
    pub intents: u64,
    /// Which shard, of how many.
    pub shard: (u64, u64),
    /// The number of its last event.
    pub sequence: u64,
    /// How often it was resumed.
    pub resumed: u64,
}

/// A session: what a bot identified for, with the events that it may ask for again.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) intents: u64,
    pub(crate) shard: (u64, u64),
    pub(crate) seq: u64,
    pub(crate) resumed: u64,
    pub(crate) lost_at: Option<Instant>,
    kept: VecDeque<Frame>,
    link: Option<Link>,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) connection: u64,
    pub(crate) to: UnboundedSender<Frame>,
}

// === impl Session ===

impl Session {
    pub(crate) fn new(number: u64, id: String, intents: u64, shard: (u64, u64), link: Link) -> Self {
        Self {
            number,
            id,
            intents,
            shard,
            seq: 0,
            resumed: 0,
            lost_at: None,
            kept: VecDeque::new(),
            link: Some(link),
        }
    }

    pub(crate) fn info(&self) -> SessionInfo {
        SessionInfo {
            number: self.number,
            id: self.id.clone(),
            connected: self.is_connected(),
            intents: self.intents,
            shard: self.shard,
            sequence: self.seq,
            resumed: self.resumed,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    pub(crate) fn is_at(&self, connection: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.connection == connection)
    }

    /// Whether events of the guild are this shard's; without a guild they are the first shard's.
    pub(crate) fn serves(&self, guild: Option<Snowflake>) -> bool {
        let (shard, of) = self.shard;
        guild.map_or(0, |guild| (guild.get() >> 22) % of.max(1)) == shard
    }

    /// Numbers an event, keeps it, and sends it if it can.
    pub(crate) fn push(
        &mut self,
        name: &str,
        data: Value,
        interaction: Option<Snowflake>,
        lost: bool,
        silent: bool,
    ) {
        self.seq += 1;
        if lost {
            return;
        }
        let frame = Frame::Event { seq: self.seq, name: name.to_owned(), data, interaction };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(frame.clone());
        if !silent {
            self.send(frame);
        }
    }

    pub(crate) fn send(&mut self, frame: Frame) {
        if let Some(link) = &self.link {
            // A connection that is ending takes nothing any more; the event stays kept.
            let _ = link.to.send(frame);
        }
    }

    /// The bot has seen everything up to here.
    pub(crate) fn seen(&mut self, seq: u64) {
        while matches!(self.kept.front(), Some(Frame::Event { seq: kept, .. }) if *kept <= seq) {
            self.kept.pop_front();
        }
    }

    /// Goes on over another connection, with what was missed.
    pub(crate) fn resume(&mut self, after: u64, link: Link) {
        self.send(Frame::Close(4000, "resumed elsewhere"));
        self.link = Some(link);
        self.lost_at = None;
        self.resumed += 1;
        self.seen(after);
        for frame in self.kept.clone() {
            self.send(frame);
        }
    }

    pub(crate) fn disconnect(&mut self) {
        self.link = None;
        self.lost_at = Some(Instant::now());
    }
}
