//! Redis against a real server, beside what the bare libraries do.
#![cfg(unix)]

mod configuration;
mod pool;
mod secrets;
mod shared;
mod start;
mod support;
