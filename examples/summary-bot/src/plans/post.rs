//! The job that sends one thing to one destination.

use std::pin::Pin;
use std::time::Duration;

use groundcrew::http::Problem;
use groundcrew::jobs::{Attempt, Job, JobError, PlanId, Policy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parcel::Parcel;
use super::{Destination, Undelivered};
use crate::clerk::Desk;
use crate::discord::reply::Reply;
use crate::order::Origin;
use crate::webhooks::{Delivery, Event, Target};

/// Posts into channels.
pub(crate) trait Poster: Send + Sync {
    /// One message. `nonce`, of at most 25 characters, names it: within some minutes the same one is not posted twice.
    fn post<'a>(&'a self, channel: &'a str, reply: &'a Reply, nonce: &'a str) -> Posting<'a>;

    /// Of the channels and threads of an origin the first that somebody who reads what stands `there` might not be able
    /// to read. Fails where `there` is no channel of the same server.
    fn less_open<'a>(&'a self, there: &'a str, origin: &'a Origin) -> Looked<'a>;
}

/// What [`Poster::post`] returns.
pub(crate) type Posting<'a> = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>>;

/// What [`Poster::less_open`] returns.
pub(crate) type Looked<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Undelivered>> + Send + 'a>>;

/// Send this there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) plan: PlanId,
    pub(crate) destination: Destination,
    pub(crate) content: Content,
}

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// A summary that is stored.
    Summary(Uuid),
    /// Something about the schedule itself.
    Notice(String),
}

/// What is refused for the URL itself is refused again.
fn taken(sent: Result<(), Problem>) -> Result<(), Undelivered> {
    sent.map_err(|problem| {
        let words = problem.to_json()["detail"].as_str().unwrap_or("the webhook was refused").to_owned();
        if problem.status().is_server_error() {
            Undelivered::for_now(words)
        } else {
            Undelivered::for_good(words)
        }
    })
}

// === impl Post ===

impl Job for Post {
    const NAME: &'static str = "post_summary";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().max_attempts(10).timeout(Duration::from_secs(120)).concurrency(2)
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let Some(parcel) = Parcel::of(&self, &desk).await? else {
            return Ok(()); // nobody wants it any more
        };
        let Err(undelivered) = self.send(&desk, &attempt, &parcel).await else { return Ok(()) };
        if !undelivered.for_good && !attempt.is_last() {
            return Err(match undelivered.after {
                Some(after) => JobError::retry_after(after, undelivered),
                None => JobError::retry(undelivered),
            });
        }
        let problem = format!("to {}: {}", self.destination.words(), undelivered.words);
        tracing::warn!(schedule.id = %self.plan, error = problem, "a summary could not be delivered");
        if let Content::Summary(_) = self.content {
            desk.plans.undelivered(&desk.store, &attempt, self.plan, &problem).await?;
        }
        Err(JobError::cancel(problem))
    }
}

impl Post {
    async fn send(&self, desk: &Desk, attempt: &Attempt, parcel: &Parcel) -> Result<(), Undelivered> {
        match (&self.destination, parcel) {
            (Destination::Channel(channel), _) => into_channel(desk, attempt, channel, parcel).await,
            (Destination::Email(to), _) => {
                let absent = || Undelivered::for_good("mail is not configured (SMTP_URL)");
                let mailer = desk.plans.mailer().ok_or_else(absent)?;
                mailer.send(parcel.mail(to, attempt.id().to_string())).await
            }
            // Programs are told of summaries only.
            (Destination::WebhookUrl(_) | Destination::Webhook(_), Parcel::Notice { .. }) => Ok(()),
            // Each is a delivery with its own attempts and log; the same one is taken once.
            (Destination::WebhookUrl(url), Parcel::Summary(document)) => {
                taken(desk.webhooks.send_once(url, Event::Created { summary: document.id }).await)
            }
            (Destination::Webhook(id), Parcel::Summary(document)) => {
                let delivery = Delivery::new(Target::Webhook(*id), Event::Created { summary: document.id });
                let sent = desk.store.send_once(&delivery).await;
                sent.map_err(|error| Undelivered::for_now(error.to_string()))
            }
        }
    }
}

/// Each message once: what is posted is saved, and what was lost in between Discord knows by its nonce.
async fn into_channel(
    desk: &Desk,
    attempt: &Attempt,
    channel: &str,
    parcel: &Parcel,
) -> Result<(), Undelivered> {
    let absent = || Undelivered::for_good("Discord is not configured (DISCORD_TOKEN)");
    let poster = desk.plans.poster().ok_or_else(absent)?;
    let replies = parcel.replies(poster, channel).await?;
    let done: usize = attempt.checkpoint().ok().flatten().unwrap_or_default();
    let id = attempt.id().as_uuid().simple().to_string();
    for (number, reply) in replies.iter().enumerate().skip(done) {
        // The end of the id is what is random in it.
        let nonce = format!("{}-{number}", &id[id.len() - 20..]);
        poster.post(channel, reply, &nonce).await?;
        // It is a number, which cannot fail.
        let _saved = attempt.save_checkpoint(&(number + 1));
    }
    Ok(())
}
