#![doc = include_str!("../README.md")]

#[cfg(feature = "jobs")]
pub mod jobs;

use std::net::{Ipv4Addr, SocketAddr};

/// Where a contender listens: loopback, and the port in the variable `PORT`.
pub fn address() -> SocketAddr {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    (Ipv4Addr::LOCALHOST, port).into()
}
