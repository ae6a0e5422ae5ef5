#![doc = include_str!("../README.md")]

mod alone;
mod campaign;
mod candidate;
mod config;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod database;
mod error;
mod keeper;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod lease;
mod metrics;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod term;

pub use config::LeaseConfig;
pub use error::LeaseError;
#[cfg(feature = "kubernetes")]
pub use kubernetes::KubernetesLeaseConfig;
pub use lease::{Lease, LeaseStatus};
pub use metrics::names;
pub use term::Leadership;
