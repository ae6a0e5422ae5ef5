//! The job that sends one event to one receiver.

use std::time::Duration;

use groundcrew::jobs::{Attempt, Job, JobError, Policy};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, State, Target, now};
use super::event::{Event, body};
use super::sender::Sent;
use super::webhook::Webhook;
use crate::Origin;
use crate::api;
use crate::clerk::{Desk, not_stored};

/// Send a delivery. After a crash it may be sent again, under the same id.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    pub(crate) delivery: String,
}

/// How long to wait for Discord to say who may read something.
const UNKNOWN: Duration = Duration::from_secs(30);

/// For how long it is asked of a Discord that refuses to say.
const HOPE: SignedDuration = SignedDuration::from_hours(24);

/// Who gets it.
enum Receiver {
    Webhook(Box<Webhook>),
    Url(String),
}

// === impl Receiver ===

impl Receiver {
    /// The person who made the webhook; what the operator has made is told of all.
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Webhook(webhook) => webhook.owner.as_deref(),
            Self::Url(_) => None,
        }
    }
}

// === impl Deliver ===

impl Job for Deliver {
    const NAME: &'static str = "deliver";
    type Context = Desk;

    fn policy() -> Policy {
        // How often is the configuration's to say. Slow receivers must leave room for summaries.
        Policy::default().max_attempts(100).timeout(Duration::from_secs(120)).concurrency(2)
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let Some(mut delivery) = desk.store.delivery(&self.delivery).await.map_err(not_stored)? else {
            return Ok(()); // its webhook was deleted
        };
        if delivery.state != State::Pending {
            return Ok(()); // an earlier attempt has settled it
        }
        let prepared = match receiver(&desk, &delivery).await? {
            Some(receiver) => said(&desk, &delivery, &receiver).await?.map(|body| (receiver, body)),
            None => None,
        };
        let Some((receiver, body)) = prepared else {
            delivery.state = State::Cancelled;
            return desk.store.settle_delivery(&delivery).await.map_err(not_stored);
        };
        let sent = match &receiver {
            Receiver::Webhook(webhook) => desk.webhooks.send(&delivery.id, webhook, body).await,
            Receiver::Url(url) => desk.webhooks.send_to(&delivery.id, url, body).await,
        };
        conclude(&desk, &attempt, delivery, &receiver, sent).await
    }
}

/// Whom it is for, if they still want it.
async fn receiver(desk: &Desk, delivery: &Delivery) -> Result<Option<Receiver>, JobError> {
    match &delivery.target {
        Target::Url(url) => Ok(Some(Receiver::Url(url.clone()))),
        Target::Webhook(id) => {
            let webhook = desk.store.webhook(*id).await.map_err(not_stored)?;
            let wanting = webhook.filter(|webhook| webhook.disabled.is_none());
            Ok(wanting.map(|webhook| Receiver::Webhook(Box::new(webhook))))
        }
    }
}

/// What is to be sent; nothing of a summary that was deleted, or that whoever made the webhook may not read.
async fn said(desk: &Desk, delivery: &Delivery, receiver: &Receiver) -> Result<Option<String>, JobError> {
    let document = match &delivery.event {
        Event::Created { summary } => {
            let Some(document) = desk.store.get(*summary).await.map_err(not_stored)? else { return Ok(None) };
            Some(document)
        }
        Event::Failed { .. } => None,
    };
    if let Some(owner) = receiver.owner() {
        let origin = origin(desk, &delivery.event, document.as_deref()).await?;
        let waited = now().duration_since(delivery.created_at);
        if !is_open(desk, owner, &origin, waited).await? {
            return Ok(None);
        }
    }
    Ok(Some(body(&delivery.event, delivery.created_at, document.as_deref())))
}

/// Where it comes from that an event tells of; `document` is the summary.
async fn origin(desk: &Desk, event: &Event, document: Option<&str>) -> Result<Origin, JobError> {
    match event {
        Event::Created { .. } => api::origin(document.unwrap_or("null"))
            .map_err(|problem| JobError::fail(problem.to_json().to_string())),
        Event::Failed { job, origin, .. } => {
            let requested_by = desk.store.asker(*job).await.map_err(not_stored)?;
            Ok(Origin { requested_by, ..origin.clone() })
        }
    }
}

/// Whether the person whose webhook it is may read what comes from there at this moment.
async fn is_open(
    desk: &Desk,
    owner: &str,
    origin: &Origin,
    waited: SignedDuration,
) -> Result<bool, JobError> {
    match desk.readers.named(owner).may_read(origin).await {
        Ok(may) => Ok(may),
        // What nobody says that they may read they may not.
        Err(problem) if is_refused_for_good(problem.code(), waited) => Ok(false),
        Err(problem) => {
            // Nothing was sent: it costs the receiver none of its attempts.
            tracing::debug!(problem.code = problem.code(), "a delivery waits for who may read it");
            Err(JobError::snooze(UNKNOWN))
        }
    }
}

/// Whether it is no use to ask again: what Discord refuses for so long, as it does with a token that is none any more,
/// it goes on to refuse. One that does not answer is waited for.
fn is_refused_for_good(code: &str, waited: SignedDuration) -> bool {
    code == "DISCORD_REFUSED" && waited > HOPE
}

/// Notes how it went, and decides whether it is tried again.
async fn conclude(
    desk: &Desk,
    attempt: &Attempt,
    mut delivery: Delivery,
    receiver: &Receiver,
    sent: Sent,
) -> Result<(), JobError> {
    let (reached, gone, asked) = (sent.reached(), sent.gone(), sent.retry_after);
    let words = sent.words();
    delivery.tried(sent.attempt);
    let enough = attempt.number() >= desk.webhooks.attempts() || gone;
    delivery.state = match (reached, enough) {
        (true, _) => State::Succeeded,
        (false, true) => State::Dead,
        (false, false) => State::Pending,
    };
    desk.store.settle_delivery(&delivery).await.map_err(not_stored)?;
    if let Receiver::Webhook(webhook) = receiver {
        note(desk, webhook, reached, gone).await?;
    }
    match delivery.state {
        State::Pending => {
            let pause = desk.webhooks.pause(attempt.number(), asked);
            Err(JobError::retry_after(pause, words))
        }
        // Given up, and no fault of ours: it is in the log of deliveries, from where it can be replayed.
        State::Dead => Err(JobError::cancel(words)),
        _ => Ok(()),
    }
}

/// Notes whether a webhook could be reached; one that fails for long is disabled.
async fn note(desk: &Desk, webhook: &Webhook, reached: bool, gone: bool) -> Result<(), JobError> {
    let at = now();
    desk.store.note_webhook(webhook.id, reached, at).await.map_err(not_stored)?;
    let why = if gone {
        "the receiver answered 410: it is gone".to_owned()
    } else if !reached && is_hopeless(webhook.failing_since, at, desk.webhooks.disable_after()) {
        format!("nothing could be delivered for {:?}", desk.webhooks.disable_after())
    } else {
        return Ok(());
    };
    if desk.store.disable_webhook(webhook.id, &why).await.map_err(not_stored)? {
        tracing::warn!(webhook.id = %webhook.id, reason = why, "webhook disabled");
    }
    Ok(())
}

fn is_hopeless(failing_since: Option<Timestamp>, now: Timestamp, after: Duration) -> bool {
    failing_since.is_some_and(|since| {
        now.duration_since(since) >= SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_discord_refuses_for_a_day_is_asked_no_more_and_one_that_is_away_is_waited_for() {
        let (soon, late) = (SignedDuration::from_hours(23), SignedDuration::from_hours(25));
        assert!(
            !is_refused_for_good("DISCORD_REFUSED", soon) && is_refused_for_good("DISCORD_REFUSED", late)
        );
        assert!(!is_refused_for_good("DISCORD_UNAVAILABLE", late));
    }
}
