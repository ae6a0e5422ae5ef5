use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::auth::cookies;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::{Session, clock};

/// The cookie that a browser's session is in: for this host and all of its paths, out of scripts' reach, and not sent
/// along by other sites' pages.
///
/// ```
/// use groundcrew_auth::SessionCookie;
///
/// assert_eq!(SessionCookie::new("parcels").name(), "__Host-parcels");
/// assert_eq!(SessionCookie::insecure("parcels").name(), "parcels"); // over http, on one's own machine
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    name: String,
    secure: bool,
}

// === impl SessionCookie ===

impl SessionCookie {
    /// Sent over TLS only, and by the host that set it only (`__Host-`).
    pub fn new(name: &str) -> Self {
        Self { name: format!("__Host-{name}"), secure: true }
    }

    /// Sent over plain HTTP, too: for development on one's own machine.
    pub fn insecure(name: &str) -> Self {
        Self { name: name.to_owned(), secure: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` that begins a session. It lasts as long as the session may at most (`auth.session_expiry`): one
    /// that is not used ends here, whatever the browser still has, and one that is used is prolonged without a new one.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn set(&self, session: &Session) -> HeaderValue {
        let left = u64::try_from(session.ends_at - clock::now()).unwrap_or(0);
        self.written(session.token.expose(), Duration::from_secs(left))
    }

    /// The `Set-Cookie` that ends one.
    pub fn clear(&self) -> HeaderValue {
        self.written("", Duration::ZERO)
    }

    /// The value, where a request brings exactly one.
    pub fn read<'r>(&self, headers: &'r HeaderMap) -> Option<&'r str> {
        let mut values = cookies(headers).filter(|(name, _)| *name == self.name).map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    pub(crate) fn written(&self, value: &str, age: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name,
            age.as_secs()
        );
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_out_of_reach_of_scripts_and_other_sites() {
        let text = SessionCookie::new("parcels").written("v", Duration::from_secs(60));
        assert_eq!(text, "__Host-parcels=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(
            SessionCookie::insecure("parcels").clear(),
            "parcels=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }
}
