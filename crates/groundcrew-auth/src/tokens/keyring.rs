use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use groundcrew_config::{Environment, Secret};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::{Key, TokensError};
use crate::AuthConfig;
use crate::config::check_secret;

/// Our keys: one signs, all verify.
pub(super) struct Keyring {
    keys: BTreeMap<String, Key>,
    signing: Signing,
}

/// What signs: the key's id, its algorithm, the key.
pub(super) type Signing = (String, Algorithm, Arc<EncodingKey>);

// === impl Keyring ===

impl Keyring {
    pub(super) fn of(config: &AuthConfig, environment: Environment) -> Result<Self, TokensError> {
        let mut keys: Vec<Key> = files(config)?;
        let from_files = keys.len();
        let secrets = [
            ("jwt_secret", config.jwt_secret.as_ref().map(|secret| secret.expose())),
            ("jwt_secret_previous", config.jwt_secret_previous.as_ref().map(Secret::expose)),
        ];
        for (name, secret) in secrets {
            let Some(secret) = secret else { continue };
            check_secret(secret).map_err(|problem| TokensError::Secret { name, problem })?;
            keys.push(Key::of_secret(secret.as_bytes()));
        }
        let signing = if from_files > 0 {
            Some(signing(config, &keys[..from_files])?)
        } else if config.jwt_secret.is_some() {
            keys.first().and_then(Self::able)
        } else {
            None
        };
        let signing = match signing {
            Some(signing) => signing,
            None if environment.is_production() => return Err(TokensError::NotChosen),
            None => {
                tracing::warn!(
                    "tokens are signed with a secret that was made up at the start: no restart survives it and no \
                     other replica has it; set JWT_SECRET"
                );
                let key = Key::of_secret(&crate::random::bytes::<32>());
                let able = Self::able(&key);
                keys.push(key);
                able.ok_or(TokensError::NotChosen)?
            }
        };
        let keys = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Ok(Self { keys, signing })
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// The key that signs.
    pub(super) fn signing(&self) -> &Signing {
        &self.signing
    }

    fn able(key: &Key) -> Option<Signing> {
        Some((key.kid.clone(), key.algorithm, key.sign.clone()?))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.values()).finish()
    }
}

fn files(config: &AuthConfig) -> Result<Vec<Key>, TokensError> {
    let read = config.keys.iter().map(|(kid, path)| {
        let unreadable = |source| TokensError::Unreadable { kid: kid.clone(), path: path.clone(), source };
        let pem = std::fs::read_to_string(path).map_err(unreadable)?;
        let wrong = |problem| TokensError::Key { kid: kid.clone(), path: path.clone(), problem };
        Key::of_pem(kid, &pem).map_err(wrong)
    });
    read.collect()
}

/// The chosen one, or the only one that can.
fn signing(config: &AuthConfig, keys: &[Key]) -> Result<Signing, TokensError> {
    let able: Vec<_> = keys.iter().filter_map(Keyring::able).collect();
    let private = able.len();
    let chosen = match &config.signing_key {
        Some(kid) => able.into_iter().find(|(name, ..)| name == kid),
        None if private == 1 => able.into_iter().next(),
        None => None,
    };
    chosen.ok_or(TokensError::SigningKey { private })
}
