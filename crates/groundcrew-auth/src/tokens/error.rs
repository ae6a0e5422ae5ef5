use std::path::PathBuf;

use super::KeyError;

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// Nothing is configured, and in production a secret made up at the start would be another one in each replica.
    #[error(
        "there is nothing to sign tokens with, and ENVIRONMENT is production: set JWT_SECRET (auth.jwt_secret) to 32 \
         characters or more, the same in all replicas, as `openssl rand -base64 48` makes them; or name a key file in \
         auth.keys"
    )]
    NotChosen,
    /// The secret is too weak.
    #[error("auth.{name} {problem}")]
    Secret {
        /// Which one.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A key file cannot be read.
    #[error("cannot read {path} (auth.keys.{kid})")]
    Unreadable {
        /// The key's id.
        kid: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A key file holds no key that is taken.
    #[error("{path} (auth.keys.{kid}) holds no key: {problem}")]
    Key {
        /// The key's id.
        kid: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyError,
    },
    /// None of the keys is to sign, or any of several could be.
    #[error("auth.keys holds {private} private keys: name the one that signs in auth.signing_key")]
    SigningKey {
        /// How many could sign.
        private: usize,
    },
}

/// Why a token was not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// It would be longer than servers take in a header.
    #[error("the token would have {0} bytes, and {max} are accepted: put less into it", max = super::LONGEST)]
    TooLong(usize),
    /// It could not be signed.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

/// Why a token is not believed. Nothing of the token is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not read as a token, has an algorithm that is none, or asks for what is not understood.
    #[error("the token is malformed")]
    Malformed,
    /// It names no key, or one that is not known here.
    #[error("the token's key is not known here")]
    UnknownKey,
    /// The signature is wrong, or not of the key's algorithm.
    #[error("the token's signature is wrong")]
    Signature,
    /// It was good until a moment that has passed.
    #[error("the token has expired")]
    Expired,
    /// It is good from a moment that has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// It was issued by or for somebody else.
    #[error("the token is from another issuer, or for another audience")]
    NotForUs,
    /// A claim that is needed is missing or malformed.
    #[error("the token lacks the claim `{0}`, or it is malformed")]
    Claim(String),
    /// The keys of its issuer could not be fetched. Answer 503: nothing is wrong with the token.
    #[error("the keys of the token's issuer cannot be fetched at the moment")]
    KeysUnavailable,
}
