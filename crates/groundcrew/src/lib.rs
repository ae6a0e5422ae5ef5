#![doc = include_str!("../README.md")]

#[cfg(feature = "http")]
mod admin;
mod arguments;
#[cfg(feature = "backup")]
mod backups;
mod commands;
mod exit;
#[cfg(feature = "http")]
mod healthcheck;
#[cfg(feature = "http")]
mod local;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
#[cfg(feature = "http")]
mod operate;
mod reserved;
mod service;
#[cfg(feature = "http")]
mod site;
#[cfg(feature = "http")]
mod table;
#[cfg(feature = "otlp")]
mod traces;

#[cfg(feature = "amqp")]
pub use groundcrew_amqp as amqp;
#[cfg(feature = "auth")]
pub use groundcrew_auth as auth;
#[cfg(feature = "backup")]
pub use groundcrew_backup as backup;
#[cfg(feature = "cache")]
pub use groundcrew_cache as cache;
#[cfg(feature = "client")]
pub use groundcrew_client as client;
pub use groundcrew_config as config;
#[cfg(feature = "http")]
pub use groundcrew_http as http;
#[cfg(feature = "http")]
pub use groundcrew_http::axum;
#[cfg(feature = "jobs")]
pub use groundcrew_jobs as jobs;
#[cfg(feature = "lease")]
pub use groundcrew_lease as lease;
#[cfg(feature = "limit")]
pub use groundcrew_limit as limit;
#[cfg(feature = "redis")]
pub use groundcrew_redis as redis;
pub use groundcrew_runtime as runtime;
pub use groundcrew_runtime::Crew;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use groundcrew_sql as sql;
pub use groundcrew_telemetry as telemetry;
pub use service::{Command, Service};
