use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http_metrics::Route;

thread_local! {
    /// What the layers inside the router say about the request that this thread polls right now. Written
    /// while the router is polled, taken by the server right after, on the same thread: a response extension
    /// would cost an allocation for the same news.
    static ROUTE: Cell<Option<Arc<Route>>> = const { Cell::new(None) };
    static TIMEOUT: Cell<Option<Duration>> = const { Cell::new(None) };
    /// When the request began.
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The router is polled for a request that began then, or (`None`) not any more.
pub(crate) fn polled(started: Option<Instant>) {
    STARTED.set(started);
}

pub(crate) fn started() -> Option<Instant> {
    STARTED.get()
}

/// The route that matched.
pub(crate) fn matched(route: Arc<Route>) {
    ROUTE.set(Some(route));
}

pub(crate) fn take_route() -> Option<Arc<Route>> {
    ROUTE.take()
}

/// The route's own timeout.
pub(crate) fn override_timeout(timeout: Duration) {
    TIMEOUT.set(Some(timeout));
}

pub(crate) fn take_timeout() -> Option<Duration> {
    TIMEOUT.take()
}
