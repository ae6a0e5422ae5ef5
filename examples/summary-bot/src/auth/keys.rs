//! `/api/v1/keys`: API keys, made, listed and revoked by those whose they are.

use groundcrew::auth::{ApiKey, ApiKeys, MadeKey, NewKey, Principal, PrincipalKind, Scopes};
use groundcrew::http::axum::Router;
use groundcrew::http::axum::extract::rejection::PathRejection;
use groundcrew::http::axum::extract::{Path, State};
use groundcrew::http::axum::http::StatusCode;
use groundcrew::http::axum::routing::{delete, get, post};
use groundcrew::http::{Json, Problem};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Access, guarded, is_person};
use crate::api::openapi::{answer, later, problem};
use crate::workshop::storage_problem;

/// Where keys are.
pub(crate) const KEYS: &str = "/api/v1/keys";
/// Where one key is.
pub(crate) const KEY: &str = "/api/v1/keys/{id}";

/// So many good keys somebody may have.
const MOST: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    subject: Option<String>,
}

pub(crate) fn routes(access: Access) -> Router {
    Router::new()
        .route(KEYS, guarded("create_key", post(create)).merge(guarded("list_keys", get(list))))
        .route(KEY, guarded("revoke_key", delete(revoke)))
        .with_state(access)
}

async fn create(
    State(access): State<Access>,
    who: Principal,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let latest = latest(&access.keys, &who).await?;
    let (new, subject) = asked(&who, wanted, latest)?;
    let known = access.keys.list(Some(&subject)).await.map_err(|error| storage_problem(&error))?;
    if known.iter().filter(|key| is_good(key)).count() >= MOST {
        return Err(Problem::new(StatusCode::CONFLICT, "TOO_MANY_KEYS")
            .detail(format!("there are {MOST} good keys already: revoke one that is not needed")));
    }
    let made = access.keys.create(new).await.map_err(|error| storage_problem(&error))?;
    Ok((StatusCode::CREATED, Json(shown_once(&made))))
}

async fn list(State(access): State<Access>, who: Principal) -> Result<Json<Value>, Problem> {
    let whose = (!who.may("admin")).then_some(who.subject.as_str());
    let keys = access.keys.list(whose).await.map_err(|error| storage_problem(&error))?;
    Ok(Json(json!({"items": keys.iter().map(shown).collect::<Vec<_>>()})))
}

async fn revoke(
    State(access): State<Access>,
    who: Principal,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = path?;
    let revoked = if who.may("admin") {
        access.keys.revoke(&id).await
    } else {
        access.keys.revoke_of(&who.subject, &id).await
    };
    if revoked.map_err(|error| storage_problem(&error))? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND")
        .detail("there is no key of yours with this id that could be revoked"))
}

/// Until when what they make may be good: not for longer than what they show themselves.
async fn latest(keys: &ApiKeys, who: &Principal) -> Result<Option<i64>, Problem> {
    let refused = |words: &'static str| Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN").detail(words);
    match who.kind {
        PrincipalKind::Session | PrincipalKind::Local => Ok(None),
        PrincipalKind::Key => {
            let known = keys.list(Some(&who.subject)).await.map_err(|error| storage_problem(&error))?;
            // Another replica may have taken it back just now.
            let shown = known.iter().find(|key| who.credential.as_ref() == Some(&key.id) && is_good(key));
            let shown = shown.ok_or_else(|| {
                refused("the key that asks is good no more, or 1000 others of its owner are newer")
            })?;
            Ok(shown.expires_at)
        }
        _ => Err(refused(
            "a key would outlive the token that asks, and the session that this is of: make it with the session of a \
             browser, or with a key",
        )),
    }
}

/// Nobody hands on what they may not do themselves.
fn asked(who: &Principal, wanted: Wanted, latest: Option<i64>) -> Result<(NewKey, String), Problem> {
    let name = wanted.name.trim();
    if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(invalid("name", "name: one line of 1 to 200 bytes says what the key is for".to_owned()));
    }
    let scopes = Scopes::of(&wanted.scopes).map_err(|error| invalid("scopes", format!("scopes: {error}")))?;
    if !who.scopes.allow_all(&scopes) {
        let words = format!("the key would be allowed more than you are: {}", who.scopes);
        return Err(Problem::new(StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE").detail(words));
    }
    let subject = wanted.subject.unwrap_or_else(|| who.subject.clone());
    if subject != who.subject {
        in_anothers_name(who)?;
    }
    if subject.is_empty() || subject.len() > 200 || subject.chars().any(char::is_control) {
        return Err(invalid("subject", "subject: one line of 1 to 200 bytes".to_owned()));
    }
    let new = NewKey::new(&subject, name).with_scopes(scopes);
    let expires_at = expiry(wanted.expires_at, latest)?;
    Ok((expires_at.into_iter().fold(new, NewKey::with_expiry), subject))
}

/// From when the key is good no more: a time to come, and none after the latest.
fn expiry(wanted: Option<Timestamp>, latest: Option<i64>) -> Result<Option<i64>, Problem> {
    let refused = |words: String| Err(invalid("expires_at", format!("expires_at: {words}")));
    match (wanted, latest) {
        (None, latest) => Ok(latest),
        (Some(at), _) if at <= Timestamp::now() => refused("a time to come".to_owned()),
        (Some(at), Some(latest)) if at.as_second() > latest => {
            let latest =
                Timestamp::from_second(latest).map_or_else(|_| String::new(), |at| format!(" ({at})"));
            refused(format!("not after the end of the key that asks{latest}"))
        }
        (Some(at), _) => Ok(Some(at.as_second())),
    }
}

fn invalid(field: &str, words: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").detail(words).with("field", field)
}

/// For programs of the operator's alone: who reads what is told by a key's subject, and no person, admins included,
/// sees what is another's.
fn in_anothers_name(who: &Principal) -> Result<(), Problem> {
    if is_person(&who.subject) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN").detail(
            "people make keys in their own name; for others the operator makes them, where the bot runs: \
             `summary-bot keys create NAME --subject WHO`",
        ));
    }
    if !who.may("admin") {
        return Err(Problem::new(StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE")
            .detail("keys for others need the scope `admin`"));
    }
    Ok(())
}

fn is_good(key: &ApiKey) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > Timestamp::now().as_second())
}

/// A key that was made, with its secret.
pub(super) fn shown_once(made: &MadeKey) -> Value {
    let mut key = shown(&made.key);
    key["secret"] = made.secret.expose().as_str().into();
    key
}

/// A key as lists show it.
pub(super) fn shown(key: &ApiKey) -> Value {
    let time = |at: i64| Timestamp::from_second(at).ok();
    json!({
        "id": key.id,
        "hint": key.hint,
        "subject": key.subject,
        "name": key.name,
        "scopes": key.scopes.iter().collect::<Vec<_>>(),
        "created_at": time(key.created_at),
        "expires_at": key.expires_at.and_then(time),
        "revoked_at": key.revoked_at.and_then(time),
        "last_used_at": key.last_used_at.and_then(time),
    })
}

/// What the OpenAPI document says of the paths.
pub(crate) fn paths() -> [(&'static str, Value); 2] {
    let create = json!({
        "operationId": "create_key",
        "tags": ["access"],
        "summary": "Make an API key",
        "description": "Its secret stands in this answer and nowhere else. It may do what its maker may, at most, \
            and a key that a key makes expires with that one, at the latest. With a token nobody makes a key, which would \
            outlive it.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["name", "scopes"],
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "What it is for."},
                "scopes": {"type": "array", "maxItems": 64, "items": {"type": "string"}, "description": "What it may."},
                "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "From when it is good \
                    no more; by default never, or when the key that asks is not."},
                "subject": {"type": ["string", "null"], "description": "Whose it is, where it is not \
                    one's own: for programs with the scope `admin`, never for people."},
            },
        }}}},
        "responses": {
            "201": answer("The key, with its secret.", "NewKey"),
            "400": problem("`INVALID_REQUEST`, `INVALID_JSON`."),
            "403": problem("`CROSS_SITE`, `INSUFFICIENT_SCOPE`. `FORBIDDEN` for people who name somebody else, \
                and for tokens."),
            "409": problem("`TOO_MANY_KEYS`."),
            "413": problem("`BODY_TOO_LARGE`."),
            "415": problem("`UNSUPPORTED_MEDIA_TYPE`."),
            "422": problem("`INVALID_REQUEST`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let list = json!({
        "operationId": "list_keys",
        "tags": ["access"],
        "summary": "List API keys, the newest first",
        "responses": {
            "200": answer("One's own; with the scope `admin` all.", "Keys"),
            "403": problem("`CROSS_SITE`, `INSUFFICIENT_SCOPE`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    let revoke = json!({
        "operationId": "revoke_key",
        "tags": ["access"],
        "summary": "Revoke an API key",
        "description": "At once in the process that is asked, within `auth.cache` (10 s) everywhere.",
        "parameters": [{
            "name": "id", "in": "path", "required": true, "description": "The key's id.", "schema": {"type": "string"},
        }],
        "responses": {
            "204": {"description": "It is not good any more."},
            "400": problem("`INVALID_REQUEST`: the path does not read."),
            "403": problem("`CROSS_SITE`, `INSUFFICIENT_SCOPE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    });
    [(KEYS, json!({"post": create, "get": list})), (KEY, json!({"delete": revoke}))]
}

/// What the OpenAPI document says of what is answered.
pub(crate) fn schemas() -> [(&'static str, Value); 3] {
    let time = |words: &str| json!({"type": ["string", "null"], "format": "date-time", "description": words});
    let text = |words: &str| json!({"type": "string", "description": words});
    let mut properties = json!({
        "id": text("Its id, which is no secret."),
        "hint": text("The beginning of the secret."),
        "subject": text("Whose it is."),
        "name": text("What it is for."),
        "scopes": {"type": "array", "items": {"type": "string"}, "description": "What it may."},
        "created_at": time("When it was made."),
        "expires_at": time("From when it is not good any more."),
        "revoked_at": time("When it was revoked."),
        "last_used_at": time("When it was used, to about a minute."),
    });
    let names = |properties: &Value| -> Vec<String> {
        properties.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect()
    };
    let key = json!({"type": "object", "additionalProperties": false, "required": names(&properties), "properties": properties});
    properties["secret"] = text("What is shown as the bearer. Nobody can show it again.");
    let new = json!({"type": "object", "additionalProperties": false, "required": names(&properties), "properties": properties});
    let keys = json!({
        "type": "object", "additionalProperties": false, "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}},
    });
    [("Key", key), ("NewKey", new), ("Keys", keys)]
}
