use crate::random;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

/// The key that signs what Discord posts to an HTTP endpoint.
#[derive(Debug)]
pub(crate) struct Signer {
    key: Ed25519KeyPair,
}

// === impl Signer ===

impl Signer {
    pub(crate) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { key: Ed25519KeyPair::generate()? })
    }

    /// As the developer portal shows it.
    pub(crate) fn public_key(&self) -> String {
        random::encode(self.key.public_key().as_ref())
    }

    /// Over timestamp and body, as `X-Signature-Ed25519` carries it.
    pub(crate) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let mut message = timestamp.as_bytes().to_vec();
        message.extend_from_slice(body);
        random::encode(self.key.sign(&message).as_ref())
    }
}
