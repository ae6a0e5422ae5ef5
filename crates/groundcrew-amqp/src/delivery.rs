use bytes::Bytes;
use groundcrew_telemetry::{Context, RequestId, TraceContext, TraceState};
use lapin::BasicProperties;

use crate::Field;

/// A message as a consumer gets it.
#[derive(Debug, Clone)]
pub struct Delivery {
    payload: Bytes,
    exchange: String,
    routing_key: String,
    redelivered: bool,
    properties: BasicProperties,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done: the broker forgets it.
    Ack,
    /// Again, at once: right for what passes in a moment. What takes longer belongs into a retry queue.
    Requeue,
    /// It cannot be done: it becomes a dead letter.
    Reject,
}

// === impl Delivery ===

impl Delivery {
    pub(crate) fn new(delivery: lapin::message::Delivery) -> Self {
        Self {
            payload: delivery.data.into(),
            exchange: delivery.exchange.into(),
            routing_key: delivery.routing_key.into(),
            redelivered: delivery.redelivered,
            properties: delivery.properties,
        }
    }

    /// What was sent.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The id that the publisher gave it: two deliveries with the same id are the same message.
    pub fn id(&self) -> Option<&str> {
        self.properties.message_id().as_ref().map(lapin::types::ShortString::as_str)
    }

    /// What kind of message it is, if the publisher said.
    pub fn kind(&self) -> Option<&str> {
        self.properties.kind().as_ref().map(lapin::types::ShortString::as_str)
    }

    /// The type of the payload, if the publisher said.
    pub fn content_type(&self) -> Option<&str> {
        self.properties.content_type().as_ref().map(lapin::types::ShortString::as_str)
    }

    /// The exchange it was published to.
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The routing key it was published with.
    pub fn routing_key(&self) -> &str {
        &self.routing_key
    }

    /// Whether it was given to a consumer before.
    pub fn is_redelivered(&self) -> bool {
        self.redelivered
    }

    /// How often it was given to a consumer before and came back, as a quorum queue counts; zero in other queues.
    /// Restarts count too, so it is not the number of attempts.
    pub fn delivery_count(&self) -> u64 {
        match self.header("x-delivery-count") {
            Some(Field::Number(count)) => u64::try_from(count).unwrap_or_default(),
            _ => 0,
        }
    }

    /// A header, if it is there and is a text, a whole number or a flag.
    pub fn header(&self, name: &str) -> Option<Field> {
        self.properties.headers().as_ref()?.inner().get(name).and_then(Field::read)
    }

    /// The context of the work that this message asks for: in the publisher's trace, if it names a right one, and else
    /// in a new one that is recorded; with the message's id as the request's where that can be one.
    pub fn context(&self) -> Context {
        let id = self.id().and_then(|id| RequestId::parse(id.as_bytes())).unwrap_or_else(RequestId::random);
        let text = |name| match self.header(name) {
            Some(Field::Text(text)) => Some(text),
            _ => None,
        };
        // Whoever may publish may write what they like: it is parsed as strictly as from the network.
        let Some(caller) = text("traceparent").and_then(|it| TraceContext::parse(it.as_bytes())) else {
            return Context::new(id, TraceContext { sampled: true, ..TraceContext::random() });
        };
        let context = Context::continuing(id, caller);
        match text("tracestate").and_then(|it| TraceState::parse(&it)) {
            Some(state) => context.with_trace_state(state),
            None => context,
        }
    }

    /// The library's own properties, with everything that has no method here.
    pub fn properties(&self) -> &BasicProperties {
        &self.properties
    }
}

// === impl Verdict ===

impl From<lapin::message::Delivery> for Delivery {
    /// One that was fetched through a [channel](crate::Amqp::channel) of the library's own.
    fn from(delivery: lapin::message::Delivery) -> Self {
        Self::new(delivery)
    }
}

impl From<()> for Verdict {
    /// What was handled is done.
    fn from((): ()) -> Self {
        Self::Ack
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{AMQPValue, FieldTable, LongString};

    use super::*;

    fn with_traceparent(value: &str) -> Delivery {
        let mut headers = FieldTable::default();
        headers.insert("traceparent".into(), AMQPValue::LongString(LongString::from(value)));
        let (exchange, routing_key) = (String::new(), "orders.v1".to_owned());
        let properties = BasicProperties::default().with_headers(headers).with_message_id("m-1".into());
        Delivery { payload: Bytes::new(), exchange, routing_key, redelivered: false, properties }
    }

    #[test]
    fn the_publishers_trace_goes_on() {
        let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = with_traceparent(theirs).context();
        assert_eq!(context.caller().map(ToString::to_string).as_deref(), Some(theirs));
        assert_eq!(context.request_id().as_str(), "m-1");
    }

    #[test]
    fn a_trace_that_is_none_begins_a_new_one_that_is_recorded() {
        for wrong in ["", "00-xyz", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "\u{1F980}"] {
            let context = with_traceparent(wrong).context();
            assert!(context.caller().is_none() && context.trace().sampled, "{wrong}");
        }
    }
}
