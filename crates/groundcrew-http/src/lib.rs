#![doc = include_str!("../README.md")]

mod accept;
mod access_log;
mod answer;
mod body;
#[cfg(feature = "limit")]
mod cidr;
#[cfg(feature = "limit")]
mod client;
mod clock;
mod config;
mod connection;
#[cfg(feature = "cors")]
mod cors;
mod drain;
mod drive;
mod edge;
mod finish;
mod handover;
mod head_end;
mod http_metrics;
mod io;
mod json;
mod listener;
mod peer;
mod port_holder;
mod probes;
mod problem;
#[cfg(feature = "limit")]
mod rate_limit;
#[cfg(feature = "limit")]
mod rate_limit_fields;
mod rejection;
mod route;
mod routes;
mod server;
mod shared;
mod slot;
mod stream;
mod sweeper;
mod system;
mod timestamp;
#[cfg(feature = "tls")]
mod tls;
mod waiting_room;
#[cfg(feature = "ws")]
mod websocket;

pub use ::http::StatusCode;
pub use axum;
#[cfg(feature = "limit")]
pub use cidr::{Cidr, CidrError};
#[cfg(feature = "limit")]
pub use client::ClientAddress;
#[cfg(feature = "cors")]
pub use config::CorsConfig;
#[cfg(feature = "tls")]
pub use config::TlsConfig;
pub use config::{AdminConfig, HealthBody, HttpConfig, ProbesConfig};
#[cfg(feature = "cors")]
pub use cors::CorsError;
pub use edge::REQUEST_ID;
pub use http_metrics::UNMATCHED;
pub use json::Json;
pub use listener::BindError;
pub use probes::{HEALTH_PATH, METRICS_PATH, READY_PATH};
pub use problem::{PROBLEM_JSON, Problem};
#[cfg(feature = "limit")]
pub use rate_limit::{RateKey, RateLimit, RateLimited};
pub use route::{OwnTimeout, RequestTimeout};
pub use server::Http;
#[cfg(feature = "tls")]
pub use tls::TlsError;
#[cfg(feature = "ws")]
pub use websocket::WebSockets;
