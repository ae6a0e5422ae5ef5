//! Anthropic's messages.

use serde_json::{Value, json};

use super::said::tokens;
use super::speech::Output;

/// The answer as one body.
pub(super) fn whole(asked: &Value, output: &Output) -> String {
    json!({
        "id": "msg_local", "type": "message", "role": "assistant", "model": asked["model"],
        "content": [block(asked, output)],
        "stop_reason": reason(asked, output), "stop_sequence": null,
        "usage": {"input_tokens": output.input_tokens, "output_tokens": tokens(&output.text)},
    })
    .to_string()
}

/// The answer as events.
pub(super) fn events(asked: &Value, output: &Output) -> Vec<String> {
    let tool = called(asked, output);
    let start = json!({"type": "message_start", "message": {
        "id": "msg_local", "type": "message", "role": "assistant", "model": asked["model"], "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": output.input_tokens, "output_tokens": 1},
    }});
    let opened = match &tool {
        Some((name, _)) => json!({"type": "tool_use", "id": "toolu_local", "name": name, "input": {}}),
        None => json!({"type": "text", "text": ""}),
    };
    let delta = |piece: &str| match &tool {
        Some(_) => json!({"type": "input_json_delta", "partial_json": piece}),
        None => json!({"type": "text_delta", "text": piece}),
    };
    let mut events = vec![start, json!({"type": "content_block_start", "index": 0, "content_block": opened})];
    events.push(json!({"type": "ping"}));
    let pieces = output.pieces();
    events.extend(pieces.map(|it| json!({"type": "content_block_delta", "index": 0, "delta": delta(it)})));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason(asked, output), "stop_sequence": null},
        "usage": {"output_tokens": tokens(&output.text)},
    }));
    events.push(json!({"type": "message_stop"}));
    let kind = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", kind(event))).collect()
}

/// A refusal.
pub(super) fn error(kind: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

fn block(asked: &Value, output: &Output) -> Value {
    match called(asked, output) {
        Some((name, input)) => json!({"type": "tool_use", "id": "toolu_local", "name": name, "input": input}),
        None => json!({"type": "text", "text": output.text}),
    }
}

/// The tool that is called, and with what: only where what is said reads as JSON, or was cut off.
fn called(asked: &Value, output: &Output) -> Option<(String, Value)> {
    let name = asked.pointer("/tool_choice/name")?.as_str()?.to_owned();
    match serde_json::from_str::<Value>(&output.text) {
        Ok(input) if input.is_object() => Some((name, input)),
        _ if output.cut => Some((name, json!({}))),
        _ => None,
    }
}

fn reason(asked: &Value, output: &Output) -> &'static str {
    match called(asked, output) {
        _ if output.cut => "max_tokens",
        Some(_) => "tool_use",
        None => "end_turn",
    }
}
