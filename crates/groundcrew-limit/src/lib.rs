#![doc = include_str!("../README.md")]

mod config;
mod decision;
mod error;
mod in_process;
mod key;
mod limiter;
mod metrics;
mod quota;
mod store;

pub use config::LimitConfig;
pub use decision::Decision;
pub use error::LimitError;
pub use in_process::InProcess;
pub use key::{MAX_KEY, digest};
pub use limiter::Limiter;
pub use metrics::names;
pub use quota::{Quota, QuotaError};
pub use store::{LimitStore, StoreError};
