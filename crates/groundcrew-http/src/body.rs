use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
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
    /// Over HTTP/2: what the body gave last is not known to be taken.
    held_back: bool,
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
        Self { shared: shared.clone(), connection: connection.clone(), answered: false, held_back: false }
    }
}

impl InFlight {
    /// Whether more than this request and its body has come already. Nobody pipelines behind a body whose length is not
    /// known.
    pub(crate) fn is_followed(&self, body_bytes: Option<u64>) -> bool {
        body_bytes.is_some_and(|bytes| self.connection.has_more_than(bytes))
    }

    /// The body was asked, and gave something or nothing. Over HTTP/2 it is asked again when the client has room; what
    /// waits over HTTP/1 shows at the socket.
    fn gave(&mut self, something: bool) {
        if !self.connection.http2.load(Relaxed) {
            return;
        }
        if something {
            self.connection.gets_further();
        }
        match (self.held_back, something) {
            (false, true) => self.connection.hold_back(),
            (true, false) => self.connection.let_go(),
            _ => return,
        }
        self.held_back = something;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gave(false);
        self.connection.request_ends();
        self.shared.metrics.in_flight.dec();
        if self.answered && self.shared.stage() >= Stage::Draining {
            self.shared.tally.answered_while_draining.fetch_add(1, Relaxed);
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

    fn next_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(stop) = &mut self.stop else { return Pin::new(&mut self.inner).poll_frame(cx) };
        // A stream whose next event is always there is never pending, and would not hear of the stop below.
        if self.in_flight.shared.stage() >= Stage::Draining {
            let Some(left) = self.last_words.checked_sub(1) else { return Poll::Ready(None) };
            self.last_words = left;
        }
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if frame.is_pending() { stop.as_mut().poll(cx).map(|()| None) } else { frame }
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
        let frame = this.next_frame(cx);
        this.in_flight.gave(matches!(frame, Poll::Ready(Some(Ok(_)))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
