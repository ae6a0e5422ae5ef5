//! Signatures of webhooks by the [Standard Webhooks](https://www.standardwebhooks.com) convention: HMAC-SHA256 over
//! `id.timestamp.body`, in the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
//!
//! ```
//! use groundcrew_auth::standard_webhooks::{Signer, Verifier, WebhookSecret};
//!
//! let secret = WebhookSecret::generate();
//! let told = secret.expose(); // `whsec_…`: show it once to whoever receives
//!
//! let body = br#"{"type":"summary.created"}"#;
//! let headers = Signer::new(&secret).sign("msg_1", body)?;
//! # let headers = headers.into_iter().collect::<http::HeaderMap>();
//!
//! let verifier = Verifier::new(&WebhookSecret::parse(&told)?);
//! assert_eq!(verifier.verify(&headers, body)?.id, "msg_1");
//! assert!(verifier.verify(&headers, b"something else").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The id is the same for every attempt to deliver a message, and the receiver's key for noticing repeats; the time is
//! that of the attempt. It does not do asymmetric signatures (`v1a`), which are skipped, and it remembers no ids.

mod secret;
mod signer;
mod verifier;

pub use secret::{WebhookSecret, WebhookSecretError};
pub use signer::{SignError, Signer};
pub use verifier::{Verified, Verifier, VerifyError};

/// The header with the message's id.
pub const ID: &str = "webhook-id";
/// The header with the attempt's time, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, `v1,<base64>` each, apart by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// Within what an id is: visible ASCII, and no full stop, or `id.timestamp.body` could be cut in two ways.
fn is_id(id: &str) -> bool {
    (1..=256).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

fn feed(context: &mut aws_lc_rs::hmac::Context, id: &str, timestamp: &str, body: &[u8]) {
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
}
