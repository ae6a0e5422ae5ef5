#![doc = include_str!("../README.md")]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod api_keys;
mod auth;
mod auth_metrics;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod cache;
mod clock;
mod config;
mod cookie;
mod denied;
pub mod ed25519;
mod extract;
mod header;
mod hex;
#[cfg(feature = "client")]
pub mod oauth;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod opaque;
mod principal;
mod random;
mod require;
mod scope;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sessions;
pub mod standard_webhooks;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod store;
mod tokens;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use api_keys::{ApiKey, ApiKeys, MadeKey, NewKey};
pub use auth::{Auth, Authenticated};
pub use auth_metrics::names;
pub use config::AuthConfig;
pub use cookie::SessionCookie;
pub use denied::Denied;
pub use principal::{Principal, PrincipalKind};
pub use require::{RequireScope, Required};
pub use scope::{ScopeError, Scopes};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sessions::{RefreshError, Session, SessionInfo, Sessions};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use store::migrate;
#[cfg(feature = "client")]
pub use tokens::Jwks;
pub use tokens::{AccessToken, IssueError, KeyError, TokenError, Tokens, TokensError};
