use bytes::Bytes;
use groundcrew_telemetry::with_current;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use uuid::Uuid;

use crate::{Field, PublishError};

const PERSISTENT: u8 = 2;

/// A message to be published: persistent, with an id.
///
/// ```
/// use groundcrew_amqp::Message;
///
/// let message = Message::new("shop", "order.placed", r#"{"order":7}"#)
///     .content_type("application/json")
///     .header("attempt", 1);
/// assert_eq!(message.id().len(), 36); // made here; `with_id` sets another, for example that of an outbox row
/// ```
#[derive(Debug, Clone)]
pub struct Message {
    exchange: ShortString,
    key: ShortString,
    id: ShortString,
    payload: Bytes,
    properties: BasicProperties,
    headers: FieldTable,
    too_long: Option<(&'static str, usize)>,
}

/// A message as the driver takes it apart.
pub(crate) struct Parts {
    pub(crate) exchange: ShortString,
    pub(crate) key: ShortString,
    pub(crate) id: ShortString,
    pub(crate) payload: Bytes,
    pub(crate) properties: BasicProperties,
}

// === impl Message ===

impl Message {
    /// A message for whatever queues are bound to `exchange` for this routing key. Its id is new (UUID version 7).
    pub fn new(exchange: &str, routing_key: &str, payload: impl Into<Bytes>) -> Self {
        let mut message = Self {
            exchange: ShortString::default(),
            key: ShortString::default(),
            id: ShortString::from(Uuid::now_v7().to_string()),
            payload: payload.into(),
            properties: BasicProperties::default().with_delivery_mode(PERSISTENT),
            headers: FieldTable::default(),
            too_long: None,
        };
        message.exchange = message.short("exchange", exchange);
        message.key = message.short("routing key", routing_key);
        message
    }

    /// A message for one queue, by the default exchange.
    pub fn to_queue(queue: &str, payload: impl Into<Bytes>) -> Self {
        Self::new("", queue, payload)
    }

    /// Sets the id by which consumers recognise a message that was published again. At most 255 bytes.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = self.short("id", id);
        self
    }

    /// Sets the type of the payload, such as `application/json`.
    pub fn content_type(mut self, content_type: &str) -> Self {
        let content_type = self.short("content type", content_type);
        self.properties = self.properties.with_content_type(content_type);
        self
    }

    /// Sets what kind of message it is, for consumers of several.
    pub fn kind(mut self, kind: &str) -> Self {
        let kind = self.short("kind", kind);
        self.properties = self.properties.with_type(kind);
        self
    }

    /// Sets the priority, 0 to 9, which only queues that were made for it look at.
    pub fn priority(mut self, priority: u8) -> Self {
        self.properties = self.properties.with_priority(priority);
        self
    }

    /// Sets a header. The broker uses names that begin with `x-` for itself.
    pub fn header(mut self, name: &str, value: impl Into<Field>) -> Self {
        let name = self.short("header's name", name);
        self.headers.insert(name, value.into().into());
        self
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The library panics for such a text; here it is an error of the publish.
    fn short(&mut self, field: &'static str, text: &str) -> ShortString {
        ShortString::try_new(text).unwrap_or_else(|_| {
            self.too_long = Some((field, text.len()));
            ShortString::default()
        })
    }

    pub(crate) fn check(&self) -> Result<(), PublishError> {
        match self.too_long {
            Some((field, length)) => Err(PublishError::TooLong { field, length }),
            None => Ok(()),
        }
    }

    /// Adds the trace of the request or job that publishes, unless the message brings one.
    pub(crate) fn with_trace(mut self) -> Self {
        if !self.headers.contains_key("traceparent") {
            with_current(|context| {
                let Some(context) = context else { return };
                let mut set = |name: &str, value: &[u8]| {
                    self.headers.insert(name.into(), AMQPValue::LongString(LongString::from(value)));
                };
                set("traceparent", &context.trace().traceparent());
                if let Some(state) = context.trace_state() {
                    set("tracestate", state.as_str().as_bytes());
                }
            });
        }
        self
    }

    pub(crate) fn into_parts(self) -> Parts {
        let mut properties = self.properties.with_message_id(self.id.clone());
        if !self.headers.inner().is_empty() {
            properties = properties.with_headers(self.headers);
        }
        Parts { exchange: self.exchange, key: self.key, id: self.id, payload: self.payload, properties }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundcrew_telemetry::Context;

    #[test]
    fn a_name_that_the_protocol_cannot_carry_is_an_error_and_no_panic() {
        let message = Message::new("shop", &"k".repeat(256), "");
        let expected = PublishError::TooLong { field: "routing key", length: 256 };
        assert_eq!(message.check(), Err(expected));
    }

    #[test]
    fn the_trace_of_the_request_travels_as_a_long_string() {
        // Field note: AMQP: traceparent as LongString.
        let context = Context::random().into_arc();
        let entered = context.enter();
        let parts = Message::to_queue("orders.v1", "").with_trace().into_parts();
        drop(entered);
        let headers = parts.properties.headers().clone().expect("headers");
        let expected = AMQPValue::LongString(LongString::from(&context.trace().traceparent()[..]));
        assert_eq!(headers.inner().get("traceparent"), Some(&expected));
    }

    #[test]
    fn a_message_is_persistent() {
        assert_eq!(*Message::to_queue("q", "").into_parts().properties.delivery_mode(), Some(2));
    }
}
