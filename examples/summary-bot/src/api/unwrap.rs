//! Payloads as automation tools send them: as a string of JSON, or within another object.

use groundcrew::http::Problem;
use serde_json::Value;

/// Where tools put the payload.
const WRAPPERS: [&str; 3] = ["body", "payload", "data"];
/// How many wrappings are taken off.
const DEEPEST: usize = 4;

/// The payload itself.
pub(super) fn unwrap(body: &[u8]) -> Result<Value, Problem> {
    let mut value: Value = serde_json::from_slice(body).map_err(|error| Problem::from_json(&error, None))?;
    for _ in 0..DEEPEST {
        value = match value {
            Value::String(text) => {
                serde_json::from_str(&text).map_err(|error| Problem::from_json(&error, None))?
            }
            Value::Object(mut members)
                if !members.contains_key("messages") && !members.contains_key("channel_id") =>
            {
                let wrapper = WRAPPERS.iter().find(|name| {
                    members.get(**name).is_some_and(|inner| inner.is_string() || inner.is_object())
                });
                match wrapper.and_then(|name| members.remove(*name)) {
                    Some(inner) => inner,
                    None => return Ok(Value::Object(members)),
                }
            }
            other => return Ok(other),
        };
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_and_wrappers_are_taken_off() {
        let payload = json!({"channel_id": "1", "data": "stays"});
        let text = payload.to_string();
        for wrapped in [
            payload.clone(),
            json!(text),
            json!({"body": payload}),
            json!({"payload": text}),
            json!({"zap": 7, "data": {"body": text}}),
            json!(json!({"body": text}).to_string()),
        ] {
            assert_eq!(unwrap(wrapped.to_string().as_bytes()).expect("a payload"), payload, "{wrapped}");
        }
    }

    #[test]
    fn what_holds_no_json_is_refused_and_nothing_is_taken_off_for_ever() {
        assert!(unwrap(br#"{"body": "hello"}"#).is_err());
        let deep = (0..10).fold(json!({"channel_id": "1"}), |inner, _| json!({"body": inner}));
        assert!(unwrap(deep.to_string().as_bytes()).is_ok_and(|value| value.get("channel_id").is_none()));
    }
}
