//! What a browser carries while its person signs in elsewhere.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{clock, random};

/// A sign-in that has begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(rename = "s")]
    pub(super) state: String,
    #[serde(rename = "v")]
    pub(super) verifier: String,
    #[serde(rename = "r")]
    pub(super) return_to: String,
    #[serde(rename = "e")]
    expires_at: i64,
}

/// Signs what a browser carries, so that it can make nothing up.
#[derive(Clone)]
pub(super) struct Seal(hmac::Key);

// === impl Pending ===

impl Pending {
    pub(super) fn new(return_to: &str, within: Duration) -> Self {
        let random = || URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        Self {
            state: random(),
            verifier: random(),
            return_to: if is_ours(return_to) { return_to.to_owned() } else { "/".to_owned() },
            expires_at: clock::after(clock::now(), within),
        }
    }

    /// What the provider is told of the verifier (RFC 7636, S256).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }

    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

// === impl Seal ===

impl Seal {
    pub(super) fn of(secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        // Apart from whatever else the secret is used for.
        let derived = hmac::sign(&key, b"groundcrew-auth oauth state");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    pub(super) fn close(&self, pending: &Pending) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(pending).unwrap_or_default());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, body.as_bytes()));
        format!("{body}.{tag}")
    }

    /// What was closed, if it is unchanged and not too old.
    pub(super) fn open(&self, sealed: &str) -> Option<Pending> {
        let (body, tag) = sealed.split_once('.')?;
        hmac::verify(&self.0, body.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let pending: Pending = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        (pending.expires_at > clock::now()).then_some(pending)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// A path of this host: browsers take `//host` and `/\host` for other hosts.
fn is_ours(path: &str) -> bool {
    let mut letters = path.chars();
    path.len() <= 1024
        && letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn a_verifier_has_the_rfcs_challenge() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let pending = Pending { verifier, ..Pending::new("/", Duration::ZERO) };
        assert_eq!(pending.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_was_changed_made_up_or_kept_too_long_does_not_open() {
        let seal = Seal::of("secret");
        let pending = Pending::new("/page", Duration::from_secs(60));
        let sealed = seal.close(&pending);
        assert_eq!(seal.open(&sealed).map(|pending| pending.state), Some(pending.state));
        assert!(Seal::of("another").open(&sealed).is_none());
        assert!(seal.open(&format!("e{sealed}")).is_none());
        assert!(seal.open(&sealed[..sealed.len() - 3]).is_none());
        assert!(seal.open(&seal.close(&Pending::new("/", Duration::ZERO))).is_none());
    }

    #[test]
    fn nobody_is_sent_to_another_host() {
        for path in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "page", "/a\nb", "/\t/evil"]
        {
            assert_eq!(Pending::new(path, Duration::ZERO).return_to, "/", "{path:?}");
        }
        assert_eq!(Pending::new("/page?a=1#b", Duration::ZERO).return_to, "/page?a=1#b");
    }

    proptest! {
        #[test]
        fn any_cookie_is_judged(text: String, ascii in "[ -~]{0,80}") {
            let seal = Seal::of("secret");
            prop_assert!(seal.open(&text).is_none());
            prop_assert!(seal.open(&ascii).is_none());
        }
    }
}
