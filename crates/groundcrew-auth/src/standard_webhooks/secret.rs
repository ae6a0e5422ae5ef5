use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groundcrew_config::Secret;

/// What both sides of a webhook know: 24 to 64 bytes, written `whsec_` and base64. It is shown by nothing but
/// [`expose`](Self::expose).
#[derive(Clone)]
pub struct WebhookSecret {
    text: Secret<String>,
    key: hmac::Key,
}

/// Why a text is no secret of a webhook. The text itself is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookSecretError {
    /// What follows `whsec_` is not base64.
    #[error("the webhook's secret is not base64; it is written `whsec_` and base64, as its sender shows it")]
    Encoding,
    /// Too short to be safe, or longer than the convention allows.
    #[error("the webhook's secret has {0} bytes; it needs 24 to 64")]
    Length(usize),
}

const PREFIX: &str = "whsec_";

// === impl WebhookSecret ===

impl WebhookSecret {
    /// A new one of 32 random bytes.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn generate() -> Self {
        Self::of(&crate::random::bytes::<32>())
    }

    /// Reads `whsec_` and base64; the prefix may be missing.
    ///
    /// # Errors
    ///
    /// When it is not base64, or not of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text));
        let bytes = bytes.map_err(|_| WebhookSecretError::Encoding)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(WebhookSecretError::Length(bytes.len()));
        }
        Ok(Self::of(&bytes))
    }

    /// The secret as its receiver enters it, `whsec_…`: every call is a place where it can leak.
    pub fn expose(&self) -> String {
        self.text.expose().clone()
    }

    pub(super) fn key(&self) -> &hmac::Key {
        &self.key
    }

    fn of(bytes: &[u8]) -> Self {
        let text = Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)));
        Self { text, key: hmac::Key::new(hmac::HMAC_SHA256, bytes) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused_with_its_length() {
        let short = format!("whsec_{}", STANDARD.encode([7; 12]));
        assert_eq!(WebhookSecret::parse(&short).unwrap_err(), WebhookSecretError::Length(12));
    }

    #[test]
    fn nothing_but_expose_shows_it() {
        let secret = WebhookSecret::generate();
        let written = secret.expose();
        assert!(written.starts_with("whsec_"));
        assert!(!format!("{secret:?}").contains(&written[6..]));
        let error = WebhookSecret::parse("whsec_canary-canary").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
