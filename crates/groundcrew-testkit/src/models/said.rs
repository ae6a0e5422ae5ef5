//! What a request gives to read: its texts, the messages in them, and the schema that is asked for.

use serde_json::Value;

/// A message of a conversation, found in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) id: String,
    pub(super) text: String,
}

/// Every text of a request, one after the other.
pub(super) fn prompt(body: &Value) -> String {
    let mut texts = Vec::new();
    if let Some(system) = body.get("system") {
        collect(system, &mut texts);
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        collect(&message["content"], &mut texts);
    }
    texts.join("\n")
}

fn collect<'a>(content: &'a Value, texts: &mut Vec<&'a str>) {
    match content {
        Value::String(text) => texts.push(text),
        Value::Array(parts) => texts.extend(parts.iter().filter_map(|part| part["text"].as_str())),
        _ => {}
    }
}

/// The messages: JSON objects, each on a line of its own or several in a row, with an id and a text.
pub(super) fn given(prompt: &str) -> Vec<Given> {
    let mut found = Vec::new();
    for line in prompt.lines().filter(|line| line.trim_start().starts_with('{')) {
        for value in serde_json::Deserializer::from_str(line).into_iter::<Value>().map_while(Result::ok) {
            let text = value["text"].as_str().or_else(|| value["content"].as_str());
            let id = match &value["id"] {
                Value::String(id) => Some(id.clone()),
                Value::Number(id) => Some(id.to_string()),
                _ => None,
            };
            if let (Some(id), Some(text)) = (id, text) {
                found.push(Given { id, text: text.to_owned() });
            }
        }
    }
    found
}

/// The schema: where either protocol has it, else a line of the prompt that is one.
pub(super) fn schema(body: &Value, prompt: &str) -> Option<Value> {
    let openai = body.pointer("/response_format/json_schema/schema");
    let anthropic = body.pointer("/tools/0/input_schema");
    let in_words = || {
        let lines = prompt.lines().map(str::trim).filter(|line| line.starts_with('{'));
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|value| value["type"] == "object" && value["properties"].is_object())
    };
    openai.or(anthropic).cloned().or_else(in_words)
}

/// About how many tokens a text has.
pub(super) fn tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
