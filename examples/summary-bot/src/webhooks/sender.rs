//! One attempt: signed, sent, and what came of it.

use std::time::{Duration, Instant};

use groundcrew::auth::standard_webhooks::Signer;
use groundcrew::client::{Client, ClientError, Limit, Refusal, Response};

use super::delivery::{Try, now};

/// What the log of deliveries says of a host without a connection. Why there is none would tell whoever named it what
/// names there are inside, and where they lead.
const UNREACHED: &str = "the host cannot be reached, or its name leads to what is not a public address";

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) attempt: Try,
    /// When the receiver wants to be asked again.
    pub(super) retry_after: Option<Duration>,
    /// Why there was no answer, for the operator.
    cause: Option<String>,
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
    let (status, error, retry_after) = match &answered {
        Ok(response) => (Some(response.status().as_u16()), None, response.retry_after()),
        Err(error) => (None, Some(told(error)), error.retry_after()),
    };
    let cause = answered.err().map(|error| error.to_string());
    Sent { attempt: Try { at, status, duration_ms, error }, retry_after, cause }
}

/// Why there was no answer, for whoever made the webhook.
fn told(error: &ClientError) -> String {
    match error {
        // A host is left alone that did not connect, and not one that leads inside.
        ClientError::Blocked { refusal: Refusal::Private(_), .. }
        | ClientError::Connect { .. }
        | ClientError::Timeout { limit: Limit::Connect, .. }
        | ClientError::CircuitOpen { .. } => UNREACHED.to_owned(),
        error => error.to_string(),
    }
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

    /// How it went, without the URL, for the operator.
    pub(super) fn words(&self) -> String {
        match (&self.cause, self.attempt.status) {
            (Some(cause), _) => cause.clone(),
            (None, status) => format!("the receiver answered {}", status.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::IpAddr;

    use groundcrew::Crew;
    use groundcrew::client::{ClientConfig, Resolving};

    use super::*;

    /// Inside there is one of the names.
    fn inside(host: String) -> Resolving {
        Box::pin(async move {
            match host.as_str() {
                "there.example" => Ok(vec![IpAddr::from([10, 0, 0, 5])]),
                _ => Err(io::Error::other("no such name")),
            }
        })
    }

    #[tokio::test]
    async fn whoever_makes_a_webhook_does_not_learn_which_names_there_are_inside() {
        let crew = Crew::builder("summary-bot", "1.0.0").build();
        let config = ClientConfig { max_retries: 0, breaker_failures: 2, ..ClientConfig::default() };
        let client = config.named("webhooks").public_only().resolver(inside).build(&crew).expect("a client");
        // The third attempt is not made where two have failed to connect.
        for (host, causes) in [
            ("there.example", ["10.0.0.5"; 3]),
            ("nowhere.example", ["no such name", "no such name", "left alone"]),
        ] {
            for cause in causes {
                let url = format!("https://{host}/");
                let sent = send(&client, &url, None, "1", String::new(), Duration::from_secs(5)).await;
                assert!(sent.words().contains(cause), "the operator's log has it: {}", sent.words());
                assert_eq!(sent.attempt.error.as_deref(), Some(UNREACHED), "{host}");
            }
        }
    }
}
