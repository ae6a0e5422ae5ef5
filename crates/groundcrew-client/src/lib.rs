#![doc = include_str!("../README.md")]

mod breaker;
mod budget;
mod builder;
mod chunks;
mod client;
mod config;
mod deadline;
mod error;
mod guard;
mod hosts;
mod metrics;
mod rate;
mod request;
mod response;
mod retry_after;
mod send;
mod verdict;

pub use builder::Builder;
pub use chunks::Chunks;
pub use client::Client;
pub use config::ClientConfig;
pub use deadline::Limit;
pub use error::{BuildError, ClientError};
pub use guard::{Refusal, Resolve, Resolving, is_public};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use metrics::{DURATION_BUCKETS, OUTCOMES, names};
pub use request::Request;
pub use response::Response;
