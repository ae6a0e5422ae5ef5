//! Leases against real files, processes and servers, beside what a lock without a heartbeat does.
#![cfg(all(unix, feature = "sqlite", feature = "postgres"))]

mod alone;
#[cfg(feature = "kubernetes")]
mod cluster;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod ledger;
mod postgres;
mod process;
mod sqlite;
mod support;
