use http::request::Parts;

use crate::auth_metrics::{AuthMetrics, Outcome, Shown};
use crate::{Denied, Principal, TokenError};

/// What [`Auth`](crate::Auth) found out about a request. Nobody else can make one.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) state: State,
    pub(crate) shown: Shown,
    pub(crate) metrics: AuthMetrics,
}

#[derive(Debug, Clone)]
pub(crate) enum State {
    Known(Principal),
    Nobody,
    Refused(Refusal),
    Unavailable,
}

/// Why what was shown does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not read, or there are two.
    Malformed,
    /// This service takes no such thing.
    Kind,
    /// Unknown, revoked, ended or expired: which of them is nobody's business.
    Unknown,
    Token(TokenError),
    CrossSite,
    /// A key as a password, to change something.
    Password,
}

// === impl Identity ===

impl Identity {
    pub(crate) fn of(extensions: &http::Extensions) -> Option<&Principal> {
        match &extensions.get::<Self>()?.state {
            State::Known(who) => Some(who),
            _ => None,
        }
    }

    /// Who asks, for a handler that needs somebody.
    pub(crate) fn known(parts: &http::Extensions) -> Result<&Principal, Denied> {
        let identity = parts.get::<Self>().ok_or_else(Denied::not_layered)?;
        match &identity.state {
            State::Known(who) => Ok(who),
            State::Nobody => {
                identity.metrics.count(Shown::Nothing, Outcome::Refused);
                Err(Denied::nobody())
            }
            State::Refused(refusal) => Err(Denied::refused(refusal)),
            State::Unavailable => Err(Denied::unavailable()),
        }
    }

    /// Who asks, for a handler that also serves those who show nothing.
    pub(crate) fn anybody(parts: &Parts) -> Result<Option<&Principal>, Denied> {
        let identity = parts.extensions.get::<Self>().ok_or_else(Denied::not_layered)?;
        match &identity.state {
            State::Nobody => Ok(None),
            _ => Self::known(&parts.extensions).map(Some),
        }
    }

    pub(crate) fn forbidden(&self) {
        self.metrics.count(self.shown, Outcome::Forbidden);
    }
}
