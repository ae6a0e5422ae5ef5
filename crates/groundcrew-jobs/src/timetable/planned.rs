use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PlanId;

/// Of which plan a job is, and for which moment: what it finds in its field `planned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The plan.
    pub plan: PlanId,
    /// The moment that is due, which may have passed a while ago; for `run_now` the present.
    pub due: Timestamp,
    /// Whether it is there by `run_now`, and not by the timetable.
    #[serde(default)]
    pub by_hand: bool,
}

// === impl Planned ===

impl Planned {
    /// The payload with this in its field `planned`, if it is an object.
    pub(super) fn within(&self, payload: &str) -> Result<String, serde_json::Error> {
        let mut value: serde_json::Value = serde_json::from_str(payload)?;
        let Some(fields) = value.as_object_mut() else { return Ok(payload.to_owned()) };
        fields.insert("planned".to_owned(), serde_json::to_value(self)?);
        Ok(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_gets_the_field_and_anything_else_stays_as_it_is() {
        let due = "2026-01-01T09:00:00Z".parse().expect("a time");
        let planned = Planned { plan: PlanId::random(), due, by_hand: false };
        let payload = planned.within(r#"{"channel":7,"planned":null}"#).expect("JSON");
        let value: serde_json::Value = serde_json::from_str(&payload).expect("JSON");
        assert_eq!(value["channel"], 7);
        assert_eq!(serde_json::from_value::<Planned>(value["planned"].clone()).expect("planned"), planned);
        assert_eq!(planned.within("\"x\"").expect("JSON"), "\"x\"");
    }
}
