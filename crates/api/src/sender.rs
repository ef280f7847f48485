//! Who sends a request, and whether nobody could read it on its way, where proxies stand in between.

use std::net::IpAddr;

use domain::network::{self, Network};
use http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The address of the sender: that of the connection, or, behind trusted proxies, what the first of them was told.
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev().filter_map(|line| line.to_str().ok());
    network::behind_proxies(peer, lines, trusted)
}

/// Whether a request came over HTTPS, or from this machine. The server itself speaks no TLS, so this is what a trusted proxy
/// says; of several the last one, which is that of the proxy next to us.
pub fn is_secure(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> bool {
    let peer = peer.to_canonical();
    let is_trusted = trusted.iter().any(|network| network.contains(peer));
    let said = headers.get_all(FORWARDED_PROTO).iter().next_back().filter(|_| is_trusted);
    match said.map(|value| value.to_str().unwrap_or_default()) {
        Some(protocols) => {
            let nearest = protocols.rsplit(',').next().unwrap_or_default();
            nearest.trim().eq_ignore_ascii_case("https")
        }
        None => peer.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(sender("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(sender("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(sender("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_sender_claims_is_not_believed() {
        assert_eq!(sender("10.0.0.1", &["192.0.2.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &["192.0.2.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &["198.51.100.1, 10.2.3.4"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &["192.0.2.1, 198.51.100.1, 10.2.3.4, 2001:db8:1::5"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &["10.9.9.9, 10.2.3.4"]), "10.9.9.9", "all of them are ours");
    }

    #[test]
    fn what_came_over_https_is_told_by_trusted_proxies_alone() {
        let secure = |peer: &str, said: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in said {
                headers.append(FORWARDED_PROTO, line.parse().unwrap());
            }
            let trusted = ["10.0.0.0/8", "127.0.0.2"].map(|network| network.parse().unwrap());
            is_secure(peer.parse().unwrap(), &headers, &trusted)
        };
        assert!(secure("10.0.0.1", &["https"]) && secure("::ffff:10.0.0.1", &["HTTPS"]));
        assert!(secure("10.0.0.1", &["http, https"]), "the nearest proxy has it from its own connection");
        for said in [&["http"][..], &["https", "http"], &["https, http"], &["wss"], &[""], &[]] {
            assert!(!secure("10.0.0.1", said), "{said:?}");
        }
        assert!(!secure("203.0.113.7", &["https"]), "anybody can say so");
        assert!(secure("127.0.0.1", &[]) && secure("::1", &[]) && secure("127.0.0.2", &[]), "this machine");
        assert!(secure("127.0.0.1", &["http"]), "who is not trusted is not listened to");
        assert!(!secure("127.0.0.2", &["http"]), "a proxy on this machine says that it came over HTTP");
    }

    #[test]
    fn forms_of_addresses() {
        assert_eq!(sender("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(sender("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(sender("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        for nonsense in ["unknown", "", "_hidden", "198.51.100.1, nonsense"] {
            assert_eq!(sender("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense}");
        }
    }
}
