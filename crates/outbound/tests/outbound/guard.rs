//! Tricks to reach what must not be reached, all in vain.

use std::{net::IpAddr, sync::Arc};

use http::Response;
use http_body_util::Full;
use outbound::{Client, IpNet, Options, SendError, UrlError, check_url};
use testkit::destinations::{BLOCKED, UNPARSABLE, USERINFO, WRONG_SCHEME};
use url::Url;

use crate::{
    server::Server,
    support::{Names, get, strict_client},
};

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
