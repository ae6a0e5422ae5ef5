use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::time::Duration;
use thiserror::Error as ThisError;

/// Why the local Discord did not do what a test asked of it.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken, or there is none.
    #[error("no listener on {address}")]
    Bind {
        /// The address that was asked for.
        address: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// No key for signing could be made.
    #[error("no Ed25519 key could be made")]
    Key,
    /// No such command is registered where the user is, so nobody could choose it.
    #[error("no command {name:?} of this kind is registered: register it before a user can choose it")]
    UnknownCommand {
        /// What was asked for.
        name: String,
    },
    /// Discord's own clients would not let a user send this.
    #[error("a user could not send this: {0}")]
    Impossible(String),
    /// The endpoint for interactions did not pass the examination on saving.
    #[error("the interactions endpoint {url} did not pass: {problem}")]
    Endpoint {
        /// The endpoint's address.
        url: String,
        /// What it did wrong.
        problem: String,
    },
    /// A condition did not come true in time.
    #[error(transparent)]
    Unmet(#[from] Unmet),
}

/// A condition that did not come true in time.
#[derive(Debug, ThisError)]
#[error("not within {waited:?}: {condition}; last seen: {seen}")]
pub struct Unmet {
    /// What was waited for.
    pub condition: String,
    /// How long.
    pub waited: Duration,
    /// The state at the end.
    pub seen: String,
}

/// An answer of Discord's that is an error: status, its own code, and what is wrong with which field.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: u64,
    pub(crate) message: Cow<'static, str>,
    pub(crate) errors: Option<Value>,
}

/// What is wrong with which field of a body, as Discord nests it.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Map<String, Value>,
}

// === impl ApiError ===

impl ApiError {
    pub(crate) fn new(status: u16, code: u64, message: &'static str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.into(), errors: None }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, 0, "404: Not Found")
    }

    pub(crate) fn bad_json() -> Self {
        Self::new(400, 50109, "The request body contains invalid JSON.")
    }

    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(crate) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(crate) fn unknown_guild() -> Self {
        Self::new(404, 10004, "Unknown Guild")
    }

    pub(crate) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(crate) fn unknown_interaction() -> Self {
        Self::new(404, 10062, "Unknown interaction")
    }

    pub(crate) fn unknown_webhook() -> Self {
        Self::new(404, 10015, "Unknown Webhook")
    }

    pub(crate) fn invalid_webhook_token() -> Self {
        Self::new(401, 50027, "Invalid Webhook Token")
    }

    pub(crate) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message")
    }

    /// One wrong field at the top.
    pub(crate) fn form(field: &str, code: &str, message: &str) -> Self {
        let mut problems = Problems::default();
        problems.add(&[field], code, message);
        problems.into_error()
    }

    pub(crate) fn json(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.json())).into_response()
    }
}

// === impl Problems ===

impl Problems {
    /// Something wrong at a path, such as `["embeds", "0", "title"]`.
    pub(crate) fn add(&mut self, path: &[&str], code: &str, message: impl Into<String>) {
        let mut place = &mut self.found;
        for step in path {
            let next = place.entry((*step).to_owned()).or_insert_with(|| json!({}));
            let Value::Object(map) = next else { return };
            place = map;
        }
        let list = place.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!({"code": code, "message": message.into()}));
        }
    }

    /// Too long, or too short.
    pub(crate) fn length(&mut self, path: &[&str], length: usize, allowed: std::ops::RangeInclusive<usize>) {
        if allowed.contains(&length) {
            return;
        }
        let (low, high) = (allowed.start(), allowed.end());
        if length > *high && *low == 0 {
            self.add(path, "BASE_TYPE_MAX_LENGTH", format!("Must be {high} or fewer in length."));
        } else {
            self.add(path, "BASE_TYPE_BAD_LENGTH", format!("Must be between {low} and {high} in length."));
        }
    }

    pub(crate) fn required(&mut self, path: &[&str]) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_error(self) -> ApiError {
        ApiError { errors: Some(Value::Object(self.found)), ..ApiError::new(400, 50035, "Invalid Form Body") }
    }

    /// Fine, if nothing was found.
    pub(crate) fn check(self) -> Result<(), ApiError> {
        if self.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }
}
