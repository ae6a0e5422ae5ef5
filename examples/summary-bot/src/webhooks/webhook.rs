//! Who is told.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use groundcrew::auth::standard_webhooks::{Signer, WebhookSecret, WebhookSecretError};
use groundcrew::config::Secret;

/// A receiver that wants to be told, and how it is with it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Webhook {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) url: String,
    pub(crate) description: String,
    /// Only of this server of Discord's; `None`: of everything.
    pub(crate) guild_id: Option<String>,
    /// The names of the events that it wants.
    pub(crate) events: Vec<String>,
    /// Why it is not told any more.
    pub(crate) disabled: Option<String>,
    /// Since when nothing has reached it.
    pub(crate) failing_since: Option<Timestamp>,
    /// Until when the secret before the last rotation is signed with, too.
    pub(crate) previous_secret_until: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) owner: Option<String>,
    #[serde(skip)]
    pub(crate) secret: Secret<String>,
    #[serde(skip)]
    pub(crate) previous_secret: Option<Secret<String>>,
}

// === impl Webhook ===

impl Webhook {
    /// Whether it wants this event, of something from that server.
    pub(crate) fn wants(&self, event: &str, guild: Option<&str>) -> bool {
        self.disabled.is_none()
            && self.events.iter().any(|wanted| wanted == event)
            && self.guild_id.as_deref().is_none_or(|wanted| Some(wanted) == guild)
    }

    /// Signs what it is sent, with two secrets while one replaces the other.
    pub(super) fn signer(&self, now: Timestamp) -> Result<Signer, WebhookSecretError> {
        let signer = Signer::new(&WebhookSecret::parse(self.secret.expose())?);
        let previous = self.previous_secret.as_ref().filter(|_| self.previous_secret_until > Some(now));
        match previous {
            Some(previous) => Ok(signer.also(&WebhookSecret::parse(previous.expose())?)),
            None => Ok(signer),
        }
    }
}
