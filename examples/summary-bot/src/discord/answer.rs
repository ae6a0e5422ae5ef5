//! The job that answers an interaction: run by whichever replica is there, as often as it takes, with one effect.

use std::time::Duration;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::jobs::{Attempt, Job, JobError, Policy, Priority};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::front::Front;
use super::interaction::Interaction;
use super::reply::Reply;
use super::rest::RestError;
use super::task::Task;
use super::{outgoing, words};
use crate::clerk::{Desk, ENOUGH, not_stored};
use crate::store::Open;

/// For how long the first word may be under way, when the answer is there already.
const FIRST_WORD: Duration = Duration::from_millis(2500);

/// Answer an interaction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) interaction: String,
}

// === impl Answer ===

impl Job for Answer {
    const NAME: &'static str = "discord_answer";
    type Context = Desk;

    fn policy() -> Policy {
        Policy::default().timeout(Duration::from_secs(600)).priority(Priority::High)
    }

    async fn run(self, desk: Desk, attempt: Attempt) -> Result<(), JobError> {
        let Some(front) = &desk.discord else {
            return Err(JobError::snooze(Duration::from_secs(5))); // another replica knows Discord
        };
        let Some(open) = front.store.open_interaction(&self.interaction).await.map_err(not_stored)? else {
            return Ok(()); // answered by an earlier delivery
        };
        let Ok(interaction) = serde_json::from_str::<Interaction>(&open.body) else {
            return Err(JobError::fail("the stored interaction does not read"));
        };
        front.answer(interaction, open, &attempt).await
    }
}

// === impl Front ===

impl Front {
    async fn answer(&self, interaction: Interaction, open: Open, attempt: &Attempt) -> Result<(), JobError> {
        let id = interaction.id.clone();
        let received = Timestamp::from_millisecond(open.received_ms).unwrap_or_default();
        let task = Task::new(interaction, received, self.store.clone(), self.rest.clone());
        let name = task.interaction.name();
        if task.remaining().is_zero() {
            tracing::warn!(
                interaction.id = id,
                interaction.name = name,
                "an interaction came too late to be answered"
            );
            self.metrics.answered(name, false);
            return self.store.close_interaction(&id).await.map_err(not_stored);
        }
        let kept: Option<String> = attempt.checkpoint().ok().flatten();
        let worked: Result<Vec<Reply>, Problem> = match kept {
            Some(text) => Ok(Reply::text(text).into()),
            None => self.work(&task).await,
        };
        let (replies, well) = match worked {
            Ok(replies) => (replies, true),
            Err(problem) if problem.status().is_server_error() && attempt.number() < ENOUGH => {
                return Err(JobError::retry(problem.to_json().to_string()));
            }
            Err(problem) => (words::refusal(&problem).into(), false),
        };
        match self.deliver(&task, &replies, open.said).await {
            Ok(()) => self.metrics.answered(name, well),
            Err(error) if error.is_passing() && !attempt.is_last() => {
                keep(attempt, &replies);
                return Err(JobError::retry(error));
            }
            Err(error) => {
                tracing::warn!(%error, interaction.id = id, interaction.name = name, "an answer was not taken");
                self.metrics.answered(name, false);
            }
        }
        self.store.close_interaction(&id).await.map_err(not_stored)
    }

    async fn work(&self, task: &Task) -> Result<Vec<Reply>, Problem> {
        let Some(command) = self.commands.find(&task.interaction) else {
            return Err(
                Problem::new(StatusCode::NOT_FOUND, "UNKNOWN_COMMAND").detail("I do not know this any more")
            );
        };
        self.admit(command.level(&task.interaction), &task.interaction).await?;
        command.run(self, task).await
    }

    /// The first reply takes the place of the first word, which may be repeated; the others follow once each, as far
    /// as can be known.
    async fn deliver(&self, task: &Task, replies: &[Reply], said: usize) -> Result<(), RestError> {
        let Some((first, others)) = replies.split_first() else { return Ok(()) };
        self.first_words.wait(task).await;
        self.replace(task, first).await?;
        for (index, reply) in others.iter().enumerate().skip(said) {
            self.rest.say_more(&task.interaction, reply).await?;
            if let Err(error) = self.store.said(&task.interaction.id, index + 1).await {
                tracing::warn!(%error, interaction.id = task.interaction.id, "it is not stored how much was said");
            }
        }
        Ok(())
    }

    async fn replace(&self, task: &Task, reply: &Reply) -> Result<(), RestError> {
        let mut error = match self.rest.edit_answer(&task.interaction, reply).await {
            Err(error) if error.is_closed() => error,
            other => return other,
        };
        // The first word is still under way, or its process died before it was said.
        while task.since() < FIRST_WORD {
            sleep(Duration::from_millis(150)).await;
            error = match self.rest.edit_answer(&task.interaction, reply).await {
                Err(error) if error.is_closed() => error,
                other => return other,
            };
        }
        let Some(command) = self.commands.find(&task.interaction) else { return Err(error) };
        let word = outgoing::acknowledgement(&command.acknowledge(&task.interaction));
        self.rest.first_word(&task.interaction, &word).await?;
        self.rest.edit_answer(&task.interaction, reply).await
    }
}

/// Keeps for the next attempt what is said in words alone: what is done, such as deleting something, cannot be found out
/// again from what is left.
fn keep(attempt: &Attempt, replies: &[Reply]) {
    let [only] = replies else { return };
    let plain = only.embeds.is_empty() && only.rows.is_empty() && only.files.is_empty();
    if let Some(text) = only.content.as_ref().filter(|_| plain) {
        // A message is far shorter than what is refused.
        let _kept = attempt.save_checkpoint(text);
    }
}
