use std::fmt;
use std::sync::Arc;

#[cfg(any(test, feature = "client"))]
use jsonwebtoken::jwk::KeyAlgorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// A key with its one algorithm: a token's header chooses the key, never the algorithm.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) verify: DecodingKey,
    pub(super) sign: Option<Arc<EncodingKey>>,
    /// What others may know of it; nothing of a shared secret.
    pub(super) public: Option<Jwk>,
}

/// What is wrong with a key, without any part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not PEM, or of a kind that is not taken.
    #[error(
        "it is no PEM of an RSA, P-256 or Ed25519 key in PKCS#8 (`BEGIN PRIVATE KEY` or `BEGIN PUBLIC KEY`)"
    )]
    Kind,
    /// RSA below 2048 bits.
    #[error("it is an RSA key of less than 2048 bits")]
    Weak,
}

// === impl Key ===

impl Key {
    /// HS256. The id tells secrets apart and tells nothing about them.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        let named = [b"groundcrew-auth kid ", secret].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &named);
        Self {
            kid: format!("hs-{}", crate::hex::encode(&digest.as_ref()[..6])),
            algorithm: Algorithm::HS256,
            verify: DecodingKey::from_secret(secret),
            sign: Some(Arc::new(EncodingKey::from_secret(secret))),
            public: None,
        }
    }

    /// A private key that signs and verifies, or a public one that verifies.
    pub(super) fn of_pem(kid: &str, pem: &str) -> Result<Self, KeyError> {
        let (algorithm, mut public, sign) =
            if pem.contains("PRIVATE KEY-----") { private(pem)? } else { public(pem)? };
        if let AlgorithmParameters::RSA(rsa) = &public.algorithm
            && rsa.n.len() * 6 < 2047
        {
            return Err(KeyError::Weak);
        }
        public.common.key_id = Some(kid.to_owned());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let verify = DecodingKey::from_jwk(&public).map_err(|_| KeyError::Kind)?;
        Ok(Self { kid: kid.to_owned(), algorithm, verify, sign: sign.map(Arc::new), public: Some(public) })
    }

    /// Somebody else's public key; `None` for what is none that we take. A shared secret never is: who publishes one
    /// lets everybody sign.
    #[cfg(any(test, feature = "client"))]
    pub(super) fn of_jwk(jwk: &Jwk) -> Option<Self> {
        let kid = jwk.common.key_id.clone()?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        if jwk.common.key_algorithm.is_some_and(|told| told != KeyAlgorithm::from(algorithm)) {
            return None;
        }
        let verify = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { kid, algorithm, verify, sign: None, public: Some(jwk.clone()) })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

type Parts = (Algorithm, Jwk, Option<EncodingKey>);

fn private(pem: &str) -> Result<Parts, KeyError> {
    let pem = pem.as_bytes();
    let kinds = [
        (Algorithm::RS256, EncodingKey::from_rsa_pem(pem)),
        (Algorithm::ES256, EncodingKey::from_ec_pem(pem)),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)),
    ];
    let mut kinds = kinds.into_iter().filter_map(|(algorithm, key)| Some((algorithm, key.ok()?)));
    let (algorithm, key) = kinds.next().ok_or(KeyError::Kind)?;
    let public = Jwk::from_encoding_key(&key, algorithm).map_err(|_| KeyError::Kind)?;
    Ok((algorithm, public, Some(key)))
}

fn public(pem: &str) -> Result<Parts, KeyError> {
    let pem = pem.as_bytes();
    let kinds = [
        (Algorithm::RS256, DecodingKey::from_rsa_pem(pem)),
        (Algorithm::ES256, DecodingKey::from_ec_pem(pem)),
        (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)),
    ];
    let mut kinds = kinds.into_iter().filter_map(|(algorithm, key)| Some((algorithm, key.ok()?)));
    let (algorithm, key) = kinds.next().ok_or(KeyError::Kind)?;
    let public = Jwk::from_decoding_key(&key, Some(algorithm)).map_err(|_| KeyError::Kind)?;
    match &public.algorithm {
        AlgorithmParameters::EllipticCurve(curve) if curve.curve != EllipticCurve::P256 => {
            Err(KeyError::Kind)
        }
        _ => Ok((algorithm, public, None)),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto;

    use super::*;

    /// RFC 8037, appendix A.4: what Ed25519 signs with the key of A.2.
    #[test]
    fn a_published_key_verifies_what_its_owner_signed() {
        let jwk =
            r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = Key::of_jwk(&serde_json::from_str(jwk).expect("a JWK")).expect("a key");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert!(crypto::verify(signature, message, &key.verify, key.algorithm).expect("verified"));
        assert!(!crypto::verify(signature, b"other", &key.verify, key.algorithm).expect("verified"));
    }

    /// RFC 7515, appendix A.1: what HMAC-SHA256 signs.
    #[test]
    fn a_secret_signs_as_the_rfc_does() {
        use base64::Engine as _;
        let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .expect("base64");
        let key = Key::of_secret(&secret);
        let message = concat!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        );
        let sign = key.sign.expect("it signs");
        let signature = crypto::sign(message.as_bytes(), &sign, key.algorithm).expect("signed");
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn a_published_secret_or_one_for_encryption_is_not_taken() {
        for jwk in [
            r#"{"kty":"oct","kid":"a","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","kid":"a","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"RS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        ] {
            let jwk: Jwk = serde_json::from_str(jwk).expect("a JWK");
            assert!(Key::of_jwk(&jwk).is_none(), "{jwk:?}");
        }
    }
}
