use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

use super::{ID, SIGNATURE, TIMESTAMP, WebhookSecret, feed, is_id};
use crate::clock;

/// Signs webhooks, with several secrets while one replaces another.
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Vec<hmac::Key>,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The id would not pass as a header, or makes the signature ambiguous.
    #[error("the webhook's id needs 1 to 256 visible ASCII characters without a full stop")]
    Id,
}

// === impl Signer ===

impl Signer {
    /// Signs with this secret.
    pub fn new(secret: &WebhookSecret) -> Self {
        Self { keys: vec![secret.key().clone()] }
    }

    /// Signs with one more secret, so that receivers that know only the other one can verify, too.
    pub fn also(mut self, secret: &WebhookSecret) -> Self {
        self.keys.push(secret.key().clone());
        self
    }

    /// The three headers for this message, sent now.
    ///
    /// # Errors
    ///
    /// When the id is empty, longer than 256 bytes, or has a full stop or anything invisible in it.
    pub fn sign(&self, id: &str, body: &[u8]) -> Result<[(HeaderName, HeaderValue); 3], SignError> {
        self.sign_at(id, clock::now(), body)
    }

    /// As [`sign`](Self::sign), sent at this time in seconds since 1970.
    pub fn sign_at(
        &self,
        id: &str,
        timestamp: i64,
        body: &[u8],
    ) -> Result<[(HeaderName, HeaderValue); 3], SignError> {
        if !is_id(id) {
            return Err(SignError::Id);
        }
        let timestamp = timestamp.to_string();
        let signatures: Vec<String> =
            self.keys.iter().map(|key| signature(key, id, &timestamp, body)).collect();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SignError::Id);
        Ok([
            (HeaderName::from_static(ID), value(id)?),
            (HeaderName::from_static(TIMESTAMP), value(&timestamp)?),
            (HeaderName::from_static(SIGNATURE), value(&signatures.join(" "))?),
        ])
    }
}

fn signature(key: &hmac::Key, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    feed(&mut context, id, timestamp, body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the convention's reference implementations share.
    #[test]
    fn the_published_example_comes_out() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let headers = Signer::new(&secret)
            .sign_at("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
            .expect("a signature");
        assert_eq!(headers[1].1, "1614265330");
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_id_with_a_full_stop_is_not_signed() {
        let signer = Signer::new(&WebhookSecret::generate());
        for id in ["", "a.b", "a b", "ä", "a\nb"] {
            assert_eq!(signer.sign(id, b"").unwrap_err(), SignError::Id, "{id:?}");
        }
    }
}
