use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use groundcrew_config::{FromConfig, Node, Shape};

/// A network: an address and how many of its first bits count.
///
/// ```
/// use groundcrew_http::Cidr;
///
/// let inside: Cidr = "10.0.0.0/8".parse()?;
/// assert!(inside.contains("10.20.30.40".parse()?));
/// assert!(!inside.contains("11.0.0.1".parse()?));
/// assert_eq!("127.0.0.1".parse::<Cidr>()?.to_string(), "127.0.0.1/32");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// Without the bits that do not count.
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a network: write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1, without bits behind the prefix"
)]
pub struct CidrError;

// === impl Cidr ===

impl Cidr {
    /// Whether an address lies in it. An IPv4 address is the same one when it is written inside IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == self.address
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| CidrError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.trim().parse()).map_err(|_| CidrError)?;
        // `10.0.0.1/8` may have been meant as a host or as a network: who trusts should say which.
        if bits > most || masked(address, bits) != address {
            return Err(CidrError);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl FromConfig for Cidr {
    fn shape() -> Shape {
        Shape::text("a network such as `10.0.0.0/8`, or an address")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| text.trim().parse().ok())
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// An address without what stands behind its first `bits`.
pub(crate) fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1", "host"] {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text}");
        }
    }

    #[test]
    fn everything_is_a_network_too() {
        let all: Cidr = "0.0.0.0/0".parse().expect("a network");
        assert!(all.contains("203.0.113.9".parse().expect("an address")));
        assert!(!all.contains("2001:db8::1".parse().expect("an address")), "but not of the other kind");
    }

    #[test]
    fn an_ipv4_address_inside_ipv6_is_the_same() {
        let inside: Cidr = "10.0.0.0/8".parse().expect("a network");
        assert!(inside.contains("::ffff:10.1.2.3".parse().expect("an address")));
    }

    proptest! {
        #[test]
        fn a_network_contains_what_it_was_made_of(address: u128, bits in 0u8..=128) {
            let address = IpAddr::from(Ipv6Addr::from_bits(address));
            prop_assume!(address.to_canonical() == address);
            let network: Cidr = format!("{}/{bits}", masked(address, bits)).parse().expect("a network");
            prop_assert!(network.contains(address));
            prop_assert_eq!(network.to_string().parse::<Cidr>(), Ok(network));
        }
    }
}
