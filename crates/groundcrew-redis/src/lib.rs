#![doc = include_str!("../README.md")]

#[cfg(feature = "cache")]
mod cache_store;
mod config;
mod connection;
mod ending;
mod error;
mod lane;
#[cfg(feature = "limit")]
mod limit_store;
mod limits;
mod metrics;
mod redis;
mod sharable;
mod shared;
mod target;
#[cfg(feature = "tls")]
mod tls;

pub use config::{RedisConfig, RedisImpact};
pub use connection::Connection;
pub use deadpool_redis;
pub use error::{AcquireError, ConnectError, UrlError};
#[cfg(feature = "limit")]
pub use limit_store::RedisLimits;
pub use metrics::{ACQUIRE_BUCKETS, STATUSES, names};
pub use redis::Redis;
pub use shared::SharedConnection;
