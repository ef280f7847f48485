//! A network of IP addresses, as lists of who may post name it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// How long a prefix the IPv4 addresses have inside of IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// A network in CIDR notation, or a single address. An IPv4 address inside of IPv6 is that IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

crate::schema::text_schema!(Network, format = "cidr", "203.0.113.0/24");

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network such as 203.0.113.7 or 2001:db8::/32")]
pub struct NetworkError;

impl Network {
    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse::<IpNet>().map_err(|_| NetworkError)?,
        };
        let unmapped = match net {
            IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_PREFIX)),
            IpNet::V4(_) => None,
        };
        let v4 = unmapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
        Ok(Self(v4.map_or(net, IpNet::from).trunc()))
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who has one address of IPv6 has the 2⁶⁴ of its network (RFC 7421).
const IPV6_PREFIX: u32 = 64;

/// What stands for a sender where senders are counted: their address, or its network where they have all of that.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mask = u128::MAX << (Ipv6Addr::BITS - IPV6_PREFIX);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
        v4 => v4,
    }
}

/// Who stands behind proxies, by what they append, `lines` from the last to the first, each a list: read from the end, the first
/// that is not trusted is the sender, and what stands before it is hearsay.
pub fn behind_proxies<'a>(peer: IpAddr, lines: impl Iterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut sender = peer.to_canonical();
    for entry in lines.flat_map(|line| line.rsplit(',')) {
        if !is_trusted(sender) {
            break;
        }
        match address(entry.trim()) {
            Some(address) => sender = address,
            None => break,
        }
    }
    sender
}

/// Some proxies append the port.
fn address(entry: &str) -> Option<IpAddr> {
    let address = entry.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    Some(address.ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn holds_its_addresses_and_no_others() {
        for (text, inside, outside) in [
            ("203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
            ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("203.0.113.77/24", "203.0.113.1", "203.0.112.255"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::ffff:203.0.113.0/120", "203.0.113.9", "::1"),
            ("203.0.113.0/24", "::ffff:203.0.113.1", "::203.0.113.1"),
            ("0.0.0.0/0", "198.51.100.1", "2001:db8::1"),
        ] {
            let holds = |address: &str| network(text).contains(address.parse().unwrap());
            assert!(holds(inside) && !holds(outside), "{text}");
        }
    }

    #[test]
    fn is_shown_in_one_form() {
        for (text, shown) in [
            ("203.0.113.77/24", "203.0.113.0/24"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ] {
            assert_eq!(network(text).to_string(), shown);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in
            ["", "example.com", "203.0.113.0/33", "203.0.113/24", "2001:db8::/129", "1.2.3.4/", " 1.2.3.4"]
        {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prop_any_text_is_read_or_refused(text in "[0-9a-f:./]{0,50}") {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert_eq!(network.to_string().parse(), Ok(network));
            }
        }

        #[test]
        fn prop_a_network_holds_the_address_that_it_was_made_of(bits: u128, prefix in 0u8..=128) {
            let address = IpAddr::from(bits.to_be_bytes());
            let network: Network = format!("{address}/{prefix}").parse().unwrap();
            prop_assert!(network.contains(address) || address.to_canonical().is_ipv4());
        }
    }
}
