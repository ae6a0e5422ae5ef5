//! What a collector must not get: the same that lines do not print.

use crate::log::redact::{REDACTED, is_sensitive, mask_urls};
use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::borrow::Cow;
use std::time::Duration;

/// Takes the secrets out of spans before the exporter within gets them. That happens on the exporter's thread:
/// whoever opens a span or logs pays nothing for it.
#[derive(Debug)]
pub(super) struct Redacted<E>(pub(super) E);

// === impl Redacted ===

impl<E: SpanExporter> SpanExporter for Redacted<E> {
    fn export(&self, mut batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        batch.iter_mut().for_each(redact);
        self.0.export(batch)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn redact(span: &mut SpanData) {
    mask_text(&mut span.name);
    if let Status::Error { description } = &mut span.status {
        mask_text(description);
    }
    redact_attributes(&mut span.attributes);
    for event in &mut span.events.events {
        // The message of a line.
        mask_text(&mut event.name);
        redact_attributes(&mut event.attributes);
    }
    for link in &mut span.links.links {
        redact_attributes(&mut link.attributes);
    }
}

fn redact_attributes(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        let key = attribute.key.as_str();
        // The causes of an error stand beside it, in an attribute of their own.
        if is_sensitive(key.strip_suffix(".chain").unwrap_or(key)) {
            attribute.value = Value::from(REDACTED);
        } else {
            mask_value(&mut attribute.value);
        }
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => mask_string(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(mask_string),
        // No number holds a URL.
        _ => {}
    }
}

fn mask_string(text: &mut StringValue) {
    if let Some(masked) = masked(text.as_str()) {
        *text = masked.into();
    }
}

fn mask_text(text: &mut Cow<'static, str>) {
    if let Some(masked) = masked(text) {
        *text = masked.into();
    }
}

/// The text without passwords, if it has a URL.
fn masked(text: &str) -> Option<String> {
    text.contains("://").then(|| {
        let mut bytes = text.as_bytes().to_vec();
        mask_urls(&mut bytes, 0);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use std::time::SystemTime;

    const URL: &str = "redis://bot:canary@cache/0";
    const MASKED: &str = "redis://bot:[redacted]@cache/0";

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "request".into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn a_password_in_the_name_of_a_span_is_masked() {
        let mut span = SpanData { name: URL.into(), ..span() };
        redact(&mut span);
        assert_eq!(span.name, MASKED);
    }

    #[test]
    fn a_password_in_the_words_of_an_error_is_masked() {
        let mut span = SpanData { status: Status::error(URL), ..span() };
        redact(&mut span);
        assert_eq!(span.status, Status::error(MASKED));
    }

    #[test]
    fn the_attributes_of_links_have_no_secrets() {
        let mut span = span();
        let attributes = vec![KeyValue::new("store", URL), KeyValue::new("api_key", "canary")];
        span.links.links.push(Link::new(SpanContext::NONE, attributes, 0));
        redact(&mut span);
        let kept = [KeyValue::new("store", MASKED), KeyValue::new("api_key", REDACTED)];
        assert_eq!(span.links.links[0].attributes, kept);
    }

    #[test]
    fn the_causes_beside_a_field_with_a_telling_name_are_no_more_shown_than_the_field() {
        let mut span = SpanData { attributes: vec![KeyValue::new("password.chain", "canary")], ..span() };
        redact(&mut span);
        assert_eq!(span.attributes, [KeyValue::new("password.chain", REDACTED)]);
    }
}
