use std::path::PathBuf;

/// What is wrong with the broker that is configured. No message shows any part of the URL that could be a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing is configured.
    #[error(
        "no RabbitMQ is configured: set RABBITMQ_URL (the key `url` of this section) to \
         amqp://user@host:5672/%2f and RABBITMQ_PASSWORD to the password"
    )]
    NotConfigured,
    /// It does not read as the URL of a broker.
    #[error(
        "the RabbitMQ URL ({origin}) cannot be read: {problem}; right would be amqp://user@host:5672/%2f, with the \
         password in RABBITMQ_PASSWORD"
    )]
    Malformed {
        /// Where the URL came from.
        origin: String,
        /// What is wrong, without any part of the URL.
        problem: String,
    },
    /// The URL wants encryption, and there is none in this program.
    #[error(
        "the RabbitMQ URL ({origin}) begins with amqps:, but this program was built without encryption: turn on the \
         feature `tls` of groundcrew-amqp"
    )]
    WithoutTls {
        /// Where the URL came from.
        origin: String,
    },
    /// The file with the certificates cannot be used.
    #[error("the certificates in {path} (`ca_file`) cannot be read: {problem}", path = .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Why there is no handle to the broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration is wrong; nothing was tried.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The broker answered and refused; trying again would not help.
    #[error(
        "RabbitMQ at {target} refuses the connection: {cause}; check the user, the password and the virtual host"
    )]
    Refused {
        /// User, host, port and virtual host.
        target: String,
        /// What the broker said.
        cause: String,
    },
    /// The metrics could not be registered: another broker of the service has the same name.
    #[error("the metrics of the broker `{name}` cannot be registered; give each broker a name of its own")]
    Metrics {
        /// The broker's name.
        name: String,
        /// What the registry said.
        source: groundcrew_telemetry::MetricsError,
    },
}

/// Why exchanges and queues are not as they should be.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopologyError {
    /// The broker has a queue or exchange of that name that was declared otherwise.
    #[error(
        "{what} exists with other arguments than this program declares ({cause}); neither can be changed in place: \
         raise its version, so that a new one is made beside it, and delete the old one once it is empty"
    )]
    Changed {
        /// For example ``queue `orders.v1` ``.
        what: String,
        /// What the broker said.
        cause: String,
    },
    /// The broker refused for another reason.
    #[error("{what} cannot be declared: {cause}")]
    Refused {
        /// For example ``queue `orders.v1` ``.
        what: String,
        /// What the broker said.
        cause: String,
    },
    /// The connection was lost, or the broker gave no answer.
    #[error("{what} could not be declared: {cause}; it is tried again with the next connection")]
    Interrupted {
        /// For example ``queue `orders.v1` ``.
        what: String,
        /// What happened.
        cause: String,
    },
}

/// Why a message counts as not published.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// A name or the id is longer than the protocol allows; nothing was sent.
    #[error("the {field} of the message has {length} bytes, and the protocol allows 255")]
    TooLong {
        /// Which part of the message.
        field: &'static str,
        /// How long it is.
        length: usize,
    },
    /// No queue takes messages with this exchange and routing key. It is nowhere.
    #[error("no queue takes the message ({reason}): check the bindings of its exchange and its routing key")]
    Unroutable {
        /// What the broker said.
        reason: String,
    },
    /// The broker did not take the message: a queue is full, or its leader is in trouble. It is in no queue, or
    /// not in all of them.
    #[error("the broker refused the message: a queue is full, or in trouble")]
    Nacked,
    /// The broker takes no messages at present and says why. Never sent.
    #[error(
        "the broker takes no messages ({reason}), and did not within {waited_ms} ms; the message was not sent"
    )]
    Blocked {
        /// What the broker said, such as `low on memory`.
        reason: String,
        /// How long the call waited, in milliseconds.
        waited_ms: u64,
    },
    /// The window of unconfirmed messages stayed full. Never sent.
    #[error(
        "{window} messages are unconfirmed (`confirm_window`), and none was confirmed within {waited_ms} ms; the \
         message was not sent"
    )]
    Backpressure {
        /// The size of the window.
        window: u32,
        /// How long the call waited, in milliseconds.
        waited_ms: u64,
    },
    /// There was no connection. Never sent.
    #[error("the message was not sent: {reason}")]
    Unavailable {
        /// Why there is no connection.
        reason: String,
    },
    /// It was sent and not confirmed: it may have arrived or not. Publish it again with the same id; consumers
    /// recognise it by that.
    #[error("the message was sent, and may have arrived or not: {reason}; publish it again with the same id")]
    Unknown {
        /// What happened instead of a confirm.
        reason: String,
    },
}

// === impl PublishError ===

impl PublishError {
    /// Whether it is certain that the message was never sent.
    pub fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::TooLong { .. }
                | Self::Blocked { .. }
                | Self::Backpressure { .. }
                | Self::Unavailable { .. }
        )
    }

    /// Whether the same message may go through a moment later. For [`Unroutable`](Self::Unroutable) and
    /// [`TooLong`](Self::TooLong) somebody has to mend something first.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::TooLong { .. } | Self::Unroutable { .. })
    }
}

/// The broker's or the network's words, without what the library puts around them.
pub(crate) fn words(error: &lapin::Error) -> String {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        lapin::ErrorKind::IOError(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// Whether it was our patience that ended, and nobody said no.
pub(crate) fn is_timeout(error: &lapin::Error) -> bool {
    matches!(error.kind(), lapin::ErrorKind::IOError(error) if error.kind() == std::io::ErrorKind::TimedOut)
}

/// The reply code of the broker, if it was the broker.
pub(crate) fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
