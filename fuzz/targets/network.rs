//! Any text is a network or none, and a network holds the address that it is written with; and whatever proxies append, the
//! sender is one who is named, and behind trusted ones only.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use domain::network::{Network, behind_proxies};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut trusted = Vec::new();
    for line in text.lines() {
        let Ok(network) = line.parse::<Network>() else { continue };
        assert_eq!(network.to_string().parse(), Ok(network));
        if let Some(address) = line.split('/').next().and_then(|address| address.parse::<IpAddr>().ok()) {
            assert!(network.contains(address) || address.to_canonical().is_ipv4(), "{line}");
        }
        trusted.push(network);
    }
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let sender = behind_proxies(peer, text.lines().rev(), &trusted);
    let is_trusted = trusted.iter().any(|network| network.contains(peer));
    assert!(is_trusted || sender == peer, "a stranger was believed");
    assert_eq!(sender, sender.to_canonical());
    assert_eq!(behind_proxies(peer, text.lines().rev(), &[]), peer);
});
