//! From an interaction to its first word: within three seconds, and not before it is safe.
//!
//! An interaction is stored together with the job that answers it, and only then acknowledged: whichever replica is
//! left finishes it. If the database is slow the first word does not wait for it; if it is away, the first word says so.

use std::time::Duration;

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use super::commands::{Acknowledgement, Command};
use super::front::Front;
use super::interaction::{Interaction, Kind};
use super::outgoing;
use super::reply::Reply;
use super::words;

/// How long the first word waits for the database.
const PATIENCE: Duration = Duration::from_millis(1200);
/// How long the database may take after that, before whoever asked is told.
const SLOW: Duration = Duration::from_secs(10);
/// How long a command may look for what is possible.
const COMPLETION: Duration = Duration::from_secs(2);

/// What became of storing an interaction.
enum Taken {
    New,
    Known,
    Failed,
}

// === impl Front ===

impl Front {
    /// An interaction from the gateway: the first word goes out as a request of its own.
    pub(super) async fn receive(&self, interaction: Interaction) {
        let word = match self.plan(&interaction) {
            Plan::Say(word) => word,
            Plan::Complete(command) => self.complete(command, &interaction).await,
            Plan::Work(acknowledgement) => return self.begin(interaction, &acknowledgement).await,
        };
        self.say(&interaction, &word).await;
    }

    /// An interaction from the endpoint: the first word is the answer to Discord's request.
    pub(super) async fn respond(&self, interaction: Interaction) -> Value {
        let acknowledgement = match self.plan(&interaction) {
            Plan::Say(word) => return word,
            Plan::Complete(command) => return self.complete(command, &interaction).await,
            Plan::Work(acknowledgement) => acknowledgement,
        };
        // What is acknowledged here is stored: nothing is lost if this process dies now.
        match timeout(PATIENCE * 2, self.take(&interaction)).await {
            Ok(Taken::New | Taken::Known) => outgoing::acknowledgement(&acknowledgement),
            Ok(Taken::Failed) | Err(_) => {
                self.metrics.answered(interaction.name(), false);
                outgoing::at_once(&away())
            }
        }
    }

    fn plan(&self, interaction: &Interaction) -> Plan<'_> {
        let Some(command) = self.commands.find(interaction) else {
            let words =
                "I do not know this any more. Discord shows the new commands after a restart of the app.";
            return Plan::Say(outgoing::at_once(&Reply::text(words).private()));
        };
        match &interaction.kind {
            Kind::Completion { .. } => Plan::Complete(command),
            _ => Plan::Work(command.acknowledge(interaction)),
        }
    }

    async fn complete(&self, command: &dyn Command, interaction: &Interaction) -> Value {
        let looked_up = async {
            // Choices tell what there is, as the command itself does.
            match self.admit(command.level(interaction), interaction).await {
                Ok(()) => command.complete(self, interaction).await,
                Err(_) => Vec::new(),
            }
        };
        let choices = timeout(COMPLETION, looked_up).await.unwrap_or_default();
        outgoing::choices(&choices)
    }

    async fn begin(&self, interaction: Interaction, acknowledgement: &Acknowledgement) {
        let word = outgoing::acknowledgement(acknowledgement);
        let being_said = self.first_words.begin(&interaction.id);
        let mut take = std::pin::pin!(self.take(&interaction));
        match timeout(PATIENCE, &mut take).await {
            Ok(Taken::New) => self.say(&interaction, &word).await,
            Ok(Taken::Known) => {}
            Ok(Taken::Failed) => self.refuse(&interaction).await,
            Err(_) => {
                self.say(&interaction, &word).await;
                drop(being_said);
                if !matches!(timeout(SLOW, take).await, Ok(Taken::New | Taken::Known)) {
                    self.metrics.answered(interaction.name(), false);
                    let told = self.rest.edit_answer(&interaction, &away()).await;
                    tracing::debug!(?told, interaction.id, "an interaction was not stored");
                }
            }
        }
    }

    async fn take(&self, interaction: &Interaction) -> Taken {
        let body = serde_json::to_string(interaction).unwrap_or_default();
        let now = Timestamp::now().as_millisecond();
        let mut key = interaction.id.clone();
        if !self.config.answer_once {
            key = format!("{key}-{}", Uuid::new_v4()); // each arrival is another one
        }
        match self.store.take_interaction(&key, now, &body).await {
            Ok(true) => Taken::New,
            Ok(false) => Taken::Known,
            Err(error) => {
                tracing::error!(%error, interaction.id, "an interaction cannot be stored");
                Taken::Failed
            }
        }
    }

    async fn refuse(&self, interaction: &Interaction) {
        self.metrics.answered(interaction.name(), false);
        self.say(interaction, &outgoing::at_once(&away())).await;
    }

    async fn say(&self, interaction: &Interaction, word: &Value) {
        if let Err(error) = self.rest.first_word(interaction, word).await {
            tracing::warn!(%error, interaction.id, interaction.name = interaction.name(), "the first word was not said");
        }
    }
}

/// What an interaction asks for.
enum Plan<'a> {
    /// This, and that is all.
    Say(Value),
    Complete(&'a dyn Command),
    Work(Acknowledgement),
}

/// What is said when nothing can be stored.
fn away() -> Reply {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE")
        .detail("My storage does not answer at the moment, so nothing was begun. Try again in a minute.");
    words::refusal(&problem).private()
}
