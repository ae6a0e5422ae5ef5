use deadpool_redis::redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

/// How a command ended, and what that says about its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    /// Redis said no; the connection is well.
    Refused,
    /// The server is not the primary any more. It answers, but the name behind which it stood leads elsewhere.
    Demoted,
    /// No answer in time.
    Silent,
    /// The connection is of no use any more, or there is none.
    Lost,
}

/// What Redis answers. Errors of the server are values as long as nobody has asked for a type.
pub(crate) trait Answer {
    fn refusal(&self) -> Option<Ending>;
}

// === impl Ending ===

impl Ending {
    pub(crate) fn of<T: Answer>(result: &RedisResult<T>) -> Self {
        match result {
            Ok(answer) => answer.refusal().unwrap_or(Self::Answered),
            Err(error) => Self::of_error(error),
        }
    }

    fn of_error(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(kind) => Self::of_refusal(Some(kind)),
            _ if error.is_timeout() => Self::Silent,
            _ if error.is_unrecoverable_error() => Self::Lost,
            _ => Self::Refused,
        }
    }

    fn of_refusal(kind: Option<ServerErrorKind>) -> Self {
        match kind {
            Some(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => Self::Demoted,
            _ => Self::Refused,
        }
    }

    /// Whether another connection may do better.
    pub(crate) fn wants_another(self) -> bool {
        matches!(self, Self::Demoted | Self::Lost)
    }
}

// === impl Answer ===

impl Answer for Value {
    fn refusal(&self) -> Option<Ending> {
        match self {
            Self::ServerError(error) => Some(Ending::of_refusal(error.kind())),
            _ => None,
        }
    }
}

impl Answer for Vec<Value> {
    /// The first in a pipeline; the others mostly say the same.
    fn refusal(&self) -> Option<Ending> {
        self.iter().find_map(Answer::refusal)
    }
}

impl Answer for () {
    fn refusal(&self) -> Option<Ending> {
        None
    }
}
