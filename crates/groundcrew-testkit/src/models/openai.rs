//! OpenAI's chat completions.

use serde_json::{Value, json};

use super::said::tokens;
use super::speech::Output;

/// The answer as one body.
pub(super) fn whole(asked: &Value, output: &Output) -> String {
    json!({
        "id": "chatcmpl-local", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": output.text},
            "finish_reason": reason(output),
        }],
        "usage": usage(output),
    })
    .to_string()
}

/// The answer as events.
pub(super) fn events(asked: &Value, output: &Output) -> Vec<String> {
    let chunk = |delta: Value, reason: Value| {
        json!({
            "id": "chatcmpl-local", "object": "chat.completion.chunk", "created": 1, "model": asked["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        })
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    chunks.extend(output.pieces().map(|piece| chunk(json!({"content": piece}), Value::Null)));
    chunks.push(chunk(json!({}), json!(reason(output))));
    if asked.pointer("/stream_options/include_usage") == Some(&json!(true)) {
        let mut last = chunk(Value::Null, Value::Null);
        last["choices"] = json!([]);
        last["usage"] = usage(output);
        chunks.push(last);
    }
    let events = chunks.into_iter().map(|chunk| format!("data: {chunk}\n\n"));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// A refusal.
pub(super) fn error(kind: &str, code: &str, message: &str) -> String {
    json!({"error": {"message": message, "type": kind, "code": code, "param": null}}).to_string()
}

/// How many tokens the answer may have.
pub(super) fn room(asked: &Value) -> Option<u64> {
    asked["max_completion_tokens"].as_u64().or_else(|| asked["max_tokens"].as_u64())
}

fn reason(output: &Output) -> &'static str {
    if output.cut { "length" } else { "stop" }
}

fn usage(output: &Output) -> Value {
    let (input, said) = (output.input_tokens, tokens(&output.text));
    json!({"prompt_tokens": input, "completion_tokens": said, "total_tokens": input + said})
}
