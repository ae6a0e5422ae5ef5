use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not public although it lies in 0.0.0.0/0, by IANA's registry of special-purpose addresses: network, bits.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // The platform of Azure answers its machines here, metadata and keys included.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What is not public although it lies in 2000::/3.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments, Teredo and ORCHID among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4: an IPv4 address of any kind inside.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address belongs to the public internet.
///
/// Of IPv6 only what is handed out for it (2000::/3) is, and an address of NAT64 (64:ff9b::/96) if the IPv4 address in
/// it is: networks without IPv4 reach the rest of the world by these. IPv4 inside IPv6 of any other kind is not.
///
/// ```
/// use groundcrew_client::is_public;
///
/// assert!(is_public("93.184.216.34".parse()?));
/// assert!(!is_public("169.254.169.254".parse()?));
/// assert!(!is_public("::ffff:93.184.216.34".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
            }
            [first, ..] if first & 0xe000 == 0x2000 => !SPECIAL_V6
                .iter()
                .any(|(network, bits)| (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0),
            _ => false,
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4
        .iter()
        .any(|(network, bits)| (address.to_bits() ^ network.to_bits()).checked_shr(32 - bits) == Some(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn the_edges_of_the_special_networks_are_where_they_should_be() {
        for (last_public, first_special, last_special, next_public) in [
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("2001:200::", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
            ("2001:ffff:ffff::", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
        ] {
            assert!(public(last_public), "{last_public}");
            assert!(!public(first_special), "{first_special}");
            assert!(!public(last_special), "{last_special}");
            assert!(public(next_public), "{next_public}");
        }
    }

    #[test]
    fn what_leads_inside_by_a_detour_is_not_public() {
        for address in [
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "192.0.0.192",
            "100.100.100.200",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:93.184.216.34",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2001::1",
            "2002:a00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!public(address), "{address}");
        }
        assert!(public("64:ff9b::93.184.216.34"), "how a network without IPv4 gets there");
        assert!(public("2606:4700::1111"));
    }

    proptest! {
        /// The standard library knows some of these networks too, and agrees.
        #[test]
        fn nothing_that_the_standard_library_calls_special_is_public(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified()
                || address.is_multicast();
            prop_assert!(!special || !is_public(address.into()));
        }

        #[test]
        fn mapped_compatible_and_6to4_addresses_are_never_public(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [_, _, _, _, _, _, high, low] = v4.to_ipv6_mapped().segments();
            prop_assert!(!is_public(v4.to_ipv6_mapped().into()));
            prop_assert!(!is_public(v4.to_ipv6_compatible().into()));
            prop_assert!(!is_public(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into()));
        }

        #[test]
        fn nat64_is_as_public_as_what_it_carries(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [_, _, _, _, _, _, high, low] = v4.to_ipv6_mapped().segments();
            let v6 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            prop_assert_eq!(is_public(v6.into()), is_public(v4.into()));
        }

        #[test]
        fn nothing_outside_of_2000_3_and_nat64_is_public(bits in any::<u128>()) {
            let address = Ipv6Addr::from_bits(bits);
            let global = address.segments()[0] >> 13 == 1;
            let nat64 = bits >> 32 == 0x0064_ff9b_u128 << 64;
            prop_assert!(global || nat64 || !is_public(address.into()));
        }
    }
}
