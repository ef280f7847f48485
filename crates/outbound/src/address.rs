//! Which addresses belong to the public Internet.
//!
//! Neighbours: the guard asks, with the operator's exemptions on top. Invariant: what no table
//! names and what is not global unicast is refused, so a new special block is safe by default on
//! IPv6.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>), read with RFC 6890 and
//! RFC 8190; the multicast registries (RFC 5771, RFC 4291); RFC 6052 for NAT64.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// IPv4 blocks that are not globally reachable, or that answer only inside a data centre.
const REFUSED_V4: [Ipv4Net; 17] = [
    v4([0, 0, 0, 0], 8),          // "this network", RFC 791
    v4([10, 0, 0, 0], 8),         // private, RFC 1918
    v4([100, 64, 0, 0], 10),      // carrier-grade NAT, RFC 6598
    v4([127, 0, 0, 0], 8),        // loopback, RFC 1122
    v4([168, 63, 129, 16], 32),   // Azure's host agent: a public number with the VM's own secrets
    v4([169, 254, 0, 0], 16),     // link-local, RFC 3927; the clouds' metadata services
    v4([172, 16, 0, 0], 12),      // private, RFC 1918
    v4([192, 0, 0, 0], 24),       // protocol assignments, RFC 6890; its anycast hosts are local
    v4([192, 0, 2, 0], 24),       // documentation, RFC 5737
    v4([192, 88, 99, 0], 24),     // 6to4 relays, withdrawn by RFC 7526
    v4([192, 168, 0, 0], 16),     // private, RFC 1918
    v4([198, 18, 0, 0], 15),      // benchmarking, RFC 2544
    v4([198, 51, 100, 0], 24),    // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),     // documentation, RFC 5737
    v4([224, 0, 0, 0], 4),        // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),        // reserved, RFC 1112
    v4([255, 255, 255, 255], 32), // limited broadcast, RFC 919
];

/// The only IPv6 space handed out for hosts (RFC 4291, section 2.4). Outside of it lie loopback,
/// unspecified, v4-compatible, discard (100::/64), local NAT64 (64:ff9b:1::/48), segment routing
/// (5f00::/16), unique-local, link-local, site-local and multicast.
const GLOBAL_UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Blocks inside of [`GLOBAL_UNICAST_V6`] that are not globally reachable. The tunnels carry an
/// IPv4 address in theirs; they are refused whatever it is, because the relay that unpacks it is
/// somebody else's choice and nobody receives webhooks there.
const REFUSED_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, RFC 2928; Teredo, ORCHID
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation, RFC 3849
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, RFC 3056
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation, RFC 9637
];

/// The well-known NAT64 prefix: the last 32 bits are the IPv4 address reached (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Whether `ip` is a unicast address of the public Internet.
///
/// Stricter than the registries in two places: a block of protocol assignments is refused with its
/// few reachable members, and so are tunnels (6to4, Teredo). An IPv4 address inside an IPv6 one
/// (v4-mapped, NAT64) is judged as itself.
pub fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => is_global_v6(ip),
    }
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
    !REFUSED_V4.iter().any(|net| net.contains(&ip))
}

fn is_global_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = reached_v4(ip) {
        return is_global_v4(inner);
    }
    GLOBAL_UNICAST_V6.contains(&ip) && !REFUSED_V6.iter().any(|net| net.contains(&ip))
}

/// The IPv4 address that a connection to `ip` ends at, if it is one in disguise.
fn reached_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    if NAT64.contains(&ip) {
        let [.., a, b, c, d] = ip.octets();
        return Some(Ipv4Addr::new(a, b, c, d));
    }
    ip.to_ipv4_mapped()
}

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First and last address of every refused block, and addresses known to matter.
    const REFUSED: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.9",
        "192.0.0.192",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "64:ff9b:1:ffff:ffff:ffff:808:808",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:0:808:808:0:ffff:f7f7:f7f7",
        "2001:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2002:808:808::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ];

    /// The neighbours of the refused blocks, and well-known public hosts.
    const GLOBAL: &[&str] = &[
        "1.0.0.0",
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2001:db7::1",
        "2001:db9::1",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "3ffe::1",
        "3fff:1000::1",
    ];

    #[test]
    fn special_addresses_are_not_global() {
        for text in REFUSED {
            assert!(!is_global(text.parse().unwrap()), "{text} must be refused");
        }
    }

    #[test]
    fn ordinary_addresses_are_global() {
        for text in GLOBAL {
            assert!(is_global(text.parse().unwrap()), "{text} must be allowed");
        }
    }

    /// Any IPv4 address, half of them from a refused block.
    fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
        let inside = (0..REFUSED_V4.len(), any::<u32>()).prop_map(|(block, bits)| {
            let net = REFUSED_V4[block];
            Ipv4Addr::from_bits(net.network().to_bits() | (bits & net.hostmask().to_bits()))
        });
        prop_oneof![any::<Ipv4Addr>(), inside]
    }

    proptest! {
        #[test]
        fn prop_std_agrees_where_it_has_an_opinion(ip in any_v4()) {
            let special = ip.is_private() || ip.is_loopback() || ip.is_link_local()
                || ip.is_multicast() || ip.is_broadcast() || ip.is_documentation()
                || ip.is_unspecified();
            prop_assert!(!(special && is_global(ip.into())));
        }

        #[test]
        fn prop_a_disguised_v4_address_is_judged_as_itself(ip in any_v4()) {
            let expected = is_global(ip.into());
            let mapped = ip.to_ipv6_mapped();
            let nat64 = Ipv6Addr::from_bits(NAT64.network().to_bits() | u128::from(ip.to_bits()));
            prop_assert_eq!(is_global(mapped.into()), expected);
            prop_assert_eq!(is_global(nat64.into()), expected);
        }

        #[test]
        fn prop_tunnels_and_compatible_addresses_are_never_global(ip in any::<u32>(), rest: u64) {
            let six_to_four = (0x2002 << 112) | (u128::from(ip) << 80) | u128::from(rest);
            let teredo = (0x2001_0000 << 96) | (u128::from(rest) << 32) | u128::from(!ip);
            for bits in [six_to_four, teredo, u128::from(ip)] {
                prop_assert!(!is_global(Ipv6Addr::from_bits(bits).into()));
            }
        }

        #[test]
        fn prop_only_global_unicast_space_is_global(bits: u128) {
            let ip = Ipv6Addr::from_bits(bits);
            let outside = bits >> 125 != 1 && reached_v4(ip).is_none();
            prop_assert!(!(outside && is_global(ip.into())));
        }
    }
}
