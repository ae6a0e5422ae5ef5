//! The JSON schema of an answer, strict enough for servers that hold the model to it.

use serde_json::{Value, json};

/// Its name, as servers want one.
pub(crate) const NAME: &str = "conversation_summary";

/// The schema.
pub(crate) fn schema() -> Value {
    let text = json!({"type": "string"});
    let maybe = json!({"type": ["string", "null"]});
    let ids = json!({"type": "array", "items": {"type": "string"}});
    let list = |of: Value| json!({"type": "array", "items": of});
    let claim = object(&json!({"text": text, "messages": ids}));
    let task = object(&json!({
        "description": text, "assignee": maybe,
        "priority": {"type": "string", "enum": ["medium", "high", "low"]},
        "deadline": maybe, "messages": ids,
    }));
    object(&json!({
        "summary": list(claim.clone()),
        "key_points": list(claim.clone()),
        "decisions": list(claim.clone()),
        "action_items": list(task),
        "open_questions": list(claim),
    }))
}

/// Every member is required and no other is allowed, as strict schemas have to be.
fn object(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(|it| it.keys()).collect();
    json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties})
}
