//! What holds for a server now, and who said so.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::GuildConfig;
use super::key::Key;
use super::rules::Rules;
use super::stored::{Stored, StoredValue};
use crate::{Length, Perspective};

/// A value and who said so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Given {
    pub(crate) value: Value,
    pub(crate) origin: Source,
}

/// Who said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Source {
    /// Nobody.
    Default,
    /// The configuration: a file, a variable.
    Config { place: String },
    /// Somebody in Discord or by the API.
    Stored { by: String, at: Timestamp },
}

/// All settings of a server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effective {
    /// Rises with each change; 0 where nothing was ever stored.
    pub(crate) version: i64,
    values: BTreeMap<Key, Given>,
    pub(crate) rules: Rules,
}

// === impl Effective ===

impl Effective {
    /// Defaults, what is configured for all, what is configured for this server, what is stored: each over the one
    /// before. A stored budget beyond `most_daily` does not hold.
    pub(super) fn of(
        all: &GuildConfig,
        guild: Option<&GuildConfig>,
        most_daily: Option<f64>,
        stored: Stored,
    ) -> Self {
        let mut values: BTreeMap<Key, Given> =
            Key::ALL.map(|key| (key, Given { value: default(key), origin: Source::Default })).into();
        let configs: Vec<&GuildConfig> = std::iter::once(all).chain(guild).collect();
        for config in &configs {
            values.extend(config.given());
        }
        let Stored { version, values: kept, rules } = stored;
        let holds = |value: &StoredValue| {
            value.key.takes(&value.value) && !value.key.is_beyond(&value.value, most_daily)
        };
        for value in kept.into_iter().filter(holds) {
            let origin = Source::Stored { by: value.by, at: value.at };
            values.insert(value.key, Given { value: value.value, origin });
        }
        let required = values.get(&Key::RequirePermissions).is_some_and(|given| given.value == json!(true));
        let rules = Rules::of(required, &configs, rules);
        Self { version, values, rules }
    }

    /// Every setting with its value and who said so.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Key, &Given)> {
        self.values.iter().map(|(key, given)| (*key, given))
    }

    fn value(&self, key: Key) -> &Value {
        self.values.get(&key).map_or(&Value::Null, |given| &given.value)
    }

    fn text(&self, key: Key) -> Option<String> {
        self.value(key).as_str().map(str::to_owned)
    }

    fn ids(&self, key: Key) -> Vec<String> {
        let items = self.value(key).as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The channels that may be summarised; empty: all.
    pub(crate) fn enabled_channels(&self) -> Vec<String> {
        self.ids(Key::EnabledChannels)
    }

    pub(crate) fn excluded_channels(&self) -> Vec<String> {
        self.ids(Key::ExcludedChannels)
    }

    pub(crate) fn excluded_users(&self) -> Vec<String> {
        self.ids(Key::ExcludedUsers)
    }

    pub(crate) fn length(&self) -> Length {
        self.text(Key::Length).as_deref().and_then(Length::of_name).unwrap_or(Length::Detailed)
    }

    pub(crate) fn perspective(&self) -> Perspective {
        self.text(Key::Perspective).as_deref().and_then(Perspective::of_name).unwrap_or_default()
    }

    /// `None`: the conversation's own.
    pub(crate) fn language(&self) -> Option<String> {
        self.text(Key::Language)
    }

    /// In which times of the day are meant.
    pub(crate) fn time_zone(&self) -> TimeZone {
        self.text(Key::TimeZone).and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// `None`: the first of the chain.
    pub(crate) fn model(&self) -> Option<String> {
        self.text(Key::Model)
    }

    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 2")]
    pub(crate) fn temperature(&self) -> Option<f32> {
        self.value(Key::Temperature).as_f64().map(|number| number as f32)
    }

    pub(crate) fn min_messages(&self) -> u64 {
        self.value(Key::MinMessages).as_u64().unwrap_or(5)
    }

    pub(crate) fn include_bots(&self) -> bool {
        self.value(Key::IncludeBots).as_bool().unwrap_or(false)
    }

    /// What a day may cost, in the currency of the price table; `None`: what `budget` says for all servers.
    pub(crate) fn daily_budget(&self) -> Option<f64> {
        self.value(Key::DailyBudget).as_f64()
    }

    /// After how many days summaries are deleted: `None` where `retention.days` decides, 0 for never.
    pub(crate) fn retention_days(&self) -> Option<u32> {
        self.value(Key::RetentionDays).as_u64().and_then(|days| u32::try_from(days).ok())
    }

    /// As the API answers it.
    pub(crate) fn to_json(&self, guild: &str) -> Value {
        let settings: serde_json::Map<String, Value> =
            self.all().map(|(key, given)| (key.name().to_owned(), json!(given))).collect();
        json!({
            "guild_id": guild,
            "version": self.version,
            "settings": settings,
            "permissions": self.rules.to_json(),
        })
    }
}

impl Default for Effective {
    /// Where there is no server.
    fn default() -> Self {
        Self::of(&GuildConfig::default(), None, None, Stored::default())
    }
}

/// Where nobody said anything. `null` is what depends on other sections of the configuration.
fn default(key: Key) -> Value {
    match key {
        Key::EnabledChannels | Key::ExcludedChannels | Key::ExcludedUsers => json!([]),
        Key::Length => json!("detailed"),
        Key::Perspective => json!("general"),
        Key::TimeZone => json!("UTC"),
        Key::MinMessages => json!(5),
        Key::IncludeBots | Key::RequirePermissions => json!(false),
        Key::Language | Key::Model | Key::Temperature | Key::DailyBudget | Key::RetentionDays => Value::Null,
    }
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Config { place } => f.write_str(place),
            Self::Stored { by, at } => write!(f, "{by}, {}", at.strftime("%Y-%m-%d %H:%M")),
        }
    }
}
