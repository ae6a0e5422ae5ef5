//! The address that a listener binds to unless it is told otherwise.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::{FromConfig, Node, Shape, Surroundings};

/// The address of a listener: loopback by default, `0.0.0.0` in a container or in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BindIp(pub IpAddr);

// === impl BindIp ===

impl BindIp {
    /// What a listener binds to when nobody said.
    pub fn default_in(surroundings: Surroundings) -> Self {
        let open = surroundings.container || surroundings.environment.is_production();
        Self(IpAddr::V4(if open { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST }))
    }
}

impl Default for BindIp {
    /// Loopback.
    fn default() -> Self {
        Self(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

impl fmt::Display for BindIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromConfig for BindIp {
    fn shape() -> Shape {
        Shape::text("an IP address such as `0.0.0.0` or `::1`")
            .default_in("127.0.0.1; 0.0.0.0 in a container or in production", |surroundings| {
                Self::default_in(surroundings).to_string()
            })
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        if !node.is_present() {
            return Some(Self::default_in(node.surroundings()));
        }
        IpAddr::from_config(node).map(Self)
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}
