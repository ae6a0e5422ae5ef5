//! What is sent to one receiver, and how it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::event::Event;

/// One event for one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The same for every attempt: receivers notice repeats by it.
    pub(crate) id: String,
    pub(crate) target: Target,
    pub(crate) created_at: Timestamp,
    pub(crate) event: Event,
    pub(crate) state: State,
    /// The last attempts, the oldest first.
    pub(crate) tries: Vec<Try>,
}

/// Where it goes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// To a webhook.
    Webhook(Uuid),
    /// Once to this URL.
    Url(String),
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It will be tried, perhaps again.
    Pending,
    /// The receiver has it.
    Succeeded,
    /// It was tried often enough.
    Dead,
    /// There is nothing to send any more, or nobody to send it to.
    Cancelled,
}

/// One attempt. It says nothing of what the receiver answered but the status, and nothing of where its name leads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: u64,
    pub(crate) error: Option<String>,
}

/// How many attempts are remembered, those of replays included.
const MOST_TRIES: usize = 40;
/// So many bytes at the beginning of a UUID of version 7 are the time.
const TIME: usize = 6;

// === impl Delivery ===

impl Delivery {
    /// A new one.
    pub(crate) fn new(target: Target, event: Event) -> Self {
        let id = match (&target, &event) {
            (Target::Webhook(webhook), Event::Created { summary }) => told(*webhook, *summary).to_string(),
            (Target::Webhook(_), Event::Failed { .. }) => Uuid::now_v7().to_string(),
            (Target::Url(url), _) => once(&event, url),
        };
        Self { id, target, created_at: now(), event, state: State::Pending, tries: Vec::new() }
    }

    /// Adds an attempt; the oldest are forgotten.
    pub(super) fn tried(&mut self, attempt: Try) {
        self.tries.push(attempt);
        let surplus = self.tries.len().saturating_sub(MOST_TRIES);
        self.tries.drain(..surplus);
    }
}

/// The id of a summary for a webhook: the same whether a schedule or the announcement sends it there. It begins with
/// the time of the summary's own, a UUID of version 7, and sorts by it: the log of a webhook is in the order of ids.
fn told(webhook: Uuid, summary: Uuid) -> Uuid {
    let hash = Sha256::new().chain_update(webhook.as_bytes()).chain_update(summary.as_bytes()).finalize();
    let mut bytes = *summary.as_bytes();
    for (byte, other) in bytes.iter_mut().skip(TIME).zip(hash.iter()) {
        *byte = *other;
    }
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// An id that is the same if the same event is to be sent to the same URL again.
fn once(event: &Event, url: &str) -> String {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = crate::hash::BuildQuick::default().build_hasher();
    hasher.write(url.as_bytes());
    format!("{}-{}-{:016x}", event.name().replace('.', "-"), event.subject(), hasher.finish())
}

/// To the millisecond, which is what the store keeps.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

// === impl State ===

impl State {
    /// As the store keeps it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Succeeded, Self::Dead, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_goes_to_one_url_once() {
        let event = Event::Created { summary: Uuid::nil() };
        let id = |url: &str| Delivery::new(Target::Url(url.to_owned()), event.clone()).id;
        assert_eq!(id("https://a.example/"), id("https://a.example/"));
        assert_ne!(id("https://a.example/"), id("https://b.example/"));
        assert!(!id("https://a.example/").contains('.'), "it is signed, between full stops");
    }

    #[test]
    fn a_summary_goes_to_a_webhook_once_and_sorts_by_its_time() {
        let id = |webhook: u128, summary: u128| {
            let event = Event::Created { summary: Uuid::from_u128(summary) };
            Delivery::new(Target::Webhook(Uuid::from_u128(webhook)), event).id
        };
        let (early, late) =
            (0x01a1_fdf0_f09e_7490_9c02_4817_06f9_5825, 0x01a1_fdf0_f09f_7490_9c02_4817_06f9_5825);
        assert_eq!(id(1, early), id(1, early));
        assert_ne!(id(1, early), id(2, early));
        assert!(id(1, early) < id(2, late) && id(2, early) < id(1, late));
        let read = Uuid::try_parse(&id(1, early)).expect("a UUID, as the pages of the log want it");
        assert_eq!(read.get_version_num(), 8);
    }

    #[test]
    fn the_log_of_a_delivery_does_not_grow_for_ever() {
        let mut delivery =
            Delivery::new(Target::Webhook(Uuid::nil()), Event::Created { summary: Uuid::nil() });
        for status in 0..100 {
            delivery.tried(Try { at: now(), status: Some(status), duration_ms: 1, error: None });
        }
        let statuses: Vec<_> = delivery.tries.iter().filter_map(|attempt| attempt.status).collect();
        assert_eq!(statuses, (60..100).collect::<Vec<_>>());
    }
}
