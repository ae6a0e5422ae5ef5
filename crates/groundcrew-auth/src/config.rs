use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use groundcrew_config::{FromConfig, Origin, Secret, Sourced};

/// How it is proved who asks, and for how long that holds.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl, validate = check)]
pub struct AuthConfig {
    /// What tokens are signed with (HS256), 32 characters or more: `openssl rand -base64 48` makes one. Unset and
    /// without `keys`: outside of production a secret of this process alone, which no replica shares and no restart
    /// survives; in production tokens are refused to be made.
    #[config(alias = "JWT_SECRET")]
    pub jwt_secret: Option<Sourced<Secret<String>>>,
    /// The secret before: tokens that it signed are still good. Take it away when `jwt_expiry` has passed.
    #[config(alias = "JWT_SECRET_PREVIOUS")]
    pub jwt_secret_previous: Option<Secret<String>>,
    /// Key files (PEM, PKCS#8) by key id: RSA signs with RS256, P-256 with ES256, Ed25519 with EdDSA. A public key
    /// verifies only: the one before, or the one that comes next, while keys are rotated.
    #[config(default)]
    pub keys: BTreeMap<String, PathBuf>,
    /// Which of `keys` signs. Unset: the only private one.
    pub signing_key: Option<String>,
    /// Who issues tokens (`iss`). Unset: the service's name.
    pub issuer: Option<String>,
    /// Whom tokens are for (`aud`). Unset: the service's name.
    pub audience: Option<String>,
    /// How long a token is good. It cannot be taken back before.
    #[config(default = "15m")]
    pub jwt_expiry: Duration,
    /// How far the clocks of machines may be apart when a token's time is judged.
    #[config(default = "10s")]
    pub leeway: Duration,
    /// How long a refresh token is good, and a browser's session that is not used.
    #[config(default = "7d")]
    pub refresh_expiry: Duration,
    /// After how long a session ends however much it is used.
    #[config(default = "90d")]
    pub session_expiry: Duration,
    /// How many sessions somebody may have at a time; one more ends the oldest.
    #[config(default = 5, range = 1..=1_000)]
    pub max_sessions: u32,
    /// For how long a key or a browser's session that was found good is not looked up again: how long a revocation
    /// takes to reach other replicas.
    #[config(default = "10s")]
    pub cache: Duration,
    /// How many of them this process remembers.
    #[config(default = 10_000, range = 1..=10_000_000)]
    pub cache_entries: usize,
}

/// HMAC-SHA256 wants as many bytes as it makes (RFC 7518, 3.2).
const SHORTEST: usize = 32;

// === impl AuthConfig ===

impl AuthConfig {
    /// The defaults with this secret, as tests and whoever owns `main` want it.
    ///
    /// ```
    /// let config = groundcrew_auth::AuthConfig::of("a secret of at least thirty-two characters");
    /// assert_eq!((config.jwt_expiry.as_secs(), config.max_sessions), (900, 5));
    /// ```
    pub fn of(jwt_secret: impl Into<String>) -> Self {
        let secret = Sourced::new(Secret::new(jwt_secret.into()), Origin::Set);
        Self { jwt_secret: Some(secret), ..Self::default() }
    }

    /// Whether there is something lasting to sign tokens with.
    pub fn has_keys(&self) -> bool {
        self.jwt_secret.is_some() || !self.keys.is_empty()
    }
}

fn check(config: &AuthConfig) -> Result<(), String> {
    let secrets = [
        ("jwt_secret", config.jwt_secret.as_ref().map(|secret| secret.expose())),
        ("jwt_secret_previous", config.jwt_secret_previous.as_ref().map(Secret::expose)),
    ];
    for (name, secret) in secrets {
        if let Some(secret) = secret {
            check_secret(secret).map_err(|words| format!("{name} {words}"))?;
        }
    }
    match &config.signing_key {
        Some(kid) if !config.keys.contains_key(kid) => {
            Err(format!("signing_key is `{kid}`, which is none of the names in keys"))
        }
        _ => Ok(()),
    }
}

/// Says why a secret is none, without any part of it.
pub(crate) fn check_secret(secret: &str) -> Result<(), String> {
    let mut kinds: Vec<u8> = secret.bytes().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if secret.len() < SHORTEST {
        Err(format!(
            "has {} characters; at least {SHORTEST} are needed, or it can be guessed from one token: `openssl rand \
             -base64 48` makes one",
            secret.len()
        ))
    } else if kinds.len() < 8 {
        Err(format!(
            "is made of {} different characters; `openssl rand -base64 48` makes a better one",
            kinds.len()
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use groundcrew_config::Loader;

    use super::*;

    #[derive(Debug, FromConfig)]
    struct Config {
        auth: AuthConfig,
    }

    fn load(settings: &[&str], variables: &[(&str, &str)]) -> Result<AuthConfig, String> {
        let loader = settings.iter().fold(Loader::new("parcels"), |loader, set| loader.set(*set));
        let read = loader.variables(variables.iter().copied()).load(&Config::shape());
        let config: Config = read.and_then(|all| all.read()).map_err(|problems| problems.to_string())?;
        Ok(config.auth)
    }

    #[test]
    fn nothing_configured_is_what_task_platforms_use() {
        let config = load(&[], &[]).expect("right");
        assert_eq!(config.jwt_expiry, Duration::from_secs(15 * 60));
        assert_eq!(config.refresh_expiry, Duration::from_secs(7 * 24 * 3600));
        assert_eq!(config.max_sessions, 5);
        assert!(!config.has_keys());
    }

    #[test]
    fn the_usual_variable_names_the_secret() {
        let secret = "a secret of at least thirty-two characters";
        let config = load(&[], &[("JWT_SECRET", secret)]).expect("right");
        assert_eq!(
            config.jwt_secret.map(|secret| secret.into_inner().expose().clone()).as_deref(),
            Some(secret)
        );
    }

    #[test]
    fn a_short_secret_is_refused_in_words_that_do_not_show_it() {
        let words = load(&[], &[("JWT_SECRET", "canary-secret-key-here")]).expect_err("short");
        assert!(words.contains("has 22 characters; at least 32"), "{words}");
        assert!(!words.contains("canary"), "{words}");
        let words = load(&[], &[("JWT_SECRET", &"ab".repeat(20))]).expect_err("monotonous");
        assert!(words.contains("2 different characters"), "{words}");
    }

    #[test]
    fn a_signing_key_that_is_not_there_is_named() {
        let words = load(&["auth.signing_key=new"], &[]).expect_err("no such key");
        assert!(words.contains("`new`"), "{words}");
    }
}
