#![doc = include_str!("../README.md")]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod access;
#[cfg(feature = "postgres")]
mod client_check;
mod config;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod connect_gate;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod connections;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database_transaction;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod deadline;
#[cfg(feature = "sqlite")]
mod ended_by_sqlite;
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod executor;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod fleeting;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod from_either_row;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod lend;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod metrics;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrations;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod pools;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod problem;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod readiness;
#[cfg(feature = "postgres")]
mod replace;
#[cfg(feature = "postgres")]
mod retry;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod session;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql_text;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod statement;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod stream;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod target;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod transaction;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod value;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use access::{Access, RunsOn};
pub use config::{ContractMode, DatabaseImpact, MigrateMode, SqlConfig};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use connections::Connections;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::Database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database_transaction::DatabaseTransaction;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use deadline::{Awaited, DeadlineExceeded, Limit};
pub use error::{ConnectError, UrlError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use from_either_row::FromEitherRow;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use metrics::{ACQUIRE_BUCKETS, names};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migrations::{MigrationProgress, MigrationState, MigrationStatus, Migrations, MigrationsError};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use problem::SqlProblem;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use session::{Checkout, Session};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use sqlx;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use statement::{Scalar, Statement, statement};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use transaction::Transaction;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use value::Bind;
