#![doc = include_str!("../README.md")]

mod clock;
pub mod ed25519;
mod header;
mod hex;
mod random;
pub mod standard_webhooks;
