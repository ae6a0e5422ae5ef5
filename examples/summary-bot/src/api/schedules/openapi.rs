//! What the OpenAPI document says of schedules.

use serde_json::{Value, json};

use super::{PAUSE, RESUME, RUN, SCHEDULE, SCHEDULES};
use crate::Perspective;
use crate::api::list::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::api::openapi::{answer, later, problem, schema};
use crate::plans::{Day, Every};

/// Each path with its operations.
pub(in crate::api) fn paths() -> [(&'static str, Value); 5] {
    let pause = one(
        "pause_schedule",
        "Let a schedule wait",
        "200",
        "The schedule. What comes meanwhile is left out.",
    );
    let resume = one("resume_schedule", "Let a schedule come again", "200", "The schedule.");
    let run =
        one("run_schedule", "Run a schedule now", "202", "The schedule; how the run went will stand in it.");
    [
        (SCHEDULES, json!({"post": create(), "get": list()})),
        (
            SCHEDULE,
            json!({
                "get": one("get_schedule", "Read a schedule", "200", "The schedule."),
                "patch": update(),
                "delete": remove(),
            }),
        ),
        (PAUSE, json!({"post": pause})),
        (RESUME, json!({"post": resume})),
        (RUN, json!({"post": run})),
    ]
}

/// The schemas, by name.
pub(in crate::api) fn schemas() -> [(&'static str, Value); 6] {
    let mut change = brief();
    change["description"] = json!("What is to be another; null is as by default (RFC 7396).");
    if let Some(members) = change.as_object_mut() {
        members.remove("required");
    }
    change["properties"]["timing"] = json!({"type": "object", "description": "Members of `Timing`."});
    let page = json!({
        "type": "object",
        "description": "A page of schedules.",
        "required": ["items", "next_cursor"],
        "additionalProperties": false,
        "properties": {
            "items": {"type": "array", "items": schema("Schedule"), "description": "The oldest first."},
            "next_cursor": text_or_null("What to pass as `cursor` for the next page; null at the end."),
        },
    });
    [
        ("NewSchedule", brief()),
        ("ScheduleChange", change),
        ("Schedule", schedule()),
        ("Timing", timing()),
        ("Destination", destination()),
        ("SchedulePage", page),
    ]
}

fn id() -> Value {
    json!({"type": "string", "pattern": "^[1-9][0-9]{0,18}$", "description": "An id of Discord's."})
}

fn ids(description: &str, least: u8) -> Value {
    json!({"type": "array", "items": id(), "minItems": least, "maxItems": 25, "description": description})
}

fn text_or_null(description: &str) -> Value {
    json!({"type": ["string", "null"], "description": description})
}

fn brief() -> Value {
    let perspectives: Vec<Option<&str>> =
        Perspective::ALL.into_iter().map(|(name, _)| Some(name)).chain([None]).collect();
    json!({
        "type": "object",
        "description": "A schedule: what is summarised when, and who gets it.",
        "required": ["name", "guild_id", "channels", "timing", "destinations"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 100, "description": "Unique in the server."},
            "guild_id": id(),
            "channels": ids("Channels, threads, forums and categories.", 1),
            "exclude_channels": ids("Not these, even if a category holds them.", 0),
            "timing": schema("Timing"),
            "period": text_or_null("How far to look back: `24h`, `7d`, from 5 minutes to 31 days; by default to the \
                time before."),
            "length": {"type": ["string", "null"], "enum": ["brief", "detailed", "comprehensive", null],
                "description": "By default as the server has it."},
            "perspective": {"type": ["string", "null"], "enum": perspectives,
                "description": "By default as the server has it."},
            "language": text_or_null("The language to write in, as a code; by default as the server has it, or the \
                conversation's own."),
            "mode": {"type": "string", "enum": ["combined", "individual"], "description": "One summary of all \
                channels, or one of each."},
            "threads": {"type": "boolean", "description": "The public threads of the channels, too; true by default."},
            "include_bots": {"type": ["boolean", "null"], "description": "Count what programs wrote; by default as the \
                server has it."},
            "exclude_users": ids("Not what these users wrote; those that the server leaves out are left out anyway.", 0),
            "missed": {"type": "string", "enum": ["once", "skip"], "description": "What follows when nobody was \
                there at the time: one run later, or none."},
            "destinations": {"type": "array", "items": schema("Destination"), "minItems": 1, "maxItems": 25},
        },
    })
}

fn timing() -> Value {
    json!({
        "type": "object",
        "description": "When a schedule comes. When the clocks change, a time of the day comes once all the same.",
        "required": ["kind"],
        "additionalProperties": false,
        "properties": {
            "kind": {"type": "string", "enum": Every::ALL.map(Every::name)},
            "at": text_or_null("`09:00` (the default); for `hourly` the minute as `00:15`; for `once` \
                `2026-04-01T09:00`."),
            "days": {"type": "array", "items": {"type": "string", "enum": Day::ALL.map(Day::name)},
                "description": "One for `weekly` (Monday by default), two for `half-weekly` (Monday and Thursday), any \
                for `daily` and `hourly`."},
            "day": text_or_null("For `monthly`: `1` (the default) to `28`, or `last`."),
            "cron": text_or_null("For `cron`: five fields, such as `0 9 * * 1-5`."),
            "zone": text_or_null("The time zone, such as `Europe/Berlin`; UTC by default."),
        },
    })
}

fn destination() -> Value {
    let only = |name: &str, of: Value| json!({"type": "object", "required": [name], "additionalProperties": false, "properties": {name: of}});
    json!({
        "description": "Where the summaries go. Of a webhook's URL only the host is shown.",
        "oneOf": [
            only("channel", id()),
            only("webhook", json!({"type": "string", "format": "uuid", "description": "A webhook of `/webhooks`."})),
            only("webhook_url", json!({"type": "string", "description": "An `https` URL."})),
            only("email", json!({"type": "string", "description": "A mail address."})),
        ],
    })
}

fn schedule() -> Value {
    let mut schedule = brief();
    let more = json!({
        "id": {"type": "string", "format": "uuid"},
        "expression": {"type": "string", "description": "The timing as an expression."},
        "state": {"type": "string", "enum": ["waiting", "paused", "over"]},
        "paused_because": text_or_null("Why it is paused; too many failures in a row pause it, too."),
        "next_times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        "created_at": {"type": "string", "format": "date-time"},
        "created_by": text_or_null("Who made it."),
        "last_run": text_or_null("When it was run last."),
        "last_outcome": {"type": ["string", "null"], "enum": ["summarised", "quiet", "failed", null],
            "description": "How that went; `quiet` if too little was said."},
        "last_summary": text_or_null("The path of its last summary."),
        "last_error": text_or_null("Why there was none, or where it could not be sent."),
        "failures": {"type": "integer", "minimum": 0, "description": "How many runs in a row have failed."},
    });
    for (name, of) in more.as_object().into_iter().flatten() {
        schedule["properties"][name] = of.clone();
    }
    let names: Vec<String> =
        schedule["properties"].as_object().into_iter().flat_map(|members| members.keys().cloned()).collect();
    schedule["required"] = json!(names);
    schedule
}

/// What follows for one that is named, with an answer of this status.
fn one(operation: &str, summary: &str, status: &str, description: &str) -> Value {
    json!({
        "operationId": operation,
        "tags": ["schedules"],
        "summary": summary,
        "parameters": [id_parameter()],
        "responses": {
            status: answer(description, "Schedule"),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

fn create() -> Value {
    let body = json!({"required": true, "content": {"application/json": {
        "schema": schema("NewSchedule"),
        "example": {
            "name": "the week", "guild_id": "175928847299117063", "channels": ["175928847299117064"],
            "timing": {"kind": "weekly", "at": "09:00", "days": ["mon"], "zone": "Europe/Berlin"},
            "destinations": [{"channel": "175928847299117065"}],
        },
    }}});
    let mut created = answer("The schedule.", "Schedule");
    created["headers"] = json!({"Location": {"description": "Its path.", "schema": {"type": "string"}}});
    json!({
        "operationId": "create_schedule",
        "tags": ["schedules"],
        "summary": "Make a schedule",
        "requestBody": body,
        "responses": with_body(&json!({
            "201": created,
            "409": problem("`SCHEDULE_EXISTS`, `TOO_MANY_SCHEDULES`."),
        })),
    })
}

fn update() -> Value {
    json!({
        "operationId": "update_schedule",
        "tags": ["schedules"],
        "summary": "Change a schedule",
        "description": "Another timing counts from then on; everything else leaves the next time as it is.",
        "parameters": [id_parameter()],
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema("ScheduleChange")}}},
        "responses": with_body(&json!({
            "200": answer("The schedule.", "Schedule"),
            "404": problem("`NOT_FOUND`."),
            "409": problem("`SCHEDULE_EXISTS`."),
        })),
    })
}

fn with_body(responses: &Value) -> Value {
    let mut all = json!({
        "400": problem("`INVALID_REQUEST`: with the field in `field`, and all that is wrong in `errors`; `INVALID_JSON`."),
        "403": problem("`CROSS_SITE`."),
        "413": problem("`BODY_TOO_LARGE`."),
        "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
        "429": later("`RATE_LIMITED`."),
        "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
    });
    for (status, response) in responses.as_object().into_iter().flatten() {
        all[status] = response.clone();
    }
    all
}

fn remove() -> Value {
    let mut operation = one("delete_schedule", "Delete a schedule", "204", "");
    operation["responses"]["204"] = json!({"description": "It is gone; its summaries stay."});
    operation
}

fn list() -> Value {
    json!({
        "operationId": "list_schedules",
        "tags": ["schedules"],
        "summary": "List schedules, the oldest first",
        "parameters": [
            {"name": "guild_id", "in": "query", "required": false, "description": "Only of this server. People name one of theirs.", "schema": id()},
            {"name": "limit", "in": "query", "required": false, "description": "Schedules per page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}},
            {"name": "cursor", "in": "query", "required": false,
                "description": "`next_cursor` of the page before.", "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
        ],
        "responses": {
            "200": answer("A page; the header `Link` names the next one.", "SchedulePage"),
            "400": problem("`INVALID_REQUEST`: with the parameter in `field`."),
            "404": problem("`NOT_FOUND`: no server of theirs."),
            "403": problem("`CROSS_SITE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}

fn id_parameter() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The schedule's id.",
        "schema": {"type": "string", "format": "uuid"},
    })
}
