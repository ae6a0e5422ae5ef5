//! `GET /api/v1/jobs/{id}/events`: server-sent events about a job, up to its end. They are read from the database,
//! so that it does not matter which replica does the work.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use groundcrew::http::Problem;
use groundcrew::http::axum::body::Body;
use groundcrew::http::axum::extract::rejection::PathRejection;
use groundcrew::http::axum::extract::{Path, State};
use groundcrew::http::axum::http::header::CONTENT_TYPE;
use groundcrew::http::axum::http::{HeaderMap, StatusCode};
use groundcrew::http::axum::response::{IntoResponse, Response};
use groundcrew::runtime::Stop;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use uuid::Uuid;

use super::openapi::{later, problem};
use super::{App, jobs};
use crate::request;
use crate::store::Store;

/// After so long without an event there is a comment, so that nobody in between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The longest that one connection follows; the client's library connects again by itself.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long a client should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// What those who follow jobs share.
#[derive(Debug, Clone)]
pub(crate) struct Followers {
    places: Arc<Semaphore>,
    period: Duration,
    stop: Stop,
}

/// One who follows a job.
struct Follower {
    store: Store,
    job: Uuid,
    /// The id of the last event that was sent.
    seen: Option<String>,
    period: Duration,
    stop: Stop,
    begun: Instant,
    quiet_since: Instant,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

// === impl Followers ===

impl Followers {
    pub(crate) fn new(most: usize, period: Duration, stop: Stop) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), period, stop }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_FOLLOWERS")
                .detail("as many follow jobs as may: ask for the job itself now and then")
                .retry_after(5)
        })
    }
}

pub(super) async fn follow(
    State(app): State<App>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let job = jobs::id(path)?;
    let place = app.followers.place()?;
    jobs::standing(&app.store, job).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let (period, stop, now) = (app.followers.period, app.followers.stop.clone(), Instant::now());
    let follower = Follower {
        store: app.store,
        job,
        seen,
        period,
        stop,
        begun: now,
        quiet_since: now,
        ended: false,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(event)), follower))
    });
    Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response())
}

// === impl Follower ===

impl Follower {
    /// The next event as text; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        let mut first = self.begun == self.quiet_since;
        while !self.ended {
            if !first && self.stop.unless(tokio::time::sleep(self.period)).await.is_none() {
                self.ended = true;
                let words = json!({"detail": "the service goes: connect again"});
                return Some(format!("retry: {}\n{}", RETRY.as_millis(), event("going", None, &words)));
            }
            first = false;
            if let Some(event) = self.look().await {
                self.quiet_since = Instant::now();
                return Some(event);
            }
            if self.begun.elapsed() > LONGEST {
                self.ended = true;
            } else if self.quiet_since.elapsed() > HEARTBEAT {
                self.quiet_since = Instant::now();
                return Some(": still there\n\n".to_owned());
            }
        }
        None
    }

    /// What has changed, as an event.
    async fn look(&mut self) -> Option<String> {
        let standing = match self.store.standing(self.job).await {
            Ok(Some(standing)) => standing,
            Ok(None) => {
                self.ended = true;
                return Some(event("forgotten", None, &json!({"id": self.job})));
            }
            // It is looked at again; who has waited long enough hears that nothing is new.
            Err(_) => return None,
        };
        let name = match &standing.state {
            request::State::Pending => "progress",
            decided => {
                self.ended = true;
                decided.name()
            }
        };
        let id = format!("{}.{name}", standing.revision);
        // The end is told again to whoever connects again.
        if !self.ended && self.seen.as_ref() == Some(&id) {
            return None;
        }
        let text = event(name, Some(&id), &jobs::show(self.job, &standing));
        self.seen = Some(id);
        Some(text)
    }
}

fn event(name: &str, id: Option<&str>, data: &Value) -> String {
    let mut text = String::new();
    if let Some(id) = id {
        let _infallible = writeln!(text, "id: {id}");
    }
    // JSON has no line ends in it.
    let _infallible = write!(text, "event: {name}\ndata: {data}\n\n");
    text
}

/// What the OpenAPI document says of it.
pub(super) fn operation() -> Value {
    json!({
        "operationId": "follow_job",
        "tags": ["jobs"],
        "summary": "Follow a summary that is made later",
        "description": "Server-sent events: `progress` whenever something changes, then `succeeded`, `failed` or \
            `cancelled`, each with the job as data, and the stream ends. `going` means that this replica goes: \
            connect again, with `Last-Event-ID`, as browsers do by themselves.",
        "parameters": [
            jobs::id_parameter(),
            {
                "name": "Last-Event-ID", "in": "header", "required": false, "schema": {"type": "string"},
                "description": "The last event that was received: it is not sent again.",
            },
        ],
        "responses": {
            "200": {
                "description": "Events, as they happen.",
                "content": {"text/event-stream": {"schema": {
                    "type": "object",
                    "description": "One event.",
                    "required": ["data"],
                    "properties": {
                        "id": {"type": "string"},
                        "event": {
                            "type": "string",
                            "enum": ["progress", "succeeded", "failed", "cancelled", "going", "forgotten"],
                        },
                        "data": {"type": "string", "description": "The job, as JSON."},
                        "retry": {"type": "integer"},
                    },
                }}},
            },
            "400": problem("`INVALID_REQUEST`: the path does not read."),
            "403": problem("`CROSS_SITE`."),
            "404": problem("`NOT_FOUND`."),
            "429": later("`RATE_LIMITED`."),
            "503": later("`TOO_MANY_FOLLOWERS`, `STORAGE_UNAVAILABLE`, `STARTING`, `SHUTTING_DOWN`."),
        },
    })
}
