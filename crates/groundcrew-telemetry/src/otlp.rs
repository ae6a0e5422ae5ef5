//! Spans on their way to a collector, by OTLP over HTTP.
//!
//! The span that a [`Context`](crate::Context) adopts gets the ids of that context, so that the ids in log
//! lines, in outgoing `traceparent` headers and in the collector are the same.

mod redacted;

use crate::{Context, TraceContext};
use groundcrew_config::FromConfig;
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context as OtelContext, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider,
    ShouldSample,
};
use redacted::Redacted;
use std::cell::Cell;
use std::time::Duration;
use tracing_core::Subscriber;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;

/// How long a shutdown may take.
const SHUTDOWN: Duration = Duration::from_secs(5);

thread_local! {
    /// The place that the next span on this thread takes.
    static NEXT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// Where spans go. The section turns the export on by being there.
#[derive(Debug, Clone, PartialEq, FromConfig)]
#[config(default_impl)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// Where spans are sent by POST.
    #[config(default = "http://localhost:4318/v1/traces", alias = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    pub endpoint: String,
    /// How long one batch may take to be sent.
    #[config(default = "10s")]
    pub timeout: Duration,
}

/// The way of a process's spans to a collector.
#[derive(Debug, Clone)]
pub struct Otlp {
    provider: SdkTracerProvider,
}

/// Spans cannot be exported as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The endpoint is no URL, or no client can be made for it.
    #[error("no exporter for `{endpoint}`")]
    Exporter {
        /// The endpoint as configured.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Not everything was sent in time when the export was shut down.
    #[error("the last spans were not sent")]
    Shutdown,
}

/// Takes the ids of the context that adopts a span, random ones elsewhere.
#[derive(Debug, Clone, Default)]
struct Ids(RandomIdGenerator);

/// Decides as the context did, and for spans within as for the one around them.
#[derive(Debug, Clone)]
struct AsDecided;

// === impl Otlp ===

impl Otlp {
    /// Makes the exporter and its thread; a collector that is not there is found out later, and survived.
    pub fn try_new(service: &str, config: &OtlpConfig) -> Result<Self, OtlpError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(&config.endpoint)
            .with_timeout(config.timeout)
            .build()
            .map_err(|source| OtlpError::Exporter { endpoint: config.endpoint.clone(), source })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Redacted(exporter))
            .with_id_generator(Ids::default())
            .with_sampler(AsDecided)
            .with_resource(Resource::builder().with_service_name(service.to_owned()).build())
            .build();
        Ok(Self { provider })
    }

    /// The layer that hands spans over, for a registry of one's own;
    /// [`Logging::with_traces`](crate::Logging::with_traces) adds it to ours.
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer(env!("CARGO_CRATE_NAME")))
    }

    /// Sends what is left and ends the export, within five seconds.
    pub async fn shutdown(self) -> Result<(), OtlpError> {
        // The exporter blocks, and its client may not be dropped on a worker.
        let shutdown = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(SHUTDOWN));
        match tokio::time::timeout(SHUTDOWN, shutdown).await {
            Ok(Ok(Ok(()))) => Ok(()),
            _ => Err(OtlpError::Shutdown),
        }
    }
}

/// Starts `span` with the ids of `context`, under the caller's span if there is a caller.
pub(crate) fn adopt(context: &Context, span: &tracing::Span) {
    let parent = context.caller().map_or_else(OtelContext::new, |caller| {
        let state = context.trace_state().and_then(|state| state.as_str().parse::<TraceState>().ok());
        let flags = if caller.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, span) = (TraceId::from(caller.trace_id), SpanId::from(caller.span_id));
        OtelContext::new().with_remote_span_context(SpanContext::new(
            trace,
            span,
            flags,
            true,
            state.unwrap_or_default(),
        ))
    });
    // It fails where no layer of ours is installed: then there is nothing to adopt for.
    if span.set_parent(parent).is_ok() {
        NEXT.set(Some(*context.trace()));
        // Asking for its context starts the span, which takes the ids.
        let _ = span.context();
        NEXT.set(None);
    }
}

// === impl Ids ===

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().map_or_else(|| self.0.new_trace_id(), |next| next.trace_id.into())
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |next| next.span_id.into())
    }
}

// === impl AsDecided ===

impl ShouldSample for AsDecided {
    fn should_sample(
        &self,
        parent: Option<&OtelContext>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let around = parent.map(|parent| parent.span().span_context().clone()).filter(SpanContext::is_valid);
        let sampled = match (NEXT.get(), &around) {
            (Some(next), _) => next.sampled,
            (None, Some(around)) => around.is_sampled(),
            // Work that belongs to no request, such as the start of the service.
            (None, None) => true,
        };
        SamplingResult {
            decision: if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: around.map(|around| around.trace_state().clone()).unwrap_or_default(),
        }
    }
}
