mod claims;
mod error;
#[cfg(feature = "client")]
mod jwks;
mod key;
mod keyring;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_config::Secret;
use groundcrew_runtime::Crew;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};
use serde_json::Value;

use self::claims::Claims;
pub use self::error::{IssueError, TokenError, TokensError};
#[cfg(feature = "client")]
pub use self::jwks::Jwks;
use self::key::Key;
pub use self::key::KeyError;
use self::keyring::Keyring;
use crate::{AuthConfig, Principal, PrincipalKind, clock};

/// A longer token is not looked at.
const LONGEST: usize = 8 * 1024;

/// Issues and verifies signed tokens (JWT).
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_auth::{AuthConfig, Principal, PrincipalKind};
///
/// # let crew = groundcrew_runtime::Crew::builder("parcels", "1.0.0").build();
/// let tokens = AuthConfig::of("a secret of at least thirty-two characters").tokens(&crew)?;
///
/// let who = Principal::new("user-1", "parcels:read".parse()?, PrincipalKind::Session);
/// let access = tokens.issue(&who)?;
/// let known = tokens.verify(access.token.expose()).await?;
/// assert!(known.subject == "user-1" && known.may("parcels:read"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tokens {
    inner: Arc<Inner>,
    #[cfg(feature = "client")]
    others: Vec<Jwks>,
}

struct Inner {
    keys: Keyring,
    issuer: String,
    audience: String,
    expiry: Duration,
    leeway: Duration,
}

/// A token that was issued.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token, for `Authorization: Bearer`.
    pub token: Secret<String>,
    /// Until when it is good, in seconds since 1970.
    pub expires_at: i64,
}

// === impl AuthConfig ===

impl AuthConfig {
    /// What issues and verifies tokens.
    ///
    /// # Errors
    ///
    /// When a key file cannot be read or holds no key, and in production when there is neither a secret nor a key.
    pub fn tokens(&self, crew: &Crew) -> Result<Tokens, TokensError> {
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| crew.service().to_owned());
        let inner = Inner {
            keys: Keyring::of(self, crew.environment())?,
            issuer: named(&self.issuer),
            audience: named(&self.audience),
            expiry: self.jwt_expiry,
            leeway: self.leeway,
        };
        Ok(Tokens {
            inner: Arc::new(inner),
            #[cfg(feature = "client")]
            others: Vec::new(),
        })
    }
}

// === impl Tokens ===

impl Tokens {
    /// Believes tokens of somebody else, too, by the keys that they publish. Their subjects are told apart from ours
    /// by the issuer: `https://id.example|user-1`.
    #[cfg(feature = "client")]
    pub fn trusting(mut self, jwks: Jwks) -> Self {
        self.others.push(jwks);
        self
    }

    /// A token for what this principal may do, good for `auth.jwt_expiry`. Its `credential` becomes the session's id.
    ///
    /// # Errors
    ///
    /// When there is so much in it that it would not pass as a header.
    pub fn issue(&self, who: &Principal) -> Result<AccessToken, IssueError> {
        let now = clock::now();
        let expires_at = clock::after(now, self.inner.expiry);
        let claims = Claims {
            iss: self.inner.issuer.clone(),
            sub: who.subject.clone(),
            aud: self.inner.audience.clone(),
            exp: expires_at,
            nbf: now,
            iat: now,
            jti: Some(uuid::Uuid::new_v4().to_string()),
            sid: who.credential.clone(),
            scope: who.scopes.clone(),
            data: who.data.clone(),
        };
        let (kid, algorithm, sign) = self.inner.keys.signing();
        let header = Header { kid: Some(kid.clone()), ..Header::new(*algorithm) };
        let token = jsonwebtoken::encode(&header, &claims, sign).map_err(IssueError::Sign)?;
        if token.len() > LONGEST {
            return Err(IssueError::TooLong(token.len()));
        }
        Ok(AccessToken { token: Secret::new(token), expires_at })
    }

    /// Who a token says that they are, if it is to be believed.
    ///
    /// # Errors
    ///
    /// When it is malformed, signed by nobody known, not for this service, or its time has passed or not come.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() || header.typ.as_deref().is_some_and(|typ| !is_token(typ)) {
            return Err(TokenError::Malformed);
        }
        let Some(kid) = header.kid.as_deref() else { return self.verify_unnamed(token) };
        let ours = self.inner.keys.get(kid);
        // The id of a key is one within an issuer only: products ship keys called `1`.
        #[cfg(feature = "client")]
        let ours = ours.filter(|_| !self.is_from_elsewhere(token));
        if let Some(key) = ours {
            let claims = self.claims(token, key, &self.inner.issuer)?;
            return Ok(principal(claims, None));
        }
        self.verify_elsewhere(token, kid).await
    }

    /// By the secret, or the one before: whoever shares it has no name for it. Key pairs have to be named.
    fn verify_unnamed(&self, token: &str) -> Result<Principal, TokenError> {
        let mut refusal = TokenError::UnknownKey;
        for secret in self.inner.keys.iter().filter(|key| key.public.is_none()) {
            match self.claims(token, secret, &self.inner.issuer) {
                Ok(claims) => return Ok(principal(claims, None)),
                // Signed with the other one, perhaps.
                Err(TokenError::Signature) if !matches!(refusal, TokenError::UnknownKey) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// The public keys as a JWK set, for `/.well-known/jwks.json`: empty where a secret signs.
    pub fn jwks(&self) -> Value {
        let keys: Vec<_> = self.inner.keys.iter().filter_map(|key| key.public.as_ref()).collect();
        serde_json::json!({ "keys": keys })
    }

    /// Whether it names somebody else whom we trust. Anybody could have written that: it chooses whose keys are to
    /// verify the token, and they do.
    #[cfg(feature = "client")]
    fn is_from_elsewhere(&self, token: &str) -> bool {
        let is_theirs = |named: &str| self.others.iter().any(|jwks| jwks.issuer() == named);
        self.named_issuer(token).is_some_and(|named| named != self.inner.issuer && is_theirs(&named))
    }

    /// The issuer that it names, where there is more than one to choose from.
    #[cfg(feature = "client")]
    fn named_issuer(&self, token: &str) -> Option<String> {
        if self.others.is_empty() { None } else { claims::unverified_issuer(token) }
    }

    /// By the keys of the issuer that it names: another, who may be away, is not asked for them.
    #[cfg(feature = "client")]
    async fn verify_elsewhere(&self, token: &str, kid: &str) -> Result<Principal, TokenError> {
        let mut error = TokenError::UnknownKey;
        let named = self.named_issuer(token);
        for jwks in &self.others {
            if named.as_deref() != Some(jwks.issuer()) {
                continue;
            }
            match jwks.find(kid).await {
                Ok(Some(key)) => {
                    let claims = self.claims(token, &key, jwks.issuer())?;
                    return Ok(principal(claims, Some(jwks.issuer())));
                }
                Ok(None) => {}
                Err(unavailable) => error = unavailable,
            }
        }
        Err(error)
    }

    /// Without keys of others there is nothing to wait for; the signature is the same with and without.
    #[cfg(not(feature = "client"))]
    async fn verify_elsewhere(&self, _token: &str, _kid: &str) -> Result<Principal, TokenError> {
        std::future::ready(Err(TokenError::UnknownKey)).await
    }

    fn claims(&self, token: &str, key: &Key, issuer: &str) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = self.inner.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[&self.inner.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.verify, &validation);
        decoded.map(|decoded| decoded.claims).map_err(|error| refused(error.kind()))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { keys, issuer, audience, .. } = &*self.inner;
        f.debug_struct("Tokens")
            .field("issuer", issuer)
            .field("audience", audience)
            .field("keys", keys)
            .finish_non_exhaustive()
    }
}

fn principal(claims: Claims, issuer: Option<&str>) -> Principal {
    let subject = match issuer {
        Some(issuer) => format!("{issuer}|{}", claims.sub),
        None => claims.sub,
    };
    let who = Principal::new(subject, claims.scope, PrincipalKind::Token).with_data(claims.data);
    match claims.sid.or(claims.jti) {
        Some(id) => who.with_credential(id),
        None => who,
    }
}

/// What a header may say that the token is.
fn is_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("jwt") || typ.eq_ignore_ascii_case("at+jwt")
}

fn refused(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYet,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::NotForUs,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            TokenError::Claim(claim.clone())
        }
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => TokenError::Signature,
        _ => TokenError::Malformed,
    }
}
