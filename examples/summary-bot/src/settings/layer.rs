//! What a section of the configuration says, setting by setting.

use groundcrew::config::Sourced;
use serde_json::{Value, json};

use super::config::{GuildConfig, Snowflake};
use super::effective::{Given, Source};
use super::key::Key;

// === impl GuildConfig ===

impl GuildConfig {
    /// The settings that it gives.
    pub(super) fn given(&self) -> Vec<(Key, Given)> {
        let ids = |key, list: &Option<Sourced<Vec<Snowflake>>>| {
            given(key, list, |ids| ids.iter().map(|id| id.0.clone()).collect())
        };
        let settings = [
            ids(Key::EnabledChannels, &self.enabled_channels),
            ids(Key::ExcludedChannels, &self.excluded_channels),
            ids(Key::ExcludedUsers, &self.excluded_users),
            given(Key::Length, &self.length, |length| json!(length.name())),
            given(Key::Perspective, &self.perspective, |perspective| json!(perspective.name())),
            given(Key::Language, &self.language, |language| json!(language.0)),
            given(Key::Model, &self.model, |model| json!(model)),
            given(Key::Temperature, &self.temperature, |number| json!(number)),
            given(Key::MinMessages, &self.min_messages, |number| json!(number)),
            given(Key::IncludeBots, &self.include_bots, |flag| json!(flag)),
            given(Key::DailyBudget, &self.daily_budget, |number| json!(number)),
            given(Key::RetentionDays, &self.retention_days, |days| json!(days)),
            given(Key::RequirePermissions, &self.require_permissions, |flag| json!(flag)),
        ];
        settings.into_iter().flatten().collect()
    }
}

fn given<T>(key: Key, said: &Option<Sourced<T>>, value: impl Fn(&T) -> Value) -> Option<(Key, Given)> {
    said.as_ref().map(|said| {
        let origin = Source::Config { place: said.origin().to_string() };
        (key, Given { value: value(said), origin })
    })
}
