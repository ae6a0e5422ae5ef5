//! Who is let through, and above all who is not.

#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod databases;
#[cfg(feature = "client")]
mod jwks;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod keys;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod layer;
#[cfg(feature = "client")]
mod oauth;
mod pairs;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod sessions;
mod stage;
mod tokens;
