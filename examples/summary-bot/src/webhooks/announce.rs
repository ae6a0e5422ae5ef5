//! The job that finds out who wants to be told of an event.

use std::time::Duration;

use groundcrew::jobs::{Attempt, Job, JobError, Policy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, Target};
use super::event::Event;
use crate::clerk::{Desk, not_stored};

/// Tell everybody who wants to know of an event. It is enqueued in the transaction that makes the event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Announce {
    pub(crate) event: Event,
    pub(crate) guild_id: Option<String>,
}

// === impl Announce ===

impl Job for Announce {
    const NAME: &'static str = "announce";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().timeout(Duration::from_secs(60))
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let webhooks = desk.store.webhooks().await.map_err(not_stored)?;
        let wanting = webhooks
            .into_iter()
            .filter(|webhook| webhook.wants(self.event.name(), self.guild_id.as_deref()))
            .map(|webhook| Delivery::new(Target::Webhook(webhook.id), self.event.clone()));
        let deliveries: Vec<Delivery> = wanting.collect();
        desk.store.send_all(&attempt, &deliveries).await.map_err(not_stored)?;
        // Who adds to the log also keeps it short.
        let kept = Timestamp::now().saturating_sub(desk.webhooks.keeps());
        if let Ok(before) = kept {
            desk.store.purge_deliveries(before).await.map_err(not_stored)?;
        }
        Ok(())
    }
}
