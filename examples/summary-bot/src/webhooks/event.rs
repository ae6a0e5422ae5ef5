//! What webhooks are told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Origin;

/// Something that happened. It holds ids rather than what was said: the summary is read when it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Event {
    /// A summary was made.
    #[serde(rename = "summary.created")]
    Created {
        /// Its id.
        summary: Uuid,
    },
    /// A summary that was to be made later will not be.
    #[serde(rename = "summary.failed")]
    Failed {
        /// The id of the job.
        job: Uuid,
        /// Why.
        problem: Value,
        /// Where it would have come from. Who asked for it stands with the request alone.
        #[serde(default)]
        origin: Origin,
    },
}

/// Every event, by the name that receivers know it by.
pub(crate) const NAMES: [&str; 2] = ["summary.created", "summary.failed"];

// === impl Event ===

impl Event {
    /// The name that receivers know it by.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => NAMES[0],
            Self::Failed { .. } => NAMES[1],
        }
    }

    /// The id of what it is about.
    pub(crate) fn subject(&self) -> Uuid {
        match self {
            Self::Created { summary } => *summary,
            Self::Failed { job, .. } => *job,
        }
    }
}

/// What is sent of an event; `document` is the summary as the API answers it.
pub(super) fn body(event: &Event, at: Timestamp, document: Option<&str>) -> String {
    let data = match event {
        Event::Created { .. } => document.unwrap_or("null").to_owned(),
        Event::Failed { job, problem, .. } => json!({"job": job, "problem": problem}).to_string(),
    };
    format!(r#"{{"type":"{}","timestamp":"{at}","data":{data}}}"#, event.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_with_type_timestamp_and_data() {
        let event = Event::Created { summary: Uuid::nil() };
        let body: Value =
            serde_json::from_str(&body(&event, Timestamp::UNIX_EPOCH, Some(r#"{"id":1}"#))).unwrap();
        let expected =
            json!({"type": "summary.created", "timestamp": "1970-01-01T00:00:00Z", "data": {"id": 1}});
        assert_eq!(body, expected);
    }

    #[test]
    fn an_event_reads_as_it_was_written() {
        let origin = Origin { guild_id: Some("7".to_owned()), ..Origin::default() };
        let event = Event::Failed { job: Uuid::nil(), problem: json!({"code": "X"}), origin };
        let text = serde_json::to_string(&event).unwrap();
        assert!(text.contains(r#""type":"summary.failed""#), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    /// Deliveries wait for days.
    #[test]
    fn an_event_of_the_version_before_reads_too() {
        let text = json!({"type": "summary.failed", "job": Uuid::nil(), "problem": {}}).to_string();
        let expected = Event::Failed { job: Uuid::nil(), problem: json!({}), origin: Origin::default() };
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), expected);
    }
}
