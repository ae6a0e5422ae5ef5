//! Requests that are signed with Ed25519 over `timestamp ‖ body`, as Discord signs interactions: headers
//! `X-Signature-Ed25519` and `X-Signature-Timestamp`.
//!
//! ```
//! use axum::{Router, routing::post};
//! use groundcrew_auth::ed25519::{SignedBody, Signer, Verifier};
//!
//! # let signer = Signer::generate();
//! # let public_key = signer.public_key();
//! let verifier = Verifier::parse(&public_key)?; // from the application's page, in hexadecimal
//!
//! async fn interaction(SignedBody(body): SignedBody) -> String {
//!     format!("{} bytes, and Discord's", body.len()) // parse it only here
//! }
//! let routes: Router = Router::new().route("/interactions", post(interaction)).with_state(verifier);
//! # Ok::<(), groundcrew_auth::ed25519::KeyError>(())
//! ```
//!
//! Whoever is not believed gets 401, which Discord tries out when the address is entered, and now and then later.

mod signed_body;
mod signer;
mod verifier;

pub use signed_body::SignedBody;
pub use signer::Signer;
pub use verifier::{KeyError, Verifier, VerifyError};

/// The header with the signature, in hexadecimal.
pub const SIGNATURE: &str = "x-signature-ed25519";
/// The header with the time of signing, in seconds since 1970.
pub const TIMESTAMP: &str = "x-signature-timestamp";
