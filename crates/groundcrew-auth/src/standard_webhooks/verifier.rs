use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::{ID, SIGNATURE, TIMESTAMP, WebhookSecret, feed, is_id};
use crate::clock;

/// Verifies webhooks, against several secrets while one replaces another.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Vec<hmac::Key>,
    tolerance: Duration,
}

/// A webhook that its sender signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The message's id, the same for each attempt: what repeats are noticed by.
    pub id: String,
    /// When the attempt was made, in seconds since 1970.
    pub timestamp: i64,
}

/// Why a webhook is not believed. Answer 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is missing, comes twice or is not what it should be.
    #[error("the header `{0}` is missing or malformed")]
    Header(&'static str),
    /// The message is too old, or from the future.
    #[error("the webhook was signed {0} s from now; at most {1} s are accepted")]
    Time(u64, u64),
    /// No signature is one of a known secret.
    #[error("no signature of the webhook is by a secret that is known here")]
    Signature,
}

/// So many signatures are looked at; a rotation needs two.
const MOST: usize = 16;

// === impl Verifier ===

impl Verifier {
    /// Accepts signatures by this secret that are at most 5 minutes old, or ahead.
    pub fn new(secret: &WebhookSecret) -> Self {
        Self { keys: vec![secret.key().clone()], tolerance: Duration::from_secs(300) }
    }

    /// Accepts signatures by one more secret.
    pub fn also(mut self, secret: &WebhookSecret) -> Self {
        self.keys.push(secret.key().clone());
        self
    }

    /// How far the sender's time may be from ours, on either side.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks the headers against the body as it came, byte for byte, before anything is parsed.
    ///
    /// # Errors
    ///
    /// When a header is missing, the time is too far from now, or no signature is right.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
        self.verify_at(headers, body, clock::now())
    }

    /// As [`verify`](Self::verify), at this time in seconds since 1970.
    pub fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: i64) -> Result<Verified, VerifyError> {
        let id = Some(crate::header::only(headers, ID)).flatten().filter(|id| is_id(id));
        let id = id.ok_or(VerifyError::Header(ID))?;
        let written = crate::header::only(headers, TIMESTAMP).ok_or(VerifyError::Header(TIMESTAMP))?;
        let timestamp = crate::header::seconds(written).ok_or(VerifyError::Header(TIMESTAMP))?;
        let signatures = crate::header::only(headers, SIGNATURE).ok_or(VerifyError::Header(SIGNATURE))?;
        if !clock::is_near(timestamp, now, self.tolerance) {
            return Err(VerifyError::Time(timestamp.abs_diff(now), self.tolerance.as_secs()));
        }
        let right = self.keys.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            feed(&mut context, id, written, body);
            context.sign()
        });
        let right: Vec<hmac::Tag> = right.collect();
        let told = signatures.split(' ').take(MOST).filter_map(|text| text.strip_prefix("v1,"));
        let mut told = told.filter_map(|text| STANDARD.decode(text).ok());
        // In constant time: how much of a guess was right must not show.
        let matches =
            |told: Vec<u8>| right.iter().any(|right| verify_slices_are_equal(right.as_ref(), &told).is_ok());
        if told.any(matches) {
            Ok(Verified { id: id.to_owned(), timestamp })
        } else {
            Err(VerifyError::Signature)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::standard_webhooks::Signer;

    const NOW: i64 = 1_800_000_000;

    fn signed(signer: &Signer, at: i64) -> HeaderMap {
        signer.sign_at("msg_1", at, b"body").expect("a signature").into_iter().collect()
    }

    #[test]
    fn a_message_of_another_body_id_or_time_is_refused() {
        let secret = WebhookSecret::generate();
        let verifier = Verifier::new(&secret);
        let headers = signed(&Signer::new(&secret), NOW);
        assert_eq!(
            verifier.verify_at(&headers, b"body", NOW),
            Ok(Verified { id: "msg_1".into(), timestamp: NOW })
        );
        assert_eq!(verifier.verify_at(&headers, b"bodY", NOW), Err(VerifyError::Signature));
        for (name, value) in [(ID, "msg_2"), (TIMESTAMP, "1800000001")] {
            let mut changed = headers.clone();
            changed.insert(name, value.parse().expect("a value"));
            assert_eq!(verifier.verify_at(&changed, b"body", NOW), Err(VerifyError::Signature), "{name}");
        }
    }

    /// Field note: ±5 min.
    #[test]
    fn five_minutes_on_either_side_are_accepted_and_a_second_more_is_not() {
        let secret = WebhookSecret::generate();
        let (signer, verifier) = (Signer::new(&secret), Verifier::new(&secret));
        for at in [NOW - 300, NOW + 300] {
            assert!(verifier.verify_at(&signed(&signer, at), b"body", NOW).is_ok(), "{at}");
        }
        for at in [NOW - 301, NOW + 301, 0, i64::MAX] {
            let refused = verifier.verify_at(&signed(&signer, at), b"body", NOW);
            assert!(matches!(refused, Err(VerifyError::Time(_, 300))), "{at}: {refused:?}");
        }
    }

    #[test]
    fn while_a_secret_is_replaced_both_sides_may_lag() {
        let (old, new) = (WebhookSecret::generate(), WebhookSecret::generate());
        let both = signed(&Signer::new(&new).also(&old), NOW);
        for verifier in [Verifier::new(&old), Verifier::new(&new)] {
            assert!(verifier.verify_at(&both, b"body", NOW).is_ok());
        }
        let only_old = signed(&Signer::new(&old), NOW);
        assert!(Verifier::new(&new).also(&old).verify_at(&only_old, b"body", NOW).is_ok());
        assert_eq!(Verifier::new(&new).verify_at(&only_old, b"body", NOW), Err(VerifyError::Signature));
    }

    #[test]
    fn a_missing_or_doubled_header_is_named() {
        let secret = WebhookSecret::generate();
        let headers = signed(&Signer::new(&secret), NOW);
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut without = headers.clone();
            without.remove(name);
            let mut twice = headers.clone();
            twice.append(name, headers[name].clone());
            for headers in [without, twice] {
                let refused = Verifier::new(&secret).verify_at(&headers, b"body", NOW);
                assert_eq!(refused, Err(VerifyError::Header(name)));
            }
        }
    }

    proptest! {
        #[test]
        fn no_signature_header_is_believed_or_fatal(value in "[ -~]{0,200}", at in "[ -~]{0,20}") {
            let secret = WebhookSecret::generate();
            let mut headers = signed(&Signer::new(&secret), NOW);
            headers.insert(SIGNATURE, value.parse().expect("a value"));
            let refused = Verifier::new(&secret).verify_at(&headers, b"body", NOW);
            prop_assert!(refused.is_err());
            headers.insert(TIMESTAMP, at.parse().expect("a value"));
            let refused = Verifier::new(&secret).verify_at(&headers, b"body", NOW);
            prop_assert!(refused.is_err());
        }
    }
}
