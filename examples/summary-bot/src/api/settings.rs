//! `/api/v1/guilds/{guild_id}/settings`: what holds for a server, who said so, and changing it.

use bytes::Bytes;
use groundcrew::auth::Principal;
use groundcrew::http::axum::extract::rejection::{BytesRejection, PathRejection};
use groundcrew::http::axum::extract::{Path, State};
use groundcrew::http::axum::http::header::{ETAG, IF_MATCH};
use groundcrew::http::axum::http::{Extensions, HeaderMap, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::http::{Json, Problem};
use serde_json::{Value, json};

use super::openapi::{later, problem, schema};
use super::{App, asker, visible};
use crate::auth::Deed;
use crate::settings::{Change, Effective, Key};

/// Who has changed something where nobody is asked who they are.
const SOMEBODY: &str = "api";

pub(super) async fn read(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let guild = guild(&app, &who, path).await?;
    Ok(shown(&guild, &app.settings.effective(&guild).await?))
}

pub(super) async fn change(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let guild = guild(&app, &who, path).await?;
    let expected = expected(&headers)?;
    let body: Value = serde_json::from_slice(&body?).map_err(|error| Problem::from_json(&error, None))?;
    let change = Change::of_json(&body)?;
    let by = asker(&extensions).unwrap_or_else(|| SOMEBODY.to_owned());
    Ok(shown(&guild, &app.settings.change(&guild, &by, expected, change).await?))
}

pub(super) async fn reset(
    State(app): State<App>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let guild = guild(&app, &who, path).await?;
    Ok(shown(&guild, &app.settings.reset(&guild).await?))
}

fn shown(guild: &str, settings: &Effective) -> Response {
    ([(ETAG, format!("\"{}\"", settings.version))], Json(settings.to_json(guild))).into_response()
}

/// The version that whoever changes it has seen.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(tag) = headers.get(IF_MATCH) else { return Ok(None) };
    let tag = tag.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(None);
    }
    let version = tag.trim_matches('"').parse().ok();
    version.map(Some).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST")
            .detail("`If-Match`: expected the `ETag` of an earlier answer")
            .with("field", "If-Match")
    })
}

/// The server that is meant, for those who may.
async fn guild(
    app: &App,
    who: &Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<String, Problem> {
    let Path(guild) = path?;
    if !(1..=20).contains(&guild.len()) || !guild.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("ids of servers are digits"));
    }
    app.readers.of(who).admit(Deed::ManageSettings, Some(&guild), visible::no_server).await?;
    Ok(guild)
}

/// What the OpenAPI document says of the path.
pub(super) fn path() -> Value {
    json!({
        "get": operation("get_settings", "What holds for a server, and who said so", &[], &Value::Null),
        "patch": operation(
            "change_settings",
            "Change settings and permissions of a server, all or nothing",
            &[("If-Match", "The `ETag` of what was changed from; with another version in between it is 409.")],
            &json!({
                "required": true,
                "content": {"application/json": {
                    "schema": schema("SettingsChange"),
                    "example": {"settings": {"length": "brief", "model": null}},
                }},
            }),
        ),
        "delete": operation("reset_settings", "Take back all that was set for a server", &[], &Value::Null),
    })
}

fn operation(name: &str, summary: &str, headers: &[(&str, &str)], body: &Value) -> Value {
    let mut parameters = vec![json!({
        "name": "guild_id", "in": "path", "required": true, "description": "Discord's id of the server.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,20}$"},
    })];
    parameters.extend(headers.iter().map(|(name, description)| {
        json!({"name": name, "in": "header", "required": false, "schema": {"type": "string"}, "description": description})
    }));
    let mut operation = json!({
        "operationId": name,
        "tags": ["servers"],
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "What holds now.",
                "headers": {"ETag": {"description": "The version.", "schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schema("Settings")}},
            },
            "400": problem("`INVALID_JSON`, `INVALID_REQUEST`, `BODY_CUT`."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`: this is no id, or no server of theirs."),
            "409": problem("`VERSION_CONFLICT`: somebody else has changed it meanwhile."),
            "413": problem("`BODY_TOO_LARGE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    if body.is_object() {
        operation["requestBody"] = body.clone();
    }
    operation
}

/// The schemas that the path needs.
pub(super) fn schemas() -> Value {
    let named = |of: fn(Key) -> Value| {
        Key::ALL.iter().map(|key| (key.name().to_owned(), of(*key))).collect::<serde_json::Map<_, _>>()
    };
    let given = named(|key| {
        json!({
            "type": "object",
            "description": format!("A setting: {}.", key.expects()),
            "required": ["value", "origin"],
            "properties": {
                "value": {"description": "Null where nobody has said anything."},
                "origin": {"type": "object", "required": ["kind"], "description": "Who said so."},
            },
        })
    });
    let changes = named(|key| json!({"description": format!("{}; null takes it back.", key.expects())}));
    json!({
        "Settings": {
            "type": "object",
            "description": "The settings of a server.",
            "required": ["guild_id", "version", "settings", "permissions"],
            "properties": {
                "guild_id": {"type": "string"},
                "version": {"type": "integer", "minimum": 0, "description": "Rises with each change."},
                "settings": {"type": "object", "properties": given, "required": Key::ALL.map(Key::name)},
                "permissions": {"description": "Who may do what."},
            },
        },
        "SettingsChange": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "settings": {"type": "object", "additionalProperties": false, "properties": changes},
                "permissions": {"type": "array", "items": {
                    "type": "object",
                    "required": ["kind", "id"],
                    "properties": {
                        "kind": {"type": "string", "enum": ["role", "user", "channel"]},
                        "id": {"type": "string", "pattern": "^[0-9]{15,20}$"},
                        "level": {
                            "type": ["string", "null"], "enum": ["none", "read", "summarize", "admin", null],
                            "description": "Null takes the rule back.",
                        },
                    },
                }},
            },
        },
    })
}
