use super::InteractionRecord;
use crate::Snowflake;
use crate::error::Unmet;
use crate::shared::Shared;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long the conditions here are waited for, where Discord sets no limit itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// An interaction under way: what became of it, and conditions to wait for.
#[derive(Debug, Clone)]
pub struct Interaction {
    shared: Arc<Shared>,
    id: Snowflake,
}

// === impl Interaction ===

impl Interaction {
    pub(crate) fn new(shared: Arc<Shared>, id: Snowflake) -> Self {
        Self { shared, id }
    }

    /// Its id.
    pub fn id(&self) -> Snowflake {
        self.id
    }

    /// What became of it so far.
    pub fn record(&self) -> InteractionRecord {
        self.shared.look().interactions.all[&self.id].record.clone()
    }

    /// The original response as it is now, if there is one.
    pub fn original(&self) -> Option<Value> {
        let state = self.shared.look();
        let record = &state.interactions.all[&self.id].record;
        let message = state.world.message(record.channel, record.original?)?;
        Some(state.world.message_json(message))
    }

    /// The original response's text; empty without one.
    pub fn content(&self) -> String {
        let original = self.original().unwrap_or_default();
        original["content"].as_str().unwrap_or_default().to_owned()
    }

    /// Everything that the original response shows as text: content, embeds' titles, descriptions, fields, footers.
    pub fn text(&self) -> String {
        crate::answer::visible_text(&self.original().unwrap_or_default())
    }

    /// The modal that the bot opened.
    pub fn modal(&self) -> Option<Value> {
        self.shared.look().interactions.all[&self.id].modal.clone()
    }

    /// The completions that the bot offered: names and values.
    pub fn choices(&self) -> Vec<(String, Value)> {
        let record = self.record();
        let offered = record.steps.iter().filter_map(|step| step.message.as_ref()?["choices"].as_array());
        offered
            .flatten()
            .map(|choice| (choice["name"].as_str().unwrap_or_default().to_owned(), choice["value"].clone()))
            .collect()
    }

    /// Waits until somebody got it.
    ///
    /// # Errors
    ///
    /// [`Unmet`] after 5 s.
    pub async fn received(&self) -> Result<InteractionRecord, Unmet> {
        self.until("received", Duration::from_secs(5), InteractionRecord::was_received).await
    }

    /// Waits until it is acknowledged: Discord's 3 s, and a little.
    ///
    /// # Errors
    ///
    /// [`Unmet`] if it was not: its user sees "did not respond".
    pub async fn acknowledged(&self) -> Result<InteractionRecord, Unmet> {
        let limit = self.shared.options.acknowledge_within + Duration::from_millis(500);
        self.until("acknowledged", limit, |record| record.acknowledged_after().is_some()).await
    }

    /// Waits until the original response says something.
    ///
    /// # Errors
    ///
    /// [`Unmet`] after 30 s.
    pub async fn answered(&self) -> Result<InteractionRecord, Unmet> {
        self.until("answered", PATIENCE, |record| record.answered).await
    }

    /// Waits until its record meets a condition.
    ///
    /// # Errors
    ///
    /// [`Unmet`] after `limit`, with the record.
    pub async fn until(
        &self,
        condition: &str,
        limit: Duration,
        mut met: impl FnMut(&InteractionRecord) -> bool,
    ) -> Result<InteractionRecord, Unmet> {
        let seen = |state: &crate::shared::State| {
            let record = &state.interactions.all[&self.id].record;
            if met(record) { Ok(record.clone()) } else { Err(format!("{record:?}")) }
        };
        self.shared.until(condition, limit, seen).await
    }
}
