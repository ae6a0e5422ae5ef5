use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout_at;

use crate::client::Place;
use crate::deadline::{Deadline, Limit};
use crate::hosts::Host;
use crate::retry_after::retry_after;
use crate::verdict::Failure;
use crate::{Chunks, Client, ClientError};

/// An answer whose head is there. Unless it has no body, it keeps its place among the calls under way until it is read
/// to its end or dropped: whoever collects answers without reading them uses up `max_in_flight`.
pub struct Response {
    received: Received,
}

/// An answer and what limits the reading of it.
pub(crate) struct Received {
    pub(crate) client: Client,
    pub(crate) host: Arc<Host>,
    pub(crate) answer: reqwest::Response,
    pub(crate) place: Option<Place>,
    pub(crate) attempts: u32,
    pub(crate) deadline: Deadline,
    /// What was said for this call only.
    pub(crate) total: Option<Deadline>,
    pub(crate) max_response: u64,
    pub(crate) read: u64,
}

// === impl Response ===

impl Response {
    pub(crate) fn new(mut received: Received) -> Self {
        if received.answer.content_length() == Some(0) {
            received.place = None;
        }
        Self { received }
    }

    /// The status, whatever it is.
    pub fn status(&self) -> StatusCode {
        self.received.answer.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.received.answer.headers()
    }

    /// How many attempts it took.
    pub fn attempts(&self) -> u32 {
        self.received.attempts
    }

    /// The host that answered, with a port that is not the usual one.
    pub fn host(&self) -> &str {
        &self.received.host.name
    }

    /// When the server wants to be asked again, if it says so (`retry-after`, `retry-after-ms`).
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers(), SystemTime::now())
    }

    /// The answer itself if its status is neither 4xx nor 5xx.
    ///
    /// # Errors
    /// [`ClientError::Status`]. The body is not read; read it instead of calling this where it matters.
    pub fn error_for_status(self) -> Result<Self, ClientError> {
        let status = self.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(self);
        }
        Err(ClientError::Status {
            client: self.received.client.inner.name.clone(),
            host: self.host().to_owned(),
            status,
            attempts: self.attempts(),
            retry_after: self.retry_after(),
        })
    }

    /// The whole body, within the time of the call and up to `max_response`.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`], [`ClientError::Timeout`], or [`ClientError::Interrupted`] if the connection broke: a
    /// body is never shorter than the server said.
    pub async fn bytes(mut self) -> Result<Bytes, ClientError> {
        let announced = self.received.answer.content_length().unwrap_or(0);
        if announced > self.received.max_response {
            return Err(self.received.too_large());
        }
        let deadline = self.received.deadline;
        let mut body = BytesMut::new();
        while let Some(chunk) = self.received.chunk(deadline).await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The whole body as text; what is no UTF-8 in it is replaced.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub async fn text(self) -> Result<String, ClientError> {
        let body = self.bytes().await?;
        Ok(String::from_utf8(body.into())
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The whole body, read as JSON.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and [`ClientError::Json`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let (client, host) = (self.received.client.clone(), Arc::clone(&self.received.host));
        let body = self.bytes().await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Json {
            client: client.inner.name.clone(),
            host: host.name.to_string(),
            problem: problem_of(&error),
        })
    }

    /// The body as it comes, for answers that are streamed.
    ///
    /// Each chunk may take `chunk_timeout`. The request's deadline limits all of it, and so does
    /// [`Request::timeout`](crate::Request::timeout); `total_timeout` does not.
    pub fn chunks(self) -> Chunks {
        let (received, within) = (self.received, Deadline::of_request());
        let whole = match (received.total, within) {
            (Some(total), within) => Some(total.min(within)),
            (None, within) => within,
        };
        Chunks::new(received, whole)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("client", &self.received.client.inner.name)
            .field("host", &self.received.host.name)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

// === impl Received ===

impl Received {
    /// The next part of the body. Not more of them than allowed, all together.
    pub(crate) async fn chunk(&mut self, until: Deadline) -> Result<Option<Bytes>, ClientError> {
        let read = timeout_at(until.at(), self.answer.chunk()).await;
        let failure = match read {
            Ok(Ok(None)) => {
                self.place = None;
                return Ok(None);
            }
            Ok(Ok(Some(chunk))) => {
                self.read = self.read.saturating_add(chunk.len() as u64);
                if self.read > self.max_response {
                    return Err(self.too_large());
                }
                return Ok(Some(chunk));
            }
            Ok(Err(error)) => match Failure::of(error) {
                Failure::Invalid(cause) => Failure::Interrupted(cause),
                failure => failure,
            },
            Err(_) => Failure::Timeout(until.limit(), until.within()),
        };
        self.host.metrics.body_failed();
        Err(failure.into_error(&self.client.inner.name, &self.host.name, self.attempts))
    }

    /// When the next chunk must be there.
    pub(crate) fn chunk_deadline(&self, whole: Option<Deadline>) -> Deadline {
        Deadline::after(self.client.inner.config.chunk_timeout, Limit::Chunk).min(whole)
    }

    fn too_large(&self) -> ClientError {
        self.host.metrics.body_failed();
        ClientError::TooLarge {
            client: self.client.inner.name.clone(),
            host: self.host.name.to_string(),
            limit: self.max_response,
        }
    }
}

/// What is wrong with JSON, and where. The library's own words repeat values, and those may be secrets.
fn problem_of(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a value is missing or of another type",
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}
