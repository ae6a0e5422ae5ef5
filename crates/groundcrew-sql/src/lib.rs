#![doc = include_str!("../README.md")]

mod config;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod connections;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod executor;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod metrics;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrations;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod readiness;
#[cfg(feature = "postgres")]
mod retry;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod stream;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod target;

pub use config::{DatabaseImpact, MigrateMode, SqlConfig};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use connections::Connections;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::Database;
pub use error::{ConnectError, UrlError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use metrics::{ACQUIRE_BUCKETS, names};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migrations::{MigrationState, MigrationStatus, Migrations, MigrationsError};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use sqlx;
