//! What one request or job carries along: its id, its place in a trace, its deadline.
//!
//! The context is current while a future under [`Context::scope`] is polled, or while the guard of
//! [`Context::enter`] lives. Every log line takes its ids from it. It is not inherited by tasks that are
//! spawned: wrap their future in `scope` to hand it on.

use crate::{RequestId, TraceContext, TraceState};
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

thread_local! {
    static CURRENT: Cell<Option<Arc<Context>>> = const { Cell::new(None) };
}

/// What one request or job carries along.
///
/// ```
/// use groundcrew_telemetry::{Context, current};
/// use std::time::Duration;
///
/// let context = Context::random().with_timeout(Duration::from_secs(5)).into_arc();
/// let entered = context.enter();
/// assert_eq!(current().unwrap().request_id(), context.request_id());
/// assert!(context.remaining().unwrap() <= Duration::from_secs(5));
/// drop(entered);
/// assert!(current().is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    request_id: RequestId,
    trace: TraceContext,
    caller: Option<TraceContext>,
    trace_state: Option<TraceState>,
    deadline: Option<Instant>,
}

/// Keeps a context current on this thread; the one before it comes back on drop.
#[derive(Debug)]
#[must_use = "the context is current only while this guard lives"]
pub struct Entered {
    previous: Option<Arc<Context>>,
    not_send: PhantomData<*const ()>,
}

pin_project! {
    /// A future whose context is current whenever it is polled; see [`Context::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        context: Option<Arc<Context>>,
        #[pin]
        future: F,
    }
}

/// The context that is current on this thread.
pub fn current() -> Option<Arc<Context>> {
    CURRENT
        .try_with(|cell| {
            let held = cell.take();
            let current = held.clone();
            cell.set(held);
            current
        })
        .ok()
        .flatten()
}

/// Calls `f` with the context that is current on this thread, if one is.
pub fn with_current<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
    f(current().as_deref())
}

// === impl Context ===

impl Context {
    /// A context without a deadline.
    pub fn new(request_id: RequestId, trace: TraceContext) -> Self {
        Self { request_id, trace, caller: None, trace_state: None, deadline: None }
    }

    /// A context with a new request id at the root of a new trace, for work that nobody else asked for. The trace is
    /// recorded, as nobody has decided otherwise.
    pub fn random() -> Self {
        Self::new(RequestId::random(), TraceContext { sampled: true, ..TraceContext::random() })
    }

    /// A context for work that `caller` asked for: in its trace, under its span, with a span id of our own.
    pub fn continuing(request_id: RequestId, caller: TraceContext) -> Self {
        Self { caller: Some(caller), ..Self::new(request_id, caller.child()) }
    }

    /// Sets the instant after which nobody waits for the result any more.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the deadline to `timeout` from now; one too far off to be represented is none.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// The same ids without a deadline: for work that goes on when nobody waits for it any more.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { deadline: None, ..self.clone() }
    }

    /// Sets what other vendors handed along with the trace, to be passed on.
    pub fn with_trace_state(mut self, state: TraceState) -> Self {
        self.trace_state = Some(state);
        self
    }

    /// The same context, ready to be entered and shared.
    pub fn into_arc(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// The id of the request or job.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The place in the trace; its span id is that of this service's own work.
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// The place in the trace that the caller named, if there was one.
    pub fn caller(&self) -> Option<&TraceContext> {
        self.caller.as_ref()
    }

    /// Gives `span` the ids of this context, if spans are exported (feature `otlp`); free otherwise.
    ///
    /// To be called right after the span is made, before it is entered for the first time.
    #[inline]
    #[cfg_attr(not(feature = "otlp"), allow(unused_variables, clippy::unused_self))]
    pub fn adopt(&self, span: &tracing::Span) {
        #[cfg(feature = "otlp")]
        crate::otlp::adopt(self, span);
    }

    /// What other vendors handed along with the trace.
    pub fn trace_state(&self) -> Option<&TraceState> {
        self.trace_state.as_ref()
    }

    /// The instant after which nobody waits for the result any more.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left until the deadline: zero once it has passed, `None` without one.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Makes this context current on this thread until the guard is dropped.
    ///
    /// Not for `async` code, where a thread serves other tasks between two polls: use [`scope`](Self::scope).
    pub fn enter(self: &Arc<Self>) -> Entered {
        Entered { previous: swap(Some(Arc::clone(self))), not_send: PhantomData }
    }

    /// Makes this context current whenever `future` is polled.
    pub fn scope<F: Future>(self: Arc<Self>, future: F) -> Scope<F> {
        Scope { context: Some(self), future }
    }
}

// === impl Entered ===

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.previous.take());
    }
}

// === impl Scope ===

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // The context itself moves to the thread and back: no count is touched, and a panic restores both.
        let mut lent = Lent { previous: swap(this.context.take()), home: this.context };
        let poll = this.future.poll(task);
        lent.bring_back();
        poll
    }
}

/// A scope's context while it is current; brings it home also when the future panics.
struct Lent<'a> {
    previous: Option<Arc<Context>>,
    home: &'a mut Option<Arc<Context>>,
}

impl Lent<'_> {
    fn bring_back(&mut self) {
        if self.home.is_none() {
            *self.home = swap(self.previous.take());
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.bring_back();
    }
}

fn swap(next: Option<Arc<Context>>) -> Option<Arc<Context>> {
    // A thread that is being torn down has no current context any more.
    CURRENT.try_with(|cell| cell.replace(next)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Context, current, with_current};
    use std::future::Future;
    use std::task::Waker;
    use std::time::{Duration, Instant};

    #[test]
    fn a_guard_gives_way_to_the_context_before_it() {
        let (outer, inner) = (Context::random().into_arc(), Context::random().into_arc());
        let _outer = outer.enter();
        drop(inner.enter());
        with_current(|context| assert_eq!(context.map(Context::request_id), Some(outer.request_id())));
    }

    #[tokio::test]
    async fn a_scope_is_current_across_its_await_points_and_not_beyond() {
        let context = Context::random().into_arc();
        let id = *context.request_id();
        context
            .scope(async {
                assert_eq!(current().map(|c| *c.request_id()), Some(id));
                tokio::task::yield_now().await;
                assert_eq!(current().map(|c| *c.request_id()), Some(id));
            })
            .await;
        assert!(current().is_none());
    }

    #[tokio::test]
    async fn two_scopes_polled_in_turn_do_not_see_each_other() {
        let seen = |context: Context| {
            let id = *context.request_id();
            context.into_arc().scope(async move {
                for _ in 0..10 {
                    assert_eq!(current().map(|c| *c.request_id()), Some(id));
                    tokio::task::yield_now().await;
                }
            })
        };
        tokio::join!(seen(Context::random()), seen(Context::random()));
    }

    #[test]
    fn a_scope_whose_future_panics_leaves_nothing_behind() {
        let scope = Context::random().into_arc().scope(async { panic!("on purpose") });
        let mut scope = Box::pin(scope);
        let polled = std::panic::AssertUnwindSafe(|| {
            scope.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()))
        });
        assert!(std::panic::catch_unwind(polled).is_err());
        assert!(current().is_none());
    }

    #[test]
    fn nothing_remains_after_the_deadline() {
        let context = Context::random().with_deadline(Instant::now());
        assert_eq!(context.remaining(), Some(Duration::ZERO));
        assert_eq!(Context::random().remaining(), None);
    }
}
