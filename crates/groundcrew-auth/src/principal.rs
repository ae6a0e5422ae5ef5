use serde_json::{Map, Value};

use crate::Scopes;

/// Who asks, and what they may.
///
/// As an extractor it answers 401 where nobody is known, and 500 where no [`Auth`](crate::Auth) layer looked; an
/// `Option<Principal>` is `None` for who has shown nothing.
///
/// ```
/// use groundcrew_auth::{Denied, Principal};
///
/// async fn handler(who: Principal) -> Result<String, Denied> {
///     who.require("summaries:write")?; // 403
///     Ok(format!("{} may", who.subject))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Principal {
    /// Who it is, by a name that lasts: an account's id, a service.
    pub subject: String,
    /// What they may.
    pub scopes: Scopes,
    /// How they proved it.
    pub kind: PrincipalKind,
    /// The key, the session or the token they used, by its public id.
    pub credential: Option<String>,
    /// What the service itself has put into the session or the token, such as a display name.
    pub data: Map<String, Value>,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A signed token (JWT).
    Token,
    /// An API key.
    Key,
    /// A browser's session, by its cookie.
    Session,
    /// Not at all: whoever reaches the service at all is this one, which the service has decided itself.
    Local,
}

// === impl Principal ===

impl Principal {
    /// Somebody without anything that the service has put there.
    pub fn new(subject: impl Into<String>, scopes: Scopes, kind: PrincipalKind) -> Self {
        Self { subject: subject.into(), scopes, kind, credential: None, data: Map::new() }
    }

    /// With the public id of what was shown.
    pub fn with_credential(mut self, id: impl Into<String>) -> Self {
        self.credential = Some(id.into());
        self
    }

    /// With what the service knows about them.
    pub fn with_data(mut self, data: Map<String, Value>) -> Self {
        self.data = data;
        self
    }

    /// Whether they may do this.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.allow(scope)
    }
}

// === impl PrincipalKind ===

impl PrincipalKind {
    /// As metrics and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Key => "key",
            Self::Session => "session",
            Self::Local => "local",
        }
    }
}
