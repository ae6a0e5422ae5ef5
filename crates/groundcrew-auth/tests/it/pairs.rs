//! Keys of each kind.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;

/// A private key and its public one, as PEM.
pub(crate) struct Pair {
    pub(crate) private: String,
    pub(crate) public: String,
}

pub(crate) fn rsa() -> Pair {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    Pair { private: pem("PRIVATE KEY", private.as_ref()), public: pem("PUBLIC KEY", public.as_ref()) }
}

pub(crate) fn ec() -> Pair {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref()).expect("a key");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    Pair { private: pem("PRIVATE KEY", private.as_ref()), public: pem("PUBLIC KEY", public.as_ref()) }
}

pub(crate) fn ed() -> Pair {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let private = Ed25519KeyPair::generate_pkcs8v1(&random).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.as_ref()).expect("a key");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    Pair { private: pem("PRIVATE KEY", private.as_ref()), public: pem("PUBLIC KEY", public.as_ref()) }
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}
