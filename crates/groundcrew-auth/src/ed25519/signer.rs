use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use http::{HeaderName, HeaderValue};

use super::{SIGNATURE, TIMESTAMP};
use crate::{clock, hex};

/// Signs requests: for whoever stands in for Discord, in tests and between services of one's own.
#[derive(Clone)]
pub struct Signer {
    pair: Arc<Ed25519KeyPair>,
}

// === impl Signer ===

impl Signer {
    /// With a new random key.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn generate() -> Self {
        Self::from_seed(&crate::random::bytes())
    }

    /// With the private key that these 32 bytes are.
    ///
    /// # Panics
    ///
    /// Never: each 32 bytes are a key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a private key");
        Self { pair: Arc::new(pair) }
    }

    /// The public key in hexadecimal, for [`Verifier::parse`](super::Verifier::parse).
    pub fn public_key(&self) -> String {
        hex::encode(self.pair.public_key().as_ref())
    }

    /// The two headers for this body, signed now.
    pub fn sign(&self, body: &[u8]) -> [(HeaderName, HeaderValue); 2] {
        self.sign_at(clock::now(), body)
    }

    /// As [`sign`](Self::sign), signed at this time in seconds since 1970.
    pub fn sign_at(&self, timestamp: i64, body: &[u8]) -> [(HeaderName, HeaderValue); 2] {
        let written = timestamp.to_string();
        let signature = self.pair.sign(&[written.as_bytes(), body].concat());
        let signature = HeaderValue::from_str(&hex::encode(signature.as_ref()));
        [
            (HeaderName::from_static(SIGNATURE), signature.unwrap_or(HeaderValue::from_static(""))),
            (HeaderName::from_static(TIMESTAMP), HeaderValue::from(timestamp)),
        ]
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public_key", &self.public_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1: the key of a seed.
    #[test]
    fn a_seed_has_the_rfcs_public_key() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let signer = Signer::from_seed(&seed.expect("32 bytes"));
        assert_eq!(signer.public_key(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}
