//! What the OpenAPI document says of webhooks.

use serde_json::{Value, json};

use super::super::openapi::{answer, later, problem, schema};
use super::super::schemas::{count, list, object, optional, text};
use super::{DELIVERIES, ENABLE, LONGEST, REPLAY, SECRET, WEBHOOK, WEBHOOKS};
use crate::webhooks::EVENTS;

/// The paths.
pub(in crate::api) fn paths() -> Value {
    json!({
        WEBHOOKS: {"post": create(), "get": listing()},
        WEBHOOK: {
            "get": operation("get_webhook", "Read a webhook", &json!({"200": answer("The webhook.", "Webhook")})),
            "delete": operation("delete_webhook", "Delete a webhook, with the log of its deliveries",
                &json!({"204": {"description": "It is gone, and is told nothing any more."}})),
        },
        SECRET: {"post": operation("rotate_webhook", "Give a webhook another secret",
            &json!({"200": answer("The webhook with its new `secret`, which is not shown again. The one before is \
                signed with, too, until `previous_secret_until`.", "WebhookWithSecret")}))},
        ENABLE: {"post": operation("enable_webhook", "Enable a webhook that was disabled",
            &json!({"200": answer("The webhook.", "Webhook")}))},
        DELIVERIES: {"get": deliveries()},
        REPLAY: {"post": replay()},
    })
}

/// The schemas.
pub(in crate::api) fn schemas() -> Value {
    let webhook = webhook();
    let mut with_secret = webhook.clone();
    with_secret["secret"] = text("What its messages are signed with (`whsec_…`): shown now and never again.");
    json!({
        "NewWebhook": {
            "type": "object",
            "description": "Somebody who wants to be told.",
            "required": ["url"],
            "additionalProperties": false,
            "properties": {
                "url": {"type": "string", "maxLength": 2048,
                    "description": "Where to send: `https`, a host with a public name, no credentials."},
                "description": {"type": "string", "maxLength": LONGEST, "description": "What it is for."},
                "guild_id": {"type": ["string", "null"], "pattern": "^[0-9]{1,20}$",
                    "description": "Only of this server of Discord's. People name one of theirs."},
                "events": {"type": ["array", "null"], "minItems": 1, "items": {"type": "string", "enum": EVENTS},
                    "description": "What to be told of; everything by default."},
            },
        },
        "Webhook": object("Somebody who is told.", &webhook),
        "WebhookWithSecret": object("A webhook with a new secret.", &with_secret),
        "Webhooks": object("All webhooks.", &json!({"items": list("Webhook", "The webhooks, the oldest first.")})),
        "Attempt": object("One attempt to deliver.", &json!({
            "at": {"type": "string", "format": "date-time"},
            "status": optional("integer", "What the receiver answered; null if it did not."),
            "duration_ms": count("How long it took, in milliseconds."),
            "error": optional("string", "Why there was no answer."),
        })),
        "Delivery": object("One event for one webhook.", &json!({
            "id": text("Its id, which the header `webhook-id` carries at every attempt."),
            "event": {"type": "string", "enum": EVENTS},
            "state": {"type": "string", "enum": ["pending", "succeeded", "dead", "cancelled"],
                "description": "`dead`: tried often enough; `cancelled`: the summary or the webhook is gone or disabled."},
            "created_at": {"type": "string", "format": "date-time"},
            "summary": optional("string", "The path of the summary that it tells of."),
            "job": optional("string", "The path of the job that it tells of."),
            "attempts": list("Attempt", "The last attempts, the oldest first."),
        })),
        "Deliveries": object("A page of deliveries.", &json!({
            "items": list("Delivery", "The deliveries, the newest first."),
            "next_cursor": optional("string", "What to pass as `cursor` for older ones; null at the end."),
        })),
    })
}

fn webhook() -> Value {
    json!({
        "id": {"type": "string", "format": "uuid"},
        "created_at": {"type": "string", "format": "date-time"},
        "url": text("Where to send."),
        "description": text("What it is for."),
        "guild_id": optional("string", "Only of this server of Discord's."),
        "events": {"type": "array", "items": {"type": "string", "enum": EVENTS}},
        "disabled": optional("string", "Why it is told nothing any more; null while it is."),
        "failing_since": optional("string", "Since when nothing has reached it."),
        "previous_secret_until": optional("string", "Until when the secret before is signed with, too."),
    })
}

fn create() -> Value {
    json!({
        "operationId": "create_webhook",
        "tags": ["webhooks"],
        "summary": "Be told of summaries",
        "description": "Messages are signed by the Standard Webhooks convention. Private summaries are told nobody of.",
        "requestBody": {
            "required": true,
            "content": {"application/json": {
                "schema": schema("NewWebhook"),
                "example": {"url": "https://hooks.example.com/summaries", "events": ["summary.created"]},
            }},
        },
        "responses": {
            "201": {
                "description": "It is kept. `secret` is not shown again.",
                "headers": {"Location": {"description": "Its path.", "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schema("WebhookWithSecret")}},
            },
            "400": problem("`INVALID_JSON`, `INVALID_REQUEST` with the `field`: a URL that is refused, too."),
            "403": problem("`CROSS_SITE`."),
            "408": problem("`REQUEST_TIMEOUT`."),
            "409": problem("`TOO_MANY_WEBHOOKS`."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

fn listing() -> Value {
    json!({
        "operationId": "list_webhooks",
        "tags": ["webhooks"],
        "summary": "List webhooks",
        "parameters": [{
            "name": "guild_id", "in": "query", "required": false,
            "description": "Only of this server of Discord's. People name one of theirs.",
            "schema": {"type": "string", "pattern": "^[0-9]{1,20}$"},
        }],
        "responses": {
            "200": answer("All of them; there are not many.", "Webhooks"),
            "400": problem("`INVALID_REQUEST`: with the parameter in `field`."),
            "404": problem("`NOT_FOUND`: no server of theirs."),
            "403": problem("`CROSS_SITE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

fn deliveries() -> Value {
    let answers = json!({
        "200": answer("A page; the header `Link` names the next one.", "Deliveries"),
        "400": problem("`INVALID_REQUEST`: with the parameter in `field`."),
    });
    let mut operation = operation("list_deliveries", "What a webhook was told, the newest first", &answers);
    operation["parameters"] = json!([
        id("id", "The webhook's id."),
        {"name": "limit", "in": "query", "required": false, "description": "Entries per page.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}},
        {"name": "cursor", "in": "query", "required": false, "description": "`next_cursor` of the page before.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
    ]);
    operation
}

fn replay() -> Value {
    let answers = json!({
        "202": answer("It will be sent again, under the same id.", "Delivery"),
        "409": problem("`DELIVERY_PENDING`, `WEBHOOK_DISABLED`."),
    });
    let mut operation = operation("replay_delivery", "Send a delivery again that is over", &answers);
    operation["parameters"] = json!([id("id", "The webhook's id."), id("delivery", "The delivery's id.")]);
    operation
}

/// An operation on one webhook, with these answers and those that each has.
fn operation(name: &str, summary: &str, answers: &Value) -> Value {
    let mut responses = json!({
        "403": problem("`CROSS_SITE`."),
        "404": problem("`NOT_FOUND`."),
        "429": later("`RATE_LIMITED`."),
        "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
    });
    for (status, answer) in answers.as_object().into_iter().flatten() {
        responses[status] = answer.clone();
    }
    json!({
        "operationId": name,
        "tags": ["webhooks"],
        "summary": summary,
        "parameters": [id("id", "The webhook's id.")],
        "responses": responses,
    })
}

fn id(name: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": description,
        "schema": {"type": "string", "format": "uuid"},
    })
}
