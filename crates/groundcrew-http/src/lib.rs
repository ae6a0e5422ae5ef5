#![doc = include_str!("../README.md")]

mod accept;
mod access_log;
mod admin;
mod answer;
mod body;
mod clock;
mod config;
mod connection;
mod drain;
mod drive;
mod edge;
mod finish;
mod handover;
mod http_metrics;
mod io;
mod listener;
mod port_holder;
mod probes;
mod problem;
mod route;
mod server;
mod shared;
mod slot;
mod stream;
mod sweeper;
mod system;
mod timestamp;

pub use axum;
pub use config::{AdminConfig, HealthBody, HttpConfig, ProbesConfig};
pub use edge::REQUEST_ID;
pub use http_metrics::UNMATCHED;
pub use listener::BindError;
pub use probes::{HEALTH_PATH, METRICS_PATH, READY_PATH};
pub use problem::{PROBLEM_JSON, Problem};
pub use route::{OwnTimeout, RequestTimeout};
pub use server::Http;
