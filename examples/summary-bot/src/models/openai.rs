//! OpenAI's chat completions, as OpenAI and everybody who copies it speaks them.

use serde_json::{Value, json};

use super::dialect::{Format, Part, Wording};
use super::say::{Question, Said};
use super::schema::{NAME, schema};

/// The body of a request.
pub(crate) fn body(model: &str, question: &Question, wording: Wording) -> Value {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
    });
    let room = if wording.has(Part::CompletionTokens) { "max_completion_tokens" } else { "max_tokens" };
    body[room] = json!(question.room);
    if let Some(temperature) = question.temperature.filter(|_| wording.has(Part::Temperature)) {
        body["temperature"] = json!(temperature);
    }
    match wording.format {
        Format::Schema => {
            let schema = json!({"name": NAME, "strict": true, "schema": schema()});
            body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        Format::Json => body["response_format"] = json!({"type": "json_object"}),
        Format::Words => {}
    }
    if wording.has(Part::Stream) {
        body["stream"] = json!(true);
        if wording.has(Part::StreamOptions) {
            body["stream_options"] = json!({"include_usage": true});
        }
    }
    body
}

/// An answer in one piece; `None` if it is none.
pub(crate) fn whole(answer: &Value) -> Option<Said> {
    let mut said = Said::default();
    let choice = answer.pointer("/choices/0")?;
    said.text = text(&choice["message"]["content"])?;
    said.withheld = choice["message"]["refusal"].is_string();
    finish(&choice["finish_reason"], &mut said);
    usage(answer, &mut said);
    Some(said)
}

/// A part of a streamed answer; whether it was the last.
pub(crate) fn event(data: &str, said: &mut Said) -> Option<bool> {
    if data == "[DONE]" {
        return Some(true);
    }
    let event: Value = serde_json::from_str(data).ok()?;
    if !event["error"].is_null() {
        return None;
    }
    if let Some(choice) = event.pointer("/choices/0") {
        said.text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        said.withheld |= choice["delta"]["refusal"].is_string();
        finish(&choice["finish_reason"], said);
    }
    usage(&event, said);
    Some(false)
}

fn text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

fn finish(reason: &Value, said: &mut Said) {
    said.finished |= reason.is_string();
    said.cut |= reason == "length";
    said.withheld |= reason == "content_filter";
}

fn usage(value: &Value, said: &mut Said) {
    let count = |name: &str| value["usage"][name].as_u64();
    said.input = count("prompt_tokens").or(said.input);
    said.output = count("completion_tokens").or(said.output);
}
