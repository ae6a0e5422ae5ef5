//! The model's server: what it says when it is good, and each way in which it is not.
#![cfg(feature = "models")]

use std::time::{Duration, Instant};

use groundcrew_testkit::http::{Connection, Response};
use groundcrew_testkit::models::{Models, Reply};
use serde_json::{Value, json};

const OPENAI: &str = "/v1/chat/completions";
const ANTHROPIC: &str = "/v1/messages";

fn schema() -> Value {
    json!({"type": "object", "required": ["points"], "properties": {"points": {"type": "array", "items": {
        "type": "object",
        "properties": {"text": {"type": "string"}, "messages": {"type": "array", "items": {"type": "string"}}},
    }}}})
}

fn openai() -> Value {
    let prompt = "Read:\n{\"id\":\"L1\",\"text\":\"One.\"}\n{\"id\":\"L2\",\"text\":\"Two.\"}";
    json!({
        "model": "small", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "points", "schema": schema()}},
    })
}

fn anthropic() -> Value {
    let mut body = openai();
    body.as_object_mut().expect("an object").remove("response_format");
    body["tools"] = json!([{"name": "points", "input_schema": schema()}]);
    body["tool_choice"] = json!({"type": "tool", "name": "points"});
    body
}

async fn sent(models: &Models, path: &str, body: &Value) -> Connection {
    let body = body.to_string();
    let mut connection = Connection::open(models.addr()).await.expect("it listens");
    let head = format!("POST {path} HTTP/1.1\r\nhost: local\r\ncontent-length: {}\r\n\r\n", body.len());
    connection.send(head + &body).await.expect("it reads");
    connection
}

async fn ask(models: &Models, path: &str, body: &Value) -> Response {
    sent(models, path, body).await.response().await.expect("it answers")
}

fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).expect("JSON")
}

fn said(response: &Response) -> String {
    json_of(response)["choices"][0]["message"]["content"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_good_answer_fills_the_schema_and_cites_given_messages() {
    let models = Models::start().await.expect("a port");
    let answer = ask(&models, OPENAI, &openai()).await;
    let points: Value = serde_json::from_str(&said(&answer)).expect("JSON");
    let expected = json!([{"text": "One.", "messages": ["L1"]}, {"text": "Two.", "messages": ["L2"]}]);
    assert_eq!(points["points"], expected);
    let answer = json_of(&ask(&models, ANTHROPIC, &anthropic()).await);
    assert_eq!(
        (&answer["content"][0]["input"]["points"], &answer["stop_reason"]),
        (&expected, &json!("tool_use"))
    );
    let totals = models.totals();
    assert_eq!(totals.requests, 2);
    assert_eq!(answer["usage"]["input_tokens"].as_u64(), Some(totals.input_tokens / 2));
}

#[tokio::test]
async fn streams_carry_the_same_words() {
    let models = Models::start().await.expect("a port");
    let whole = said(&ask(&models, OPENAI, &openai()).await);
    let mut body = openai();
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let stream = ask(&models, OPENAI, &body).await;
    let text = stream.text();
    let chunks =
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let words: String =
        chunks.filter_map(|it| Some(it["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect();
    assert_eq!(words, whole);
    assert!(text.contains("\"prompt_tokens\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
    let mut body = anthropic();
    body["stream"] = json!(true);
    let text = ask(&models, ANTHROPIC, &body).await.text();
    let events =
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let words: String =
        events.filter_map(|it| Some(it["delta"]["partial_json"].as_str()?.to_owned())).collect();
    assert_eq!(words, whole);
}

#[tokio::test]
async fn the_script_comes_before_what_is_usual_and_then_it_is_over() {
    let models = Models::start().await.expect("a port");
    models.reply(Reply::Markdown);
    models.script([Reply::Fenced, Reply::Invented]);
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(said(&ask(&models, OPENAI, &openai()).await));
    }
    assert!(texts[0].starts_with("```json\n{") && texts[0].ends_with("```"), "{texts:?}");
    assert!(texts[1].contains("invented-0"), "{texts:?}");
    assert!(texts[2].contains("- One. [L1]"), "{texts:?}");
    models.reply_for("small", Reply::Text("only this".to_owned()));
    assert_eq!(said(&ask(&models, OPENAI, &openai()).await), "only this");
}

#[tokio::test]
async fn refusals_look_as_those_of_real_servers() {
    let models = Models::start().await.expect("a port");
    models.script([Reply::RateLimited(Duration::from_millis(1500)), Reply::Unauthorized, Reply::Failed(503)]);
    let limited = ask(&models, OPENAI, &openai()).await;
    assert_eq!(limited.status, 429);
    assert!(limited.headers.contains(&("retry-after".to_owned(), "2".to_owned())), "{:?}", limited.headers);
    let refused = ask(&models, ANTHROPIC, &anthropic()).await;
    assert_eq!((refused.status, &json_of(&refused)["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(ask(&models, OPENAI, &openai()).await.status, 503);
    models.refuse_member("response_format");
    assert_eq!(ask(&models, OPENAI, &openai()).await.status, 400);
    assert_eq!(ask(&models, ANTHROPIC, &anthropic()).await.status, 200);
}

#[tokio::test]
async fn truncation_ends_where_there_is_room_enough() {
    let models = Models::start().await.expect("a port");
    models.reply(Reply::TruncatedBelow(1000));
    let answer = json_of(&ask(&models, OPENAI, &openai()).await);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    let mut body = openai();
    body["max_tokens"] = json!(1000);
    assert_eq!(json_of(&ask(&models, OPENAI, &body).await)["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn bodies_are_cut_dripped_or_never_come() {
    let models = Models::start().await.expect("a port");
    models.script([Reply::Cut, Reply::Drip(Duration::from_millis(5)), Reply::Silence]);
    assert!(sent(&models, OPENAI, &openai()).await.response().await.is_err(), "half a body is no answer");
    let begun = Instant::now();
    assert_eq!(ask(&models, OPENAI, &openai()).await.status, 200);
    assert!(begun.elapsed() > Duration::from_millis(50), "it came {:?} after", begun.elapsed());
    let mut silent = sent(&models, OPENAI, &openai()).await;
    assert!(models.asked(3, Duration::from_secs(5)).await);
    let waited = tokio::time::timeout(Duration::from_millis(100), silent.response()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn streams_break_and_stall_in_their_middle() {
    let models = Models::start().await.expect("a port");
    models.script([Reply::Broken, Reply::Broken, Reply::Stalled]);
    for (path, mut body, error) in
        [(OPENAI, openai(), "server_error"), (ANTHROPIC, anthropic(), "event: error\ndata: ")]
    {
        body["stream"] = json!(true);
        let text = ask(&models, path, &body).await.text();
        assert!(text.contains("One.") && text.contains(error), "{text}");
        assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{text}");
    }
    let mut body = openai();
    body["stream"] = json!(true);
    let mut stalled = sent(&models, OPENAI, &body).await;
    assert!(models.asked(3, Duration::from_secs(5)).await);
    let waited = tokio::time::timeout(Duration::from_millis(100), stalled.response()).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn a_stream_may_lack_its_last_event_alone() {
    let models = Models::start().await.expect("a port");
    models.reply(Reply::Unended);
    for (path, mut body, reason, last) in [
        (OPENAI, openai(), r#""finish_reason":"stop""#, "[DONE]"),
        (ANTHROPIC, anthropic(), r#""stop_reason":"tool_use""#, "message_stop"),
    ] {
        body["stream"] = json!(true);
        let text = ask(&models, path, &body).await.text();
        assert!(text.contains(reason) && !text.contains(last), "{text}");
    }
}

#[tokio::test]
async fn other_processes_write_the_script_over_http() {
    let models = Models::start().await.expect("a port");
    let body = r#"["failed:500", "text:hello"]"#;
    let mut connection = Connection::open(models.addr()).await.expect("it listens");
    let head = format!("PUT /script HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection.send(head).await.expect("it reads");
    assert_eq!(connection.response().await.expect("an answer").status, 200);
    assert_eq!(ask(&models, OPENAI, &openai()).await.status, 500);
    assert_eq!(said(&ask(&models, OPENAI, &openai()).await), "hello");
    let totals = groundcrew_testkit::http::get(models.addr(), "/totals").await.expect("an answer");
    assert_eq!(json_of(&totals)["requests"], 2);
}
