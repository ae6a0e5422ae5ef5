use lapin::ExchangeKind;

/// An exchange; it is durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    name: String,
    kind: ExchangeKind,
}

// === impl Exchange ===

impl Exchange {
    /// Sends a message to the queues whose key is the message's routing key.
    pub fn direct(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ExchangeKind::Direct }
    }

    /// Sends a message to the queues whose pattern fits its routing key: `*` for a word, `#` for any number.
    pub fn topic(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ExchangeKind::Topic }
    }

    /// Sends a message to every queue that is bound.
    pub fn fanout(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ExchangeKind::Fanout }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn kind(&self) -> ExchangeKind {
        self.kind.clone()
    }
}
