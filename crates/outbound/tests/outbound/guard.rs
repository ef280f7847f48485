//! Tricks to reach what must not be reached, all in vain.

use std::{net::IpAddr, sync::Arc};

use http::Response;
use http_body_util::Full;
use outbound::{Client, IpNet, Options, SendError, UrlError, check_url};
use url::Url;

use crate::{
    server::Server,
    support::{Names, get, strict_client},
};

/// Spellings of refused addresses, and the address each stands for.
const BLOCKED: &[(&str, &str)] = &[
    // Loopback
    ("http://127.0.0.1/", "127.0.0.1"),
    ("https://127.0.0.1:8443/x?y=z", "127.0.0.1"),
    ("http://127.255.255.254/", "127.255.255.254"),
    ("http://127.0.0.1./", "127.0.0.1"),
    ("http://localhost/", "127.0.0.1"),
    ("http://localhost./", "127.0.0.1"),
    ("http://LocalHost:80/", "127.0.0.1"),
    ("http://any.thing.localhost/", "127.0.0.1"),
    ("http://any.localhost./", "127.0.0.1"),
    ("http://ｌｏｃａｌｈｏｓｔ/", "127.0.0.1"),
    // Decimal, octal, hexadecimal, short and mixed
    ("http://2130706433/", "127.0.0.1"),
    ("http://2130706433./", "127.0.0.1"),
    ("http://017700000001/", "127.0.0.1"),
    ("http://0x7f000001/", "127.0.0.1"),
    ("http://0X7F000001/", "127.0.0.1"),
    ("http://0x7f.0x0.0x0.0x1/", "127.0.0.1"),
    ("http://0177.0.0.01/", "127.0.0.1"),
    ("http://0177.0000000.0.01/", "127.0.0.1"),
    ("http://127.1/", "127.0.0.1"),
    ("http://127.0.1/", "127.0.0.1"),
    ("http://127.65535/", "127.0.255.255"),
    ("http://0x7f.1/", "127.0.0.1"),
    ("http://0177.0x1/", "127.0.0.1"),
    ("http://0x0000007f.0.0.1/", "127.0.0.1"),
    ("http://0/", "0.0.0.0"),
    ("http://0x/", "0.0.0.0"),
    ("http://00000/", "0.0.0.0"),
    ("http://0.0.0.0/", "0.0.0.0"),
    ("http://4294967295/", "255.255.255.255"),
    ("http://2852039166/", "169.254.169.254"),
    ("http://0xa9fea9fe/", "169.254.169.254"),
    ("http://0251.0376.0251.0376/", "169.254.169.254"),
    ("http://169.254.43518/", "169.254.169.254"),
    ("http://167772161/", "10.0.0.1"),
    ("http://10.1/", "10.0.0.1"),
    ("http://0xc0.0xa8.257/", "192.168.1.1"),
    // Percent-encoding, full-width and circled digits, other dots, other slashes
    ("http://%31%32%37.0.0.1/", "127.0.0.1"),
    ("http://127%2e0%2e0%2e1/", "127.0.0.1"),
    ("http://0x7%66.1/", "127.0.0.1"),
    ("http://１２７.０.０.１/", "127.0.0.1"),
    ("http://①②⑦.⓪.⓪.①/", "127.0.0.1"),
    ("http://𝟭𝟮𝟳.𝟬.𝟬.𝟭/", "127.0.0.1"),
    ("http://127。0。0。1/", "127.0.0.1"),
    ("http://127．0．0．1/", "127.0.0.1"),
    ("http://127｡0｡0｡1/", "127.0.0.1"),
    ("http://0Ⅹ7f.1/", "127.0.0.1"),
    ("http://1\u{ad}27.0.0.1/", "127.0.0.1"),
    ("http:\\\\127.0.0.1\\x", "127.0.0.1"),
    ("http:127.0.0.1", "127.0.0.1"),
    ("http:////127.0.0.1/", "127.0.0.1"),
    (" http://127.0.0.1/ ", "127.0.0.1"),
    ("ht\ntp://127.0.\t0.1/", "127.0.0.1"),
    ("HTTP://127.0.0.1/", "127.0.0.1"),
    ("http://127.0.0.1#@example.com/", "127.0.0.1"),
    ("http://127.0.0.1?@example.com/", "127.0.0.1"),
    ("http://127.0.0.1\\@example.com/", "127.0.0.1"),
    // The other ranges
    ("http://10.0.0.1/", "10.0.0.1"),
    ("http://10.255.255.255/", "10.255.255.255"),
    ("http://100.64.0.1/", "100.64.0.1"),
    ("http://100.100.100.200/", "100.100.100.200"),
    ("http://168.63.129.16/", "168.63.129.16"),
    ("http://169.254.169.254/latest/meta-data/", "169.254.169.254"),
    ("http://172.16.0.1/", "172.16.0.1"),
    ("http://172.31.255.255/", "172.31.255.255"),
    ("http://192.0.0.192/", "192.0.0.192"),
    ("http://192.0.2.1/", "192.0.2.1"),
    ("http://192.168.0.1/", "192.168.0.1"),
    ("http://198.18.0.1/", "198.18.0.1"),
    ("http://198.51.100.1/", "198.51.100.1"),
    ("http://203.0.113.1/", "203.0.113.1"),
    ("http://224.0.0.1/", "224.0.0.1"),
    ("http://240.0.0.1/", "240.0.0.1"),
    ("http://255.255.255.255/", "255.255.255.255"),
    // IPv6
    ("http://[::1]/", "::1"),
    ("http://[::]/", "::"),
    ("http://[0:0:0:0:0:0:0:1]:8080/", "::1"),
    ("http://[0000::0001]/", "::1"),
    ("http://[fe80::1]/", "fe80::1"),
    ("http://[febf::1]/", "febf::1"),
    ("http://[fec0::1]/", "fec0::1"),
    ("http://[fc00::1]/", "fc00::1"),
    ("http://[fd00:ec2::254]/", "fd00:ec2::254"),
    ("http://[ff02::1]/", "ff02::1"),
    ("http://[100::1]/", "100::1"),
    ("http://[2001:db8::1]/", "2001:db8::1"),
    ("http://[3fff::1]/", "3fff::1"),
    ("http://[5f00::1]/", "5f00::1"),
    // An IPv4 address inside: mapped, compatible, translated, NAT64, 6to4, Teredo
    ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
    ("http://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
    ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
    ("http://[::ffff:169.254.169.254]/", "::ffff:169.254.169.254"),
    ("http://[::ffff:0.0.0.0]/", "::ffff:0.0.0.0"),
    ("http://[::127.0.0.1]/", "::7f00:1"),
    ("http://[::ffff:0:127.0.0.1]/", "::ffff:0:7f00:1"),
    ("http://[64:ff9b::127.0.0.1]/", "64:ff9b::7f00:1"),
    ("http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe"),
    ("http://[64:ff9b:1::10.0.0.1]/", "64:ff9b:1::a00:1"),
    ("http://[2002:7f00:1::]/", "2002:7f00:1::"),
    ("http://[2002:c0a8:101::1]/", "2002:c0a8:101::1"),
    ("http://[2001:0:7f00:1::]/", "2001:0:7f00:1::"),
    ("http://[2001::f5ff:fffe]/", "2001::f5ff:fffe"),
];

/// Not even a URL, so never a destination: zone ids, broken numbers, broken brackets, hosts with
/// characters that could hide another.
const UNPARSABLE: &[&str] = &[
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1%251]/",
    "http://[::1]extra/",
    "http://[::1",
    "http://[::ffff:127.1]/",
    "http://[127.0.0.1]/",
    "http://127.0.0.1.1/",
    "http://127.0.0.256/",
    "http://4294967296/",
    "http://0x100000000/",
    "http://127.0.0.08/",
    "http://1.2.3.0x100/",
    "http://127.0.0.1:65536/",
    "http://127.0.0.1:80:80/",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1%20/",
    "http://exa mple.com/",
    "http:///",
    "//127.0.0.1/",
    "127.0.0.1",
];

const USERINFO: &[&str] = &[
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://:password@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1%40@example.com/",
    "http://example.com%2f@127.0.0.1/x:y",
    "http://%65xample.com:x@[::1]/",
];

const WRONG_SCHEME: &[&str] = &[
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "ws://example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "unix:/run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/x",
];

const ALLOWED: &[&str] = &[
    "http://example.com/",
    "https://example.com:8443/hook?a=b&c={d}|e#f",
    "https://bücher.example/",
    "https://my_service.example.com./",
    "http://localhost.example.com/",
    "http://notlocalhost/",
    "http://127.0.0.1.example.com/",
    "http://1.1.1.1/",
    "http://16843009/",
    "http://[2606:4700:4700::1111]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::8.8.8.8]/",
];

fn parse(text: &str) -> Url {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_table_is_long_enough_to_mean_something() {
    assert!(BLOCKED.len() + UNPARSABLE.len() + USERINFO.len() + WRONG_SCHEME.len() > 130);
}

#[test]
fn every_spelling_of_a_refused_address_is_refused_when_saved() {
    for (text, expected) in BLOCKED {
        let expected: IpAddr = expected.parse().unwrap();
        match check_url(&parse(text), &[]) {
            Err(UrlError::Blocked { address, .. }) => assert_eq!(address, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn every_spelling_of_a_refused_address_is_refused_when_sent() {
    let names = Names::new([&["8.8.8.8"]]);
    let client = strict_client(Arc::clone(&names));
    for (text, expected) in BLOCKED {
        let expected: IpAddr = expected.parse().unwrap();
        match client.send(get(text)).await {
            Err(SendError::Blocked { address, .. }) => assert_eq!(address, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(names.asked(), 0, "a literal was looked up");
}

#[test]
fn what_is_no_url_is_no_destination() {
    for text in UNPARSABLE {
        assert!(Url::parse(text).is_err(), "{text} parses as {:?}", Url::parse(text));
    }
}

#[tokio::test]
async fn users_and_other_schemes_are_refused() {
    let client = strict_client(Names::new([&["8.8.8.8"]]));
    for (texts, expected) in [(USERINFO, UrlError::Userinfo), (WRONG_SCHEME, UrlError::Scheme)] {
        for text in texts {
            assert_eq!(check_url(&parse(text), &[]), Err(expected.clone()), "{text}");
            match client.send(get(text)).await {
                Err(SendError::InvalidUrl(error)) => assert_eq!(error, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}

#[test]
fn public_destinations_are_allowed() {
    for text in ALLOWED {
        assert_eq!(check_url(&parse(text), &[]), Ok(()), "{text}");
    }
}

#[test]
fn a_url_too_long_for_a_request_is_refused() {
    let url = parse(&format!("http://example.com/{}", "a".repeat(70_000)));
    assert_eq!(check_url(&url, &[]), Err(UrlError::Unsendable));
}

#[test]
fn the_operator_can_allow_networks() {
    let allow: Vec<IpNet> =
        ["10.1.0.0/16", "127.0.0.1/32", "fd00::/8"].map(|net| net.parse().unwrap()).into();
    for text in [
        "http://10.1.2.3/",
        "http://[::ffff:10.1.2.3]/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://[fd00::1]/",
        "http://8.8.8.8/",
    ] {
        assert_eq!(check_url(&parse(text), &allow), Ok(()), "{text}");
    }
    for text in ["http://10.2.0.1/", "http://127.0.0.2/", "http://[fe80::1]/", "http://[2002:a01:203::]/"] {
        assert!(matches!(check_url(&parse(text), &allow), Err(UrlError::Blocked { .. })), "{text}");
    }
}

#[tokio::test]
async fn names_that_lead_to_refused_addresses_are_refused() {
    let answers: &[&[&str]] = &[
        &["127.0.0.1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["224.0.0.1"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["2002:7f00:1::"],
        &["fd00:ec2::254"],
        // One bad among good ones, wherever it stands
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::1"],
    ];
    for answer in answers {
        let client = strict_client(Names::new([answer]));
        for text in ["http://evil.example.com/", "https://127.0.0.1.nip.example/"] {
            match client.send(get(text)).await {
                Err(SendError::Blocked { host, address }) => {
                    assert_eq!(host, parse(text).host_str().unwrap());
                    assert!(!outbound::is_global(address), "{answer:?}");
                }
                other => panic!("{answer:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused() {
    let server = Server::http(|_| async {
        Response::builder().header("connection", "close").body(Full::default()).unwrap()
    })
    .await;
    let url = format!("http://rebind.example.com:{}/", server.address.port());
    let names = Names::new([&["127.0.0.1"], &["127.0.0.2"]]);
    let client = Client::new(Options {
        allow_private: vec!["127.0.0.1/32".parse().unwrap()],
        resolver: Some(Arc::clone(&names) as _),
        ..Options::default()
    })
    .unwrap();

    client.send(get(&url)).await.unwrap();
    let error = client.send(get(&url)).await.unwrap_err();

    assert!(
        matches!(&error, SendError::Blocked { host, address }
            if host == "rebind.example.com" && address.to_string() == "127.0.0.2"),
        "{error:?}"
    );
    assert_eq!((names.asked(), server.accepted()), (2, 1));
}
