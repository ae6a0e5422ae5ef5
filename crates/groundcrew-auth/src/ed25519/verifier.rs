use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use http::HeaderMap;

use super::{SIGNATURE, TIMESTAMP};
use crate::{clock, hex};

/// Verifies requests by the sender's public key.
#[derive(Debug, Clone)]
pub struct Verifier {
    key: [u8; 32],
    tolerance: Duration,
    limit: usize,
}

/// Why a text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public key is not one: 64 hexadecimal digits of a point on the curve are needed, as the application's page shows them"
)]
pub struct KeyError;

/// Why a request is not believed. Answer 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is missing, comes twice or is not what it should be.
    #[error("the header `{0}` is missing or malformed")]
    Header(&'static str),
    /// The request is too old, or from the future.
    #[error("the request was signed {0} s from now; at most {1} s are accepted")]
    Time(u64, u64),
    /// The signature is not by this key over this body.
    #[error("the signature is not by the known key over this body")]
    Signature,
}

/// What the headers say, before the body is there.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    timestamp: String,
    signature: [u8; 64],
}

// === impl Verifier ===

impl Verifier {
    /// With a public key in hexadecimal. Accepts requests at most 5 minutes old, or ahead, and bodies of up to 1 MiB.
    ///
    /// # Errors
    ///
    /// When it is not 64 hexadecimal digits of a public key.
    pub fn parse(public_key: &str) -> Result<Self, KeyError> {
        let key = hex::decode(public_key.trim()).ok_or(KeyError)?;
        UnparsedPublicKey::new(&ED25519, key).parse().map_err(|_| KeyError)?;
        Ok(Self { key, tolerance: Duration::from_secs(300), limit: 1 << 20 })
    }

    /// How far the sender's time may be from ours, on either side: for so long a request that was overheard can be
    /// repeated.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How many bytes [`SignedBody`](super::SignedBody) takes before it knows who sent them.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Checks the headers against the body as it came, byte for byte, before anything is parsed.
    ///
    /// # Errors
    ///
    /// When a header is missing, the time is too far from now, or the signature is not right.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), VerifyError> {
        self.verify_at(headers, body, clock::now())
    }

    /// As [`verify`](Self::verify), at this time in seconds since 1970.
    pub fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), VerifyError> {
        self.check(&self.claimed(headers, now)?, body)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn claimed(&self, headers: &HeaderMap, now: i64) -> Result<Claimed, VerifyError> {
        let written = crate::header::only(headers, TIMESTAMP).ok_or(VerifyError::Header(TIMESTAMP))?;
        let timestamp = crate::header::seconds(written).ok_or(VerifyError::Header(TIMESTAMP))?;
        let signature = crate::header::only(headers, SIGNATURE).and_then(hex::decode);
        let signature = signature.ok_or(VerifyError::Header(SIGNATURE))?;
        if !clock::is_near(timestamp, now, self.tolerance) {
            return Err(VerifyError::Time(timestamp.abs_diff(now), self.tolerance.as_secs()));
        }
        Ok(Claimed { timestamp: written.to_owned(), signature })
    }

    pub(super) fn check(&self, claimed: &Claimed, body: &[u8]) -> Result<(), VerifyError> {
        let message = [claimed.timestamp.as_bytes(), body].concat();
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        key.verify(&message, &claimed.signature).map_err(|_| VerifyError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ed25519::Signer;

    const NOW: i64 = 1_800_000_000;

    fn signed(signer: &Signer, at: i64, body: &[u8]) -> HeaderMap {
        signer.sign_at(at, body).into_iter().collect()
    }

    /// RFC 8032, section 7.1, tests 1 to 3: the verifier's key and signature, with the message as timestamp and body.
    #[test]
    fn the_rfcs_signatures_are_right() {
        let examples: [(&str, &[u8], &str); 3] = [
            (
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                b"",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                b"\x72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                b"\xaf\x82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (key, message, signature) in examples {
            let verifier = Verifier::parse(key).expect("a key");
            let signature = hex::decode(signature).expect("a signature");
            let claimed = Claimed { timestamp: String::new(), signature };
            assert_eq!(verifier.check(&claimed, message), Ok(()));
            assert_eq!(verifier.check(&claimed, b"other"), Err(VerifyError::Signature));
        }
    }

    #[test]
    fn another_key_body_or_time_is_refused() {
        let signer = Signer::generate();
        let verifier = Verifier::parse(&signer.public_key()).expect("a key");
        let headers = signed(&signer, NOW, b"body");
        assert_eq!(verifier.verify_at(&headers, b"body", NOW), Ok(()));
        assert_eq!(verifier.verify_at(&headers, b"bodY", NOW), Err(VerifyError::Signature));
        let other = signed(&Signer::generate(), NOW, b"body");
        assert_eq!(verifier.verify_at(&other, b"body", NOW), Err(VerifyError::Signature));
        let mut later = headers.clone();
        later.insert(TIMESTAMP, "1800000001".parse().expect("a value"));
        assert_eq!(verifier.verify_at(&later, b"body", NOW), Err(VerifyError::Signature));
        assert_eq!(verifier.verify_at(&headers, b"body", NOW + 301), Err(VerifyError::Time(301, 300)));
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        for key in ["", "d75a", &"z".repeat(64)] {
            assert_eq!(Verifier::parse(key).unwrap_err(), KeyError);
        }
    }

    proptest! {
        #[test]
        fn no_header_is_believed_or_fatal(signature in "[ -~]{0,140}", at in "[ -~]{0,20}") {
            let verifier = Verifier::parse(&Signer::generate().public_key()).expect("a key");
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE, signature.parse().expect("a value"));
            headers.insert(TIMESTAMP, at.parse().expect("a value"));
            prop_assert!(verifier.verify_at(&headers, b"body", NOW).is_err());
        }
    }
}
