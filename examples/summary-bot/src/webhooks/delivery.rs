//! What is sent to one receiver, and how it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// One attempt. It says nothing of what the receiver answered but the status.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) at: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: u64,
    pub(crate) error: Option<String>,
}

/// How many attempts are remembered, those of replays included.
const MOST_TRIES: usize = 40;

// === impl Delivery ===

impl Delivery {
    /// A new one.
    pub(crate) fn new(target: Target, event: Event) -> Self {
        let id = match &target {
            Target::Webhook(_) => Uuid::now_v7().to_string(),
            Target::Url(url) => once(&event, url),
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
