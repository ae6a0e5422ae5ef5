use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use groundcrew_runtime::Stop;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::JobId;
use crate::worker::slot::Slot;

/// One attempt at a job: what is known of it, and what it can save and say. Clones share everything.
#[derive(Clone)]
pub struct Attempt {
    slot: Arc<Slot>,
    deadline: Instant,
    stop: Stop,
}

// === impl Attempt ===

impl Attempt {
    pub(crate) fn new(slot: Arc<Slot>, deadline: Instant, stop: Stop) -> Self {
        Self { slot, deadline, stop }
    }

    /// Which job.
    pub fn id(&self) -> JobId {
        self.slot.delivery.envelope.id
    }

    /// Its number, from 1. Snoozes and shutdowns do not count.
    pub fn number(&self) -> u32 {
        self.slot.delivery.envelope.attempts + 1
    }

    /// How many attempts may fail.
    pub fn max(&self) -> u32 {
        self.slot.delivery.envelope.max_attempts
    }

    /// Whether a failure of this one is the end of the job.
    pub fn is_last(&self) -> bool {
        self.number() >= self.max()
    }

    /// When the job was enqueued.
    pub fn enqueued_at(&self) -> Timestamp {
        self.slot.delivery.envelope.enqueued_at
    }

    /// When the attempt is over, by the job's policy. The request context says the same to clients and databases.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Fires when the service stops taking work. A job that can end within the drain need not look; a longer one
    /// saves its checkpoint and returns [`JobError::interrupted`](crate::JobError::interrupted). One that does
    /// neither is cut at the end of the drain, and runs again from its last checkpoint.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Says how far it is: percent and words. Shown after the next heartbeat.
    pub fn progress(&self, percent: u8, note: impl Into<String>) {
        self.slot.saved.lock().progress = Some((percent.min(100), note.into()));
    }

    /// What an earlier attempt saved, or this one.
    ///
    /// # Errors
    ///
    /// When it does not read as a `T`, perhaps because another version saved it.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        let saved = self.slot.saved.lock().checkpoint.clone();
        let saved = saved.as_ref().or(self.slot.delivery.envelope.checkpoint.as_ref());
        saved.map(|saved| serde_json::from_str(saved)).transpose()
    }

    /// Saves where it is. Durable with the next heartbeat (a third of `jobs.lease`) and with every end of the
    /// attempt, a cut at the shutdown included: it costs no round trip, so call it as often as you like.
    ///
    /// # Errors
    ///
    /// When it is no JSON, or longer than [`MAX_PAYLOAD`](crate::MAX_PAYLOAD).
    pub fn save_checkpoint<T: Serialize>(&self, checkpoint: &T) -> Result<(), serde_json::Error> {
        let text = serde_json::to_string(checkpoint)?;
        if text.len() > crate::MAX_PAYLOAD {
            let (is, most) = (text.len(), crate::MAX_PAYLOAD);
            let words = format!(
                "a checkpoint of {is} bytes, and {most} are allowed: keep it elsewhere and save where"
            );
            return Err(serde::ser::Error::custom(words));
        }
        let mut saved = self.slot.saved.lock();
        (saved.checkpoint, saved.unsent) = (Some(text), true);
        Ok(())
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number();
        f.debug_struct("Attempt").field("id", &self.id()).field("number", &number).finish_non_exhaustive()
    }
}
