//! Changes, as the API's JSON says them.

use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use serde_json::Value;

use super::checks;
use super::key::Key;
use super::rules::{Subject, SubjectKind};
use super::stored::Change;
use crate::discord::access::Level;

// === impl Change ===

impl Change {
    /// One setting.
    pub(crate) fn value(key: Key, value: Option<Value>) -> Self {
        Self { values: vec![(key, value)], ..Self::default() }
    }

    /// One rule.
    pub(crate) fn rule(subject: Subject, level: Option<Level>) -> Self {
        Self { rules: vec![(subject, level)], ..Self::default() }
    }

    /// A change as the API takes it: `{"settings": {"length": "brief", "model": null}, "permissions": [{"kind":
    /// "role", "id": "…", "level": "read"}]}`. `null` takes back what was set.
    pub(crate) fn of_json(body: &Value) -> Result<Self, Problem> {
        let object = body.as_object().ok_or_else(|| wrong("", "a JSON object"))?;
        let mut change = Self::default();
        for (name, part) in object {
            match (name.as_str(), part) {
                ("settings", Value::Object(settings)) => {
                    for (name, value) in settings {
                        let field = format!("settings.{name}");
                        let key = Key::of_name(name).ok_or_else(|| wrong(&field, "the name of a setting"))?;
                        change.values.push((key, Some(value.clone()).filter(|value| !value.is_null())));
                    }
                }
                ("permissions", Value::Array(rules)) => {
                    for (index, item) in rules.iter().enumerate() {
                        change.rules.push(rule(&format!("permissions[{index}]"), item)?);
                    }
                }
                ("settings", _) => return Err(wrong(name, "an object of settings")),
                ("permissions", _) => return Err(wrong(name, "a list of rules")),
                _ => return Err(wrong(name, "`settings` or `permissions`")),
            }
        }
        Ok(change)
    }

    /// Whether every value is one that its setting may have.
    pub(super) fn check(&self) -> Result<(), Problem> {
        for (key, value) in &self.values {
            if value.as_ref().is_some_and(|value| !key.takes(value)) {
                return Err(wrong(&format!("settings.{}", key.name()), key.expects()));
            }
        }
        match self.rules.iter().find(|(subject, _)| !checks::is_id(&subject.id)) {
            Some(_) => Err(wrong("permissions", "ids of roles, users or channels")),
            None => Ok(()),
        }
    }

    /// Whether it leaves what a day may cost within what whoever runs the bot allows.
    pub(super) fn within(&self, most_daily: Option<f64>) -> Result<(), Problem> {
        let beyond = |(key, value): &(Key, Option<Value>)| {
            value.as_ref().is_some_and(|value| key.is_beyond(value, most_daily))
        };
        let Some(most) = most_daily.filter(|_| self.values.iter().any(beyond)) else { return Ok(()) };
        let expected =
            format!("an amount from 0 to {most}: whoever runs the bot lets a day here cost no more");
        Err(wrong(&format!("settings.{}", Key::DailyBudget.name()), &expected))
    }
}

fn rule(field: &str, item: &Value) -> Result<(Subject, Option<Level>), Problem> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let kind = text("kind").and_then(SubjectKind::of_name);
    let kind = kind.ok_or_else(|| wrong(&format!("{field}.kind"), "role, user or channel"))?;
    let id = text("id").filter(|id| checks::is_id(id));
    let id = id.ok_or_else(|| wrong(&format!("{field}.id"), "an id of Discord's"))?.to_owned();
    let level = match item.get("level") {
        None | Some(Value::Null) => None,
        Some(level) => {
            let known = "none, read, summarize or admin";
            let level = serde_json::from_value(level.clone()).ok().filter(|level| *level < Level::Owner);
            Some(level.ok_or_else(|| wrong(&format!("{field}.level"), known))?)
        }
    };
    Ok((Subject { kind, id }, level))
}

fn wrong(field: &str, expected: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
        .detail(format!("{field}: expected {expected}"))
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_read_from_json() {
        let body = json!({
            "settings": {"length": "brief", "model": null},
            "permissions": [{"kind": "role", "id": "175928847299117063", "level": "read"}],
        });
        let change = Change::of_json(&body).expect("right");
        assert_eq!(change.values, [(Key::Length, Some(json!("brief"))), (Key::Model, None)]);
        let subject = Subject { kind: SubjectKind::Role, id: "175928847299117063".to_owned() };
        assert_eq!(change.rules, [(subject, Some(Level::Read))]);
        change.check().expect("right");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |body: Value| {
            let problem = Change::of_json(&body).and_then(|change| change.check()).expect_err("wrong");
            problem.to_json()["field"].as_str().map(str::to_owned).expect("a field")
        };
        assert_eq!(field(json!({"settings": {"colour": 1}})), "settings.colour");
        assert_eq!(field(json!({"settings": {"length": "long"}})), "settings.length");
        assert_eq!(field(json!({"permissions": [{"kind": "dog"}]})), "permissions[0].kind");
        let owner = json!({"kind": "user", "id": "175928847299117063", "level": "owner"});
        assert_eq!(field(json!({"permissions": [owner]})), "permissions[0].level");
        assert_eq!(field(json!({"other": 1})), "other");
    }
}
