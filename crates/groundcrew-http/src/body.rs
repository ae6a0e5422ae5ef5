use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use groundcrew_runtime::Stop;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::connection::Connection;
use crate::shared::{Shared, Stage};

/// A request that has begun and not ended: it ends when the last byte of its response is hyper's.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Arc<Connection>,
    /// Whether there is a response; there is none for a client that left before.
    answered: bool,
}

/// The response's body as hyper sees it: it keeps the request in flight, and ends an event stream when the
/// service stops.
pub(crate) struct ResponseBody {
    inner: Body,
    in_flight: InFlight,
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// How many events it may still send once the service stops.
    last_words: u8,
}

/// Enough to say good-bye, and an end for a stream whose next event is always there.
const LAST_WORDS: u8 = 8;

// === impl InFlight ===

impl InFlight {
    pub(crate) fn begin(shared: &Arc<Shared>, connection: &Arc<Connection>) -> Self {
        connection.request_begins();
        shared.metrics.in_flight.inc();
        Self { shared: shared.clone(), connection: connection.clone(), answered: false }
    }
}

impl InFlight {
    /// Whether more than this request and its body has come already.
    pub(crate) fn is_followed(&self, body_bytes: u64) -> bool {
        self.connection.has_more_than(body_bytes)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.connection.request_ends();
        self.shared.metrics.in_flight.dec();
        if self.answered && self.shared.stage() >= Stage::Draining {
            self.shared.tally.answered_while_draining.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

// === impl ResponseBody ===

impl ResponseBody {
    pub(crate) fn new(inner: Body, mut in_flight: InFlight) -> Self {
        in_flight.answered = true;
        Self { inner, in_flight, stop: None, last_words: LAST_WORDS }
    }

    /// Ends the stream when the service stops taking work: server-sent events never end by themselves, and a client that is
    /// told so reconnects to another replica.
    pub(crate) fn ending_with(mut self, stop: Stop) -> Self {
        self.stop = Some(Box::pin(async move { stop.requested().await }));
        self
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Some(stop) = &mut this.stop else { return Pin::new(&mut this.inner).poll_frame(cx) };
        // A stream whose next event is always there is never pending, and would not hear of the stop below.
        if this.in_flight.shared.stage() >= Stage::Draining {
            let Some(left) = this.last_words.checked_sub(1) else { return Poll::Ready(None) };
            this.last_words = left;
        }
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        if frame.is_pending() { stop.as_mut().poll(cx).map(|()| None) } else { frame }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
