//! Backups of real databases, restored.

mod cli;
mod postgres;
mod retention;
#[cfg(feature = "s3")]
mod s3;
mod sqlite;
mod support;
