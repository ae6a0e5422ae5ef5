//! Backups of real databases, restored.
#![cfg(unix)]
#![expect(clippy::large_futures, reason = "each test is one future, polled where it stands")]

mod cli;
mod pooler;
mod postgres;
mod retention;
mod role;
#[cfg(feature = "s3")]
mod s3;
mod sqlite;
mod support;
