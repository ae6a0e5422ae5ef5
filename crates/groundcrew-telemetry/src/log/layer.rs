//! The one layer: which events are wanted, how they are spelt, and on to the writer.

use super::json::Json;
use super::level::LevelControl;
use super::shape::{Fields, Shape};
use super::span::SpanFields;
use super::stamp::Stamp;
use super::text::Text;
use super::writer::Writer;
use crate::context;
use std::cell::RefCell;
use std::sync::Arc;
use tracing_core::field::{FieldSet, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A longer line's buffer is not kept, in bytes.
const KEEP: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

/// What a thread keeps from line to line.
struct Scratch {
    line: Vec<u8>,
    stamp: Stamp,
}

/// Writes events as lines; made by [`Logging::layer`](crate::Logging::layer).
///
/// It also decides, for the whole stack it is part of, which spans and events exist at all.
#[derive(Debug)]
pub struct LogLayer {
    pub(crate) spelling: Spelling,
    pub(crate) levels: Arc<LevelControl>,
    pub(crate) writer: Arc<Writer>,
}

/// How lines are spelt, and the service they name.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    format: Format,
    /// The service's name as every line has it.
    service: Arc<[u8]>,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Text { colour: bool },
}

// === impl Scratch ===

impl Scratch {
    const fn new() -> Self {
        Self { line: Vec::new(), stamp: Stamp::new() }
    }
}

// === impl Spelling ===

impl Spelling {
    pub(crate) fn json(service: &str) -> Self {
        let mut spelt = Vec::new();
        if !service.is_empty() {
            Json.own_key(&mut spelt, "service");
            Json.string(&mut spelt, service);
        }
        Self { format: Format::Json, service: spelt.into() }
    }

    /// Who reads lines of text knows whose they are: the service is left out.
    pub(crate) fn text(colour: bool) -> Self {
        Self { format: Format::Text { colour }, service: [].into() }
    }

    /// Appends a line of our own.
    pub(crate) fn note(
        &self,
        line: &mut Vec<u8>,
        level: tracing_core::Level,
        message: &str,
        count: (&str, u64),
    ) {
        match self.format {
            Format::Json => self.note_as(&Json, line, level, message, count),
            Format::Text { colour } => self.note_as(&Text { colour }, line, level, message, count),
        }
    }

    fn note_as<S: Shape>(
        &self,
        shape: &S,
        line: &mut Vec<u8>,
        level: tracing_core::Level,
        message: &str,
        (name, count): (&str, u64),
    ) {
        shape.open(line, Stamp::new().now(), level, env!("CARGO_CRATE_NAME"));
        shape.message(line, &format_args!("{message}"));
        line.extend_from_slice(&self.service);
        shape.own_key(line, name);
        super::number::unsigned(line, count);
        shape.close(line);
    }
}

// === impl LogLayer ===

impl LogLayer {
    fn write<S, F>(&self, shape: &F, event: &Event<'_>, ctx: &Context<'_, S>, scratch: &mut Scratch)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        F: Shape,
    {
        let Scratch { line, stamp } = scratch;
        let metadata = event.metadata();
        line.clear();
        shape.open(line, stamp.now(), *metadata.level(), metadata.target());
        let ids = |line: &mut Vec<u8>| {
            line.extend_from_slice(&self.spelling.service);
            context::with_current(|context| put_context(shape, line, context));
            put_spans(line, event, ctx);
        };
        let mut fields = Fields { shape, line, ids: Some(ids), marks: None };
        event.record(&mut fields);
        fields.finish();
        self.writer.put(line);
        line.shrink_to(KEEP);
    }

    fn write_event<S>(&self, event: &Event<'_>, ctx: &Context<'_, S>, scratch: &mut Scratch)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        match self.spelling.format {
            Format::Json => self.write(&Json, event, ctx, scratch),
            Format::Text { colour } => self.write(&Text { colour }, event, ctx, scratch),
        }
    }

    fn add(&self, fields: &mut SpanFields, record: impl FnOnce(&mut dyn Visit)) {
        match self.spelling.format {
            Format::Json => fields.add(&Json, record),
            Format::Text { colour } => fields.add(&Text { colour }, record),
        }
    }

    /// Spells more fields of a span.
    fn extend<S>(&self, id: &Id, ctx: &Context<'_, S>, record: impl FnOnce(&mut dyn Visit))
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = ctx.span(id) else { return };
        // Spelt before the lock is taken: the value's own `Debug` may look at the span.
        let known = span.extensions_mut().remove::<SpanFields>();
        let mut fields = known.unwrap_or_else(SpanFields::new);
        self.add(&mut fields, record);
        if !fields.is_empty() {
            span.extensions_mut().replace(fields);
        }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.levels.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.levels.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.most_verbose())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attributes.metadata().fields().is_empty() {
            return;
        }
        let mut fields = SpanFields::new();
        self.add(&mut fields, |visitor| attributes.record(visitor));
        if let (false, Some(span)) = (fields.is_empty(), ctx.span(id)) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        self.extend(id, &ctx, |visitor| values.record(visitor));
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let written = SCRATCH.try_with(|scratch| {
            scratch.try_borrow_mut().map(|mut scratch| self.write_event(event, &ctx, &mut scratch)).is_ok()
        });
        // A value whose `Debug` logs is in the middle of another line.
        if written != Ok(true) {
            self.write_event(event, &ctx, &mut Scratch::new());
        }
    }
}

fn put_context(shape: &impl Shape, line: &mut Vec<u8>, context: Option<&context::Context>) {
    let Some(context) = context else { return };
    shape.id(line, "request_id", context.request_id().as_bytes());
    shape.id(line, "trace_id", &context.trace().trace_id_hex());
    shape.id(line, "span_id", &context.trace().span_id_hex());
}

/// Appends the fields of the spans around `event`, from the inside out; of a name the innermost counts.
fn put_spans<S>(line: &mut Vec<u8>, event: &Event<'_>, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(innermost) = ctx.event_span(event) else { return };
    let own = event.metadata().fields();
    let mut seen = None;
    for span in innermost.scope() {
        if span.metadata().fields().is_empty() {
            continue;
        }
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<SpanFields>() else { continue };
        let before = *seen.get_or_insert_with(|| marks(own));
        let in_between = |name: &str| {
            let inner = innermost.scope().take_while(|inner| inner.id() != span.id());
            inner.into_iter().any(|inner| inner.extensions().get::<SpanFields>().is_some_and(|f| f.has(name)))
        };
        fields.put(line, |name| before & mark(name) == 0 || !(own.field(name).is_some() || in_between(name)));
        seen = Some(before | marks(span.metadata().fields()));
    }
}

/// A bit per name: where two sets share no bit, they share no name.
fn marks(names: &FieldSet) -> u64 {
    names.iter().fold(0, |marks, field| marks | mark(field.name()))
}

fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (first, last) = (bytes.first().unwrap_or(&0), bytes.last().unwrap_or(&0));
    1 << ((usize::from(*first) * 7 + usize::from(*last) * 3 + bytes.len()) % 64)
}
