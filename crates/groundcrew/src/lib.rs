#![doc = include_str!("../README.md")]

#[cfg(feature = "http")]
mod admin;
mod arguments;
mod commands;
mod exit;
#[cfg(feature = "http")]
mod healthcheck;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
mod reserved;
mod service;
#[cfg(feature = "otlp")]
mod traces;

pub use groundcrew_config as config;
#[cfg(feature = "http")]
pub use groundcrew_http as http;
#[cfg(feature = "http")]
pub use groundcrew_http::axum;
pub use groundcrew_runtime as runtime;
pub use groundcrew_runtime::Crew;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use groundcrew_sql as sql;
pub use groundcrew_telemetry as telemetry;
pub use service::{Command, Service};
