//! Any text is a network or none, and a network holds the address that it is written with.

#![no_main]

use std::net::IpAddr;

use domain::network::Network;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    for line in text.lines() {
        let Ok(network) = line.parse::<Network>() else { continue };
        assert_eq!(network.to_string().parse(), Ok(network));
        if let Some(address) = line.split('/').next().and_then(|address| address.parse::<IpAddr>().ok()) {
            assert!(network.contains(address) || address.to_canonical().is_ipv4(), "{line}");
        }
    }
});
