//! Nobody gets out past the guard: this crate alone opens sockets to addresses that users supply, and who uses its client is
//! known. A new way out makes this fail: give it a case in `ssrf` of the end-to-end tests, and a line here.

use std::{fs, path::Path};

/// Who sends through the client, and what.
const WAYS_OUT: &[(&str, &str)] = &[
    ("engine/src/attempt.rs", "deliveries, also those of the test button"),
    ("engine/src/certificates.rs", "Amazon SNS: certificates and confirmations"),
    ("engine/src/jobs.rs", "call_api"),
    ("engine/src/outgoing/oauth.rs", "OAuth token URLs"),
];

/// What opens a socket or asks for a name.
const SOCKETS: &[&str] = &[
    "TcpStream::connect",
    "UdpSocket",
    "UnixStream::connect",
    "TcpSocket",
    "lookup_host",
    "to_socket_addrs",
    "HttpConnector",
    "legacy::Client",
    "reqwest",
    "http1::handshake",
    "http2::handshake",
];

/// Crates and files that open sockets to where the operator says: the database, the server that the command line asks, and
/// tests.
const OPERATORS: &[&str] = &["outbound/", "store/", "testkit/", "ccsp-mailer/src/"];

/// All sources of all crates but their tests, by their path under `crates`.
fn sources() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut folders = vec![crates.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned();
            let is_of_tests =
                ["/tests", "/snapshots", "/target", "/node_modules"].iter().any(|part| name.ends_with(part));
            if path.is_dir() && !is_of_tests {
                folders.push(path);
            } else if name.contains("/src/") && name.ends_with(".rs") {
                sources.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 100, "{}", sources.len());
    sources
}

#[test]
fn every_way_out_is_known() {
    let sends =
        |text: &str| text.contains("outbound::") && text.contains("Client") && text.contains("client.send(");
    let mut found: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| !name.starts_with("outbound/") && sends(text))
        .map(|(name, _)| name)
        .collect();
    found.sort();
    let known: Vec<&str> = WAYS_OUT.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known);
}

#[test]
fn nobody_else_opens_sockets() {
    for (name, text) in sources() {
        let opens = SOCKETS.iter().find(|word| text.contains(*word));
        let may = OPERATORS.iter().any(|allowed| name.starts_with(allowed));
        assert!(may || opens.is_none(), "{name}: {opens:?}");
    }
}
