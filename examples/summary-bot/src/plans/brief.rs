//! What a schedule summarises, how, and who gets it.

use groundcrew::http::Problem;
use groundcrew::jobs::{Misfire, Timing};
use serde::{Deserialize, Serialize};

use super::choice::Choice;
use crate::api::invalid;
use crate::order::Wish;
use crate::preferences::Preferences;
use crate::{Length, Perspective};

/// The most channels, destinations and the like of one schedule.
const MOST: usize = 25;
/// The shortest and the longest time to look back, in seconds: 5 minutes to 31 days.
const PERIODS: std::ops::RangeInclusive<i64> = 300..=31 * 86_400;

/// A schedule as people give it; what they leave out is as the server's settings have it, or as it is by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Brief {
    pub(crate) name: String,
    pub(crate) guild_id: String,
    /// Channels, threads, forums and categories.
    pub(crate) channels: Vec<String>,
    #[serde(default)]
    pub(crate) exclude_channels: Vec<String>,
    pub(crate) timing: Choice,
    /// How far to look back, such as `24h` or `7d`; by default to the time before.
    #[serde(default)]
    pub(crate) period: Option<String>,
    // What is left out is not written either: a replica of before reads a default for what is not there, and no null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) perspective: Option<String>,
    #[serde(default)]
    pub(crate) language: Option<String>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default = "yes")]
    pub(crate) threads: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) include_bots: Option<bool>,
    #[serde(default)]
    pub(crate) exclude_users: Vec<String>,
    #[serde(default)]
    pub(crate) missed: Missed,
    pub(crate) destinations: Vec<Destination>,
}

/// One summary of all channels, or one of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Combined,
    Individual,
}

/// What follows when nobody was there at the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missed {
    #[default]
    Once,
    Skip,
}

/// Where a summary goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Destination {
    /// A channel or thread of the same server.
    Channel(String),
    /// A webhook that is kept, by its id.
    Webhook(uuid::Uuid),
    /// A webhook by its URL.
    WebhookUrl(String),
    /// A mail address.
    Email(String),
}

fn yes() -> bool {
    true
}

// === impl Brief ===

impl Brief {
    /// What it means, or all that is wrong with it at once.
    pub(crate) fn check(&self) -> Result<Timing, Problem> {
        let mut wrong: Vec<(String, String)> = Vec::new();
        let mut say = |field: &str, words: &str| wrong.push((field.to_owned(), words.to_owned()));
        if self.name.trim().is_empty() || self.name.chars().count() > 100 || self.name.contains('\0') {
            say("name", "expected a name of 1 to 100 characters");
        }
        if !is_id(&self.guild_id) {
            say("guild_id", "expected Discord's id of a server");
        }
        let lists = [("channels", &self.channels), ("exclude_channels", &self.exclude_channels)];
        for (field, ids) in lists.into_iter().chain([("exclude_users", &self.exclude_users)]) {
            if ids.len() > MOST || !ids.iter().all(|id| is_id(id)) {
                say(field, "expected at most 25 of Discord's ids");
            }
        }
        if self.channels.is_empty() {
            say("channels", "expected at least one channel");
        }
        if self.period.is_some() && self.period_seconds().is_none() {
            say("period", "expected a time from 5 minutes to 31 days, such as `24h` or `7d`");
        }
        if self.length.as_deref().is_some_and(|name| Length::of_name(name).is_none()) {
            say("length", "expected brief, detailed or comprehensive");
        }
        if self.perspective.as_deref().is_some_and(|name| Perspective::of_name(name).is_none()) {
            say(
                "perspective",
                "expected one of general, developer, marketing, product, finance, executive, support",
            );
        }
        if self.language.as_ref().is_some_and(|code| code.len() > 16 || !code.is_ascii()) {
            say("language", "expected a code such as `de`");
        }
        if self.destinations.is_empty() || self.destinations.len() > MOST {
            say("destinations", "expected 1 to 25 destinations");
        }
        for (index, destination) in self.destinations.iter().enumerate() {
            if let Some(words) = destination.problem() {
                say(&format!("destinations[{index}]"), &words);
            }
        }
        let timing = self.timing.timing();
        if let Err((field, words)) = &timing {
            say(field, words);
        }
        match (invalid(&wrong), timing) {
            (Some(problem), _) => Err(problem),
            (None, Ok(timing)) => Ok(timing),
            (None, Err((field, words))) => Err(one(field, &words)),
        }
    }

    /// How far to look back, in seconds; `None` for the time before.
    pub(crate) fn period_seconds(&self) -> Option<i64> {
        let span: jiff::Span = self.period.as_deref()?.trim().parse().ok()?;
        let seconds = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?.as_secs();
        Some(seconds).filter(|seconds| PERIODS.contains(seconds))
    }

    pub(crate) fn misfire(&self) -> Misfire {
        match self.missed {
            Missed::Once => Misfire::Once,
            Missed::Skip => Misfire::Skip,
        }
    }

    /// How it is to be summarised.
    pub(crate) fn preferences(&self) -> Preferences {
        Preferences {
            length: self.length.as_deref().and_then(Length::of_name),
            perspective: self.perspective.as_deref().and_then(Perspective::of_name),
            include_bots: self.include_bots,
            wish: Wish { language: self.language.clone(), ..Wish::default() },
            ..Preferences::default()
        }
    }
}

// === impl Destination ===

impl Destination {
    /// Why nothing can be sent there.
    fn problem(&self) -> Option<String> {
        match self {
            Self::Channel(id) if !is_id(id) => Some("expected Discord's id of a channel".to_owned()),
            Self::WebhookUrl(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Some("expected a URL that begins with https://".to_owned())
            }
            Self::Email(address) if address.parse::<lettre::Address>().is_err() => {
                Some("expected a mail address such as `ann@example.com`".to_owned())
            }
            _ => None,
        }
    }

    /// As it is shown: what stands in the path of a webhook's URL is as good as a password.
    pub(crate) fn shown(&self) -> serde_json::Value {
        match self {
            Self::WebhookUrl(url) => {
                let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                let host = match host.rsplit_once('@') {
                    Some((_, host)) => format!("https://{host}"),
                    None => host,
                };
                serde_json::json!({"webhook_url": format!("{host}/…")})
            }
            other => serde_json::json!(other),
        }
    }

    /// In words that follow “to”.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Channel(id) => format!("the channel {id}"),
            Self::Webhook(id) => format!("the webhook {id}"),
            Self::WebhookUrl(_) => "a webhook".to_owned(),
            Self::Email(address) => address.clone(),
        }
    }
}

/// One field that is wrong.
pub(crate) fn one(field: &str, words: &str) -> Problem {
    invalid(&[(field.to_owned(), words.to_owned())]).unwrap_or_else(|| {
        Problem::new(groundcrew::http::axum::http::StatusCode::BAD_REQUEST, "INVALID_REQUEST")
    })
}

/// Whether it looks like an id of Discord's.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brief(change: &serde_json::Value) -> Brief {
        let mut brief = json!({
            "name": "the week", "guild_id": "175928847299117063", "channels": ["175928847299117064"],
            "timing": {"kind": "weekly"}, "destinations": [{"channel": "175928847299117065"}],
        });
        for (name, value) in change.as_object().expect("an object") {
            brief[name] = value.clone();
        }
        serde_json::from_value(brief).expect("a brief")
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        brief(&json!({})).check().expect("right");
        let wrong = brief(&json!({
            "name": " ", "channels": ["general"], "period": "1 minute", "length": "long",
            "timing": {"kind": "daily", "at": "noon"},
            "destinations": [{"email": "ann"}, {"webhook_url": "ftp://x"}],
        }));
        let problem = wrong.check().expect_err("wrong").to_json();
        let fields: Vec<&str> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .filter_map(|error| error["field"].as_str())
            .collect();
        let expected =
            ["name", "channels", "period", "length", "destinations[0]", "destinations[1]", "timing.at"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_period_is_read_as_people_write_it() {
        let seconds = |text: &str| brief(&json!({"period": text})).period_seconds();
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("7d"), Some(7 * 86_400));
        assert_eq!(seconds("90 minutes"), Some(5_400));
        assert_eq!(seconds("2 months"), None);
        assert_eq!(seconds("32d"), None);
    }

    #[test]
    fn the_url_of_a_webhook_is_not_shown() {
        let url = Destination::WebhookUrl("https://ann:secret@hooks.example/services/T1/secret".to_owned());
        assert_eq!(url.shown(), json!({"webhook_url": "https://hooks.example/…"}));
    }
}
