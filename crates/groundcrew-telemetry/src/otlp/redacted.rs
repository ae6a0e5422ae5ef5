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
