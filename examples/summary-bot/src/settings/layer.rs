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
        let ids = |key, list: Option<&Sourced<Vec<Snowflake>>>| {
            given(key, list, |ids| ids.iter().map(|id| id.0.clone()).collect())
        };
        let settings = [
            ids(Key::EnabledChannels, self.enabled_channels.as_ref()),
            ids(Key::ExcludedChannels, self.excluded_channels.as_ref()),
            ids(Key::ExcludedUsers, self.excluded_users.as_ref()),
            given(Key::Length, self.length.as_ref(), |length| json!(length.name())),
            given(Key::Perspective, self.perspective.as_ref(), |perspective| json!(perspective.name())),
            given(Key::Language, self.language.as_ref(), |language| json!(language.0)),
            given(Key::TimeZone, self.time_zone.as_ref(), |zone| json!(zone.0)),
            given(Key::Model, self.model.as_ref(), |model| json!(model)),
            given(Key::Temperature, self.temperature.as_ref(), |number| json!(number)),
            given(Key::MinMessages, self.min_messages.as_ref(), |number| json!(number)),
            given(Key::IncludeBots, self.include_bots.as_ref(), |flag| json!(flag)),
            given(Key::DailyBudget, self.daily_budget.as_ref(), |number| json!(number)),
            given(Key::RetentionDays, self.retention_days.as_ref(), |days| json!(days)),
            given(Key::RequirePermissions, self.require_permissions.as_ref(), |flag| json!(flag)),
        ];
        settings.into_iter().flatten().collect()
    }
}

fn given<T>(key: Key, said: Option<&Sourced<T>>, value: impl Fn(&T) -> Value) -> Option<(Key, Given)> {
    said.map(|said| {
        let origin = Source::Config { place: said.origin().to_string() };
        (key, Given { value: value(said), origin })
    })
}
