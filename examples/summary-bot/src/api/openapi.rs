//! The OpenAPI 3.1 document: what each route says of itself, put together.

use groundcrew::http::axum::Router;
use groundcrew::http::axum::http::header::CONTENT_TYPE;
use groundcrew::http::axum::routing::get;
use serde_json::{Value, json};

use super::{
    API_SUMMARIZE, CHANNEL_FEED, FEED, GUILD_FEED, JOB, JOB_EVENTS, SETTINGS, SUMMARIES, SUMMARIZE, SUMMARY,
    USAGE,
};
use super::{
    compatible, create, events, feeds, jobs, list, one, repeats, schedules, schemas, security, settings,
    usage, webhooks,
};
use crate::auth::{ME, key_paths, key_schemas, me_operation, me_schema, token_paths, token_schema};
use crate::replay;

pub(super) fn routes() -> Router {
    let document = document().to_string();
    let answer = move || std::future::ready(([(CONTENT_TYPE, "application/json")], document.clone()));
    Router::new().route("/openapi.json", get(answer))
}

/// The whole document.
pub(crate) fn document() -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Summary Bot",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "Summarises conversations: Discord exports, arrays of messages, chat logs. Every error is \
                a problem (RFC 9457) with a stable `code` and the `request_id`.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "summaries", "description": "Make summaries, read them again, delete them."},
            {"name": "webhooks", "description": "Be told of summaries."},
            {"name": "jobs", "description": "Summaries that are made later."},
            {"name": "schedules", "description": "Summaries that come again and again."},
            {"name": "compatible", "description": "The same with the fields of other summary bots."},
            {"name": "servers", "description": "What holds for a Discord server."},
            {"name": "feeds", "description": "Summaries for feed readers."},
            {"name": "access", "description": "Who asks, and what they may."},
        ],
        "paths": {
            SUMMARIES: {"post": create::operation(), "get": list::operation()},
            SUMMARY: {"get": one::read_operation(), "delete": one::delete_operation()},
            JOB: {"get": jobs::read_operation(), "delete": jobs::cancel_operation()},
            JOB_EVENTS: {"get": events::operation()},
            SUMMARIZE: {"post": compatible::operation("summarize")},
            API_SUMMARIZE: {"post": compatible::operation("summarize_channel")},
            SETTINGS: settings::path(),
            USAGE: {"get": usage::operation()},
            FEED: {"get": feeds::operation("feed_all", &[])},
            GUILD_FEED: {"get": feeds::operation("feed_guild", &["guild_id"])},
            CHANNEL_FEED: {"get": feeds::operation("feed_channel", &["guild_id", "channel_id"])},
        },
        "components": {"schemas": schemas::all(), "securitySchemes": security::schemes()},
    });
    add(&mut document["paths"], webhooks::paths());
    add(&mut document["components"]["schemas"], webhooks::schemas());
    add(&mut document["paths"], schedules::paths().into_iter().collect());
    add(&mut document["components"]["schemas"], schedules::schemas().into_iter().collect());
    add(&mut document["components"]["schemas"], settings::schemas());
    add(&mut document["components"]["schemas"], usage::schemas());
    for (path, operations) in
        key_paths().into_iter().chain(token_paths()).chain([(ME, json!({"get": me_operation()}))])
    {
        document["paths"][path] = operations;
    }
    for (name, schema) in
        key_schemas().into_iter().chain([("Me", me_schema()), ("TokenPair", token_schema())])
    {
        document["components"]["schemas"][name] = schema;
    }
    repeats::tell(&mut document);
    security::require(&mut document);
    document
}

/// Adds the members of one object to another.
fn add(object: &mut Value, members: Value) {
    if let (Value::Object(object), Value::Object(members)) = (object, members) {
        object.extend(members);
    }
}

/// A reference to a schema of ours.
pub(crate) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The header that makes it safe to send a request again.
pub(super) fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "schema": {"type": "string", "minLength": 1, "maxLength": replay::LONGEST, "pattern": "^[!-~]+$"},
        "description": "Of the client's choice, new for each request: the same request with the same key is done once \
            and answered the same for `api.keep_answers` (24 h), then with `Idempotency-Replayed: true`.",
    })
}

/// An answer with a JSON body.
pub(crate) fn answer(description: &str, of: &str) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema(of)}}})
}

/// An answer that is a problem with one of these codes.
pub(crate) fn problem(codes: &str) -> Value {
    json!({
        "description": codes,
        "content": {"application/problem+json": {"schema": schema("Problem")}},
    })
}

/// A problem that says when to try again.
pub(crate) fn later(codes: &str) -> Value {
    let mut answer = problem(codes);
    answer["headers"] = json!({"Retry-After": {
        "description": "Seconds after which it is worth trying again.",
        "schema": {"type": "integer", "minimum": 0},
    }});
    answer
}
