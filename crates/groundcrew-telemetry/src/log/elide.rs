//! Spans without fields, at no cost.

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};

/// The id of every span that is not kept. The registry counts from one and never gets here.
const ELIDED: u64 = u64::MAX;

/// Does not trouble the registry with spans that have no fields: our lines say nothing of them, since the ids of
/// a line come from the context. The span of a request is one, and this is what makes it free.
///
/// Only where lines are all that spans are for: with an exporter every span is kept.
pub(crate) struct Elide<S> {
    inner: S,
}

// === impl Elide ===

impl<S> Elide<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

fn is_elided(id: &Id) -> bool {
    id.into_u64() == ELIDED
}

impl<S: Subscriber> Subscriber for Elide<S> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        if span.metadata().fields().is_empty() {
            return Id::from_u64(ELIDED);
        }
        if span.parent().is_some_and(is_elided) {
            // The registry knows no such parent.
            return self.inner.new_span(&Attributes::new_root(span.metadata(), span.values()));
        }
        self.inner.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if !is_elided(span) {
            self.inner.record(span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        if !is_elided(span) && !is_elided(follows) {
            self.inner.record_follows_from(span, follows);
        }
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn enter(&self, span: &Id) {
        if !is_elided(span) {
            self.inner.enter(span);
        }
    }

    fn exit(&self, span: &Id) {
        if !is_elided(span) {
            self.inner.exit(span);
        }
    }

    fn clone_span(&self, span: &Id) -> Id {
        if is_elided(span) { span.clone() } else { self.inner.clone_span(span) }
    }

    fn try_close(&self, span: Id) -> bool {
        !is_elided(&span) && self.inner.try_close(span)
    }

    fn current_span(&self) -> Current {
        self.inner.current_span()
    }
}
