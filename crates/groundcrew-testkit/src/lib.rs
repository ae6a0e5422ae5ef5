#![doc = include_str!("../README.md")]

#[cfg(feature = "harness")]
pub mod harness;
pub mod http;
#[cfg(feature = "ledger")]
pub mod ledger;
#[cfg(feature = "load")]
pub mod load;
#[cfg(feature = "models")]
pub mod models;
#[cfg(all(unix, feature = "pgbouncer"))]
pub mod pgbouncer;
pub mod port;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;
#[cfg(all(unix, feature = "process"))]
pub mod process;
#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(all(unix, feature = "rabbitmq"))]
pub mod rabbitmq;
#[cfg(all(unix, feature = "redis"))]
pub mod redis;
#[cfg(all(unix, any(feature = "postgres", feature = "rabbitmq", feature = "redis")))]
mod server;
#[cfg(any(feature = "proxy", all(unix, feature = "pgbouncer")))]
mod through;
mod wire;
