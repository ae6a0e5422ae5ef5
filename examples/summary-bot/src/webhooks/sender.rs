//! One attempt: signed, sent, and what came of it.

use std::time::{Duration, Instant};

use groundcrew::auth::standard_webhooks::Signer;
use groundcrew::client::{Client, ClientError, Response};

use super::delivery::{Try, now};

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) attempt: Try,
    /// When the receiver wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

/// Sends it; what the receiver says beyond its status is not read.
pub(super) async fn send(
    client: &Client,
    url: &str,
    signer: Option<&Signer>,
    id: &str,
    body: String,
    timeout: Duration,
) -> Sent {
    let (at, begun) = (now(), Instant::now());
    let answered = post(client, url, signer, id, body, timeout).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (status, error, retry_after) = match answered {
        Ok(response) => (Some(response.status().as_u16()), None, response.retry_after()),
        Err(error) => (None, Some(error.to_string()), error.retry_after()),
    };
    Sent { attempt: Try { at, status, duration_ms, error }, retry_after }
}

async fn post(
    client: &Client,
    url: &str,
    signer: Option<&Signer>,
    id: &str,
    body: String,
    timeout: Duration,
) -> Result<Response, ClientError> {
    let mut request = client.post(url).header("content-type", "application/json");
    match signer.map(|signer| signer.sign(id, body.as_bytes())) {
        Some(Ok(headers)) => {
            for (name, value) in headers {
                request = request.header(name, value);
            }
        }
        // Our ids are fit to be signed; one that is not would be sent without a signature.
        Some(Err(_)) | None => request = request.header("webhook-id", id),
    }
    request.body(body).attempt_timeout(timeout).timeout(timeout).send().await
}

// === impl Sent ===

impl Sent {
    /// Whether the receiver has it.
    pub(super) fn reached(&self) -> bool {
        self.attempt.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver says that it will never want anything again.
    pub(super) fn gone(&self) -> bool {
        self.attempt.status == Some(410)
    }

    /// How it went, without the URL.
    pub(super) fn words(&self) -> String {
        match (&self.attempt.error, self.attempt.status) {
            (Some(error), _) => error.clone(),
            (None, status) => format!("the receiver answered {}", status.unwrap_or_default()),
        }
    }
}
