//! Redis against a real server, beside what the bare libraries do.
#![cfg(unix)]

#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "cache")]
mod cache_store;
mod configuration;
#[cfg(feature = "limit")]
mod limit;
mod pool;
mod secrets;
mod shared;
mod start;
#[cfg(all(feature = "cache", feature = "limit"))]
mod stopped;
mod support;
#[cfg(feature = "tls")]
mod tls;
