//! Anthropic's messages. The schema is that of a tool which the model has to call.

use serde_json::{Value, json};

use super::dialect::{Format, Part, Wording};
use super::say::{Question, Said};
use super::schema::{NAME, schema};

/// The version of the protocol, for its header.
pub(crate) const VERSION: &str = "2023-06-01";

/// The body of a request.
pub(crate) fn body(model: &str, question: &Question, wording: Wording) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": question.room,
        "system": question.system,
        "messages": [{"role": "user", "content": question.user}],
    });
    if let Some(temperature) = question.temperature.filter(|_| wording.has(Part::Temperature)) {
        body["temperature"] = json!(temperature.min(1.0));
    }
    if wording.format == Format::Schema {
        body["tools"] = json!([{
            "name": NAME, "description": "Takes the summary.", "input_schema": schema(),
        }]);
        body["tool_choice"] = json!({"type": "tool", "name": NAME});
    }
    if wording.has(Part::Stream) {
        body["stream"] = json!(true);
    }
    body
}

/// An answer in one piece; `None` if it is none.
pub(crate) fn whole(answer: &Value) -> Option<Said> {
    let mut said = Said::default();
    for block in answer["content"].as_array()? {
        match block["type"].as_str() {
            Some("tool_use") => said.text.push_str(&block["input"].to_string()),
            Some("text") => said.text.push_str(block["text"].as_str().unwrap_or_default()),
            _ => {}
        }
    }
    finish(&answer["stop_reason"], &mut said);
    usage(&answer["usage"], &mut said);
    Some(said)
}

/// A part of a streamed answer; whether it was the last.
pub(crate) fn event(data: &str, said: &mut Said) -> Option<bool> {
    let event: Value = serde_json::from_str(data).ok()?;
    match event["type"].as_str()? {
        "message_start" => usage(&event["message"]["usage"], said),
        "content_block_delta" => {
            let delta = &event["delta"];
            let piece = delta["partial_json"].as_str().or_else(|| delta["text"].as_str());
            said.text.push_str(piece.unwrap_or_default());
        }
        "message_delta" => {
            finish(&event["delta"]["stop_reason"], said);
            usage(&event["usage"], said);
        }
        "message_stop" => return Some(true),
        "error" => return None,
        _ => {}
    }
    Some(false)
}

fn finish(reason: &Value, said: &mut Said) {
    said.finished |= reason.is_string();
    said.cut |= reason == "max_tokens";
    said.withheld |= reason == "refusal";
}

fn usage(usage: &Value, said: &mut Said) {
    // What is read from or written to the provider's cache was sent, too.
    let sent = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    if usage["input_tokens"].is_u64() {
        said.input = Some(sent.iter().filter_map(|name| usage[*name].as_u64()).sum());
    }
    said.output = usage["output_tokens"].as_u64().or(said.output);
}
