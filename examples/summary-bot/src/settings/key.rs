//! The settings of a server: their names, what they mean and what they may be.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checks;
use super::config::DefaultLength;
use crate::Perspective;

/// A setting of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    EnabledChannels,
    ExcludedChannels,
    ExcludedUsers,
    Length,
    Perspective,
    Language,
    TimeZone,
    Model,
    Temperature,
    MinMessages,
    IncludeBots,
    DailyBudget,
    RetentionDays,
    RequirePermissions,
}

/// The most ids in a list.
const MOST_IDS: usize = 200;
/// The longest name of a model.
const MODEL: usize = 100;

// === impl Key ===

impl Key {
    pub(crate) const ALL: [Self; 14] = [
        Self::EnabledChannels,
        Self::ExcludedChannels,
        Self::ExcludedUsers,
        Self::Length,
        Self::Perspective,
        Self::Language,
        Self::TimeZone,
        Self::Model,
        Self::Temperature,
        Self::MinMessages,
        Self::IncludeBots,
        Self::DailyBudget,
        Self::RetentionDays,
        Self::RequirePermissions,
    ];

    /// As commands, the API and the database name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EnabledChannels => "enabled_channels",
            Self::ExcludedChannels => "excluded_channels",
            Self::ExcludedUsers => "excluded_users",
            Self::Length => "length",
            Self::Perspective => "perspective",
            Self::Language => "language",
            Self::TimeZone => "time_zone",
            Self::Model => "model",
            Self::Temperature => "temperature",
            Self::MinMessages => "min_messages",
            Self::IncludeBots => "include_bots",
            Self::DailyBudget => "daily_budget",
            Self::RetentionDays => "retention_days",
            Self::RequirePermissions => "require_permissions",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// What it may be, as the end of "expected …".
    pub(crate) fn expects(self) -> &'static str {
        match self {
            Self::EnabledChannels | Self::ExcludedChannels => "ids of channels",
            Self::ExcludedUsers => "ids of users",
            Self::Length => "brief, detailed or comprehensive",
            Self::Perspective => "general, developer, marketing, product, finance, executive or support",
            Self::Language => "a language's code, such as de or pt-BR",
            Self::TimeZone => "the name of a time zone, such as Europe/Berlin",
            Self::Model => "the name of a model",
            Self::Temperature => "a number from 0 to 2",
            Self::MinMessages => "a whole number from 1 to 10000",
            Self::IncludeBots | Self::RequirePermissions => "true or false",
            Self::DailyBudget => "an amount from 0 to 1000000",
            Self::RetentionDays => "a whole number of days from 0 (for ever) to 36500",
        }
    }

    /// Whether a value is one that it may have.
    pub(crate) fn takes(self, value: &Value) -> bool {
        let number = |most: f64| value.as_f64().is_some_and(|number| (0.0..=most).contains(&number));
        let whole = |least, most| value.as_u64().is_some_and(|number| (least..=most).contains(&number));
        match self {
            Self::EnabledChannels | Self::ExcludedChannels | Self::ExcludedUsers => {
                let id = |item: &Value| item.as_str().is_some_and(checks::is_id);
                value.as_array().is_some_and(|items| items.len() <= MOST_IDS && items.iter().all(id))
            }
            Self::Length => value.as_str().is_some_and(|name| DefaultLength::NAMES.contains(&name)),
            Self::Perspective => {
                value.as_str().is_some_and(|name| Perspective::ALL.iter().any(|(known, _)| *known == name))
            }
            Self::Language => value.as_str().is_some_and(checks::is_language),
            Self::TimeZone => value.as_str().is_some_and(checks::is_time_zone),
            Self::Model => value.as_str().is_some_and(|name| {
                !name.is_empty() && name.len() <= MODEL && !name.contains(char::is_control)
            }),
            Self::Temperature => number(2.0),
            Self::MinMessages => whole(1, 10_000),
            Self::IncludeBots | Self::RequirePermissions => value.is_boolean(),
            Self::DailyBudget => number(1_000_000.0),
            Self::RetentionDays => whole(0, 36_500),
        }
    }

    /// Whether a value is more than whoever runs the bot lets a day cost.
    pub(super) fn is_beyond(self, value: &Value, most_daily: Option<f64>) -> bool {
        let daily = value.as_f64().filter(|_| self == Self::DailyBudget);
        daily.zip(most_daily).is_some_and(|(daily, most)| daily > most)
    }

    /// The value that somebody typed, if it is one. Lists are separated by commas or spaces; mentions of channels
    /// and users are their ids.
    pub(crate) fn parse(self, text: &str) -> Option<Value> {
        let text = text.trim();
        let value = match self {
            Self::EnabledChannels | Self::ExcludedChannels | Self::ExcludedUsers => text
                .split([',', ' '])
                .map(|item| item.trim_matches(['<', '>', '#', '@', '!', '&']))
                .filter(|item| !item.is_empty())
                .collect(),
            Self::Length | Self::Perspective => Value::from(text.to_lowercase()),
            Self::Language | Self::TimeZone | Self::Model => Value::from(text),
            Self::Temperature | Self::DailyBudget => Value::from(text.parse::<f64>().ok()?),
            Self::MinMessages | Self::RetentionDays => Value::from(text.parse::<u64>().ok()?),
            Self::IncludeBots | Self::RequirePermissions => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" => Value::from(true),
                "false" | "no" | "off" => Value::from(false),
                _ => return None,
            },
        };
        self.takes(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_typed_becomes_a_value() {
        let channels = "<#175928847299117063>, 175928847299117064";
        assert_eq!(
            Key::EnabledChannels.parse(channels),
            Some(json!(["175928847299117063", "175928847299117064"]))
        );
        assert_eq!(Key::Length.parse("Brief"), Some(json!("brief")));
        assert_eq!(Key::IncludeBots.parse("on"), Some(json!(true)));
        assert_eq!(Key::DailyBudget.parse("2.5"), Some(json!(2.5)));
        assert_eq!(Key::RetentionDays.parse("0"), Some(json!(0)));
        assert_eq!(Key::TimeZone.parse(" Europe/Berlin"), Some(json!("Europe/Berlin")));
    }

    #[test]
    fn what_it_may_not_be_is_refused() {
        let wrong = [
            (Key::EnabledChannels, "general"),
            (Key::Length, "long"),
            (Key::Temperature, "2.1"),
            (Key::Temperature, "NaN"),
            (Key::MinMessages, "0"),
            (Key::RetentionDays, "-1"),
            (Key::DailyBudget, "inf"),
            (Key::Language, "german"),
            (Key::TimeZone, "Europe/Atlantis"),
            (Key::Model, ""),
        ];
        for (key, text) in wrong {
            assert_eq!(key.parse(text), None, "{} {text}", key.name());
        }
    }

    #[test]
    fn names_are_as_they_are_written_in_json() {
        for key in Key::ALL {
            assert_eq!(serde_json::to_value(key).expect("a name"), json!(key.name()));
            assert_eq!(Key::of_name(key.name()), Some(key));
        }
    }
}
