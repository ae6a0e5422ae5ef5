use groundcrew::client::ClientError;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;

/// Why Discord did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RestError {
    /// The token is not, or no longer, a bot's.
    #[error(
        "Discord refuses the bot's token (401): set DISCORD_TOKEN to the one that “Bot → Reset Token” shows in the \
         developer portal, and start again; until then nothing is sent to Discord"
    )]
    Unauthorized,
    /// Discord said no.
    #[error("Discord answered {status} to {route}, code {code}: {message}")]
    Refused { route: &'static str, status: u16, code: i64, message: String },
    /// Discord's limit is further away than there is time.
    #[error("Discord's rate limit for {route} lasts longer than there is time")]
    Limited { route: &'static str },
    /// It takes too long.
    #[error("Discord did not answer {route} in time")]
    Slow { route: &'static str },
    /// It was not reached.
    #[error("Discord cannot be reached")]
    Away(#[source] Box<ClientError>),
    /// It said something else than it should.
    #[error("what Discord answered to {route} does not read: {what}")]
    Unreadable { route: &'static str, what: String },
    /// Nothing that we ask for is that long.
    #[error("Discord's answer is longer than any should be")]
    TooLong,
}

// === impl RestError ===

impl RestError {
    /// What the client says holds no path, in which the token of an interaction may stand.
    pub(super) fn failed(route: &'static str, error: ClientError) -> Self {
        match error {
            ClientError::Timeout { .. } => Self::Slow { route },
            ClientError::TooLarge { .. } => Self::TooLong,
            error => Self::Away(Box::new(error)),
        }
    }

    /// Whether Discord certainly did not see the request.
    pub(super) fn never_sent(&self) -> bool {
        matches!(self, Self::Away(error) if error.never_sent())
    }

    pub(super) fn unreadable(route: &'static str, error: &serde_json::Error) -> Self {
        Self::Unreadable { route, what: error.to_string() }
    }

    /// Whether another try may do.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Limited { .. } | Self::Slow { .. } | Self::Away(_) => true,
            Self::Unauthorized | Self::Unreadable { .. } | Self::TooLong => false,
        }
    }

    /// Whether Discord says that the bot may not, or that there is no such thing.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Refused { status: 403 | 404, .. })
    }

    /// Discord's own code, such as 10008 for an unknown message.
    pub(crate) fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// As those read it who asked for something that needed Discord.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Refused { status: 403, .. } => Problem::new(StatusCode::FORBIDDEN, "CHANNEL_ACCESS_DENIED")
                .detail("Discord does not let me do that there"),
            Self::Refused { status: 404, .. } => {
                Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("Discord does not know it any more")
            }
            Self::Refused { status, .. } if *status < 500 => {
                tracing::error!(error = %self, "Discord refused a request");
                Problem::new(StatusCode::BAD_GATEWAY, "DISCORD_REFUSED")
                    .detail("Discord did not accept what I sent")
            }
            _ => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DISCORD_UNAVAILABLE")
                .detail("Discord does not answer me at the moment; try again")
                .retry_after(10),
        }
    }
}
