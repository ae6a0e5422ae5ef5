#![doc = include_str!("../README.md")]

mod builder;
mod cache;
mod config;
mod doubt;
mod entry;
mod error;
mod flight;
mod key;
mod life;
mod load;
mod memory;
mod metrics;
mod shared;
mod store;

pub use builder::{BuildError, Builder};
pub use cache::Cache;
pub use config::CacheConfig;
pub use error::{KeyError, LoadError, RemoveError};
pub use metrics::names;
pub use store::{CacheStore, Change, Found, SharedStore, StoreError, Stored, Version};
