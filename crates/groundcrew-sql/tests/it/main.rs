//! What the crate promises, against real databases.

mod configuration;
#[cfg(feature = "postgres")]
mod deadlines;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod either;
#[cfg(feature = "postgres")]
mod failover;
#[cfg(feature = "sqlite")]
mod migrations;
#[cfg(feature = "postgres")]
mod outage;
#[cfg(feature = "postgres")]
mod pgbouncer;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_migrations;
#[cfg(feature = "postgres")]
mod secrets;
#[cfg(feature = "postgres")]
mod silent_migrations;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_foreign_keys;
#[cfg(feature = "sqlite")]
mod sqlite_rollbacks;
mod support;
