//! Certificates of outgoing webhooks: what is checked, shown and kept.

use serde_json::{Value, json};

use crate::support::Server;

fn with(tls: Value) -> Value {
    json!({"name": "Out", "url": "https://example.com/hook", "events": ["*"], "tls": tls})
}

/// A certificate until the end of 2029 and its key, both as PEM.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["client.example.com".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2029, 12, 31);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn the_key_is_never_shown_again_and_stays_when_it_is_sent_back() {
    let server = Server::start().await;
    let (certificate, key) = pair();
    let made = server
        .post(
            "/outgoing-webhooks",
            with(json!({"client_certificate": certificate, "client_key": key, "ca": certificate})),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json();
    assert_eq!(made["client_certificate_expires_at"], "2029-12-31T00:00:00Z");
    let path = format!("/outgoing-webhooks/{}", made["id"].as_str().unwrap());
    let shown = server.get(&path).await.json();
    assert_eq!(
        shown["tls"],
        json!({"client_certificate": certificate, "client_key": "••••", "ca": certificate})
    );

    let same = server.patch(&path, json!({"tls": shown["tls"], "name": "Other"})).await;
    assert_eq!((same.status, &same.json()["tls"]), (200, &shown["tls"]));
    let (other, other_key) = pair();
    let alone = server.patch(&path, json!({"tls": {"client_certificate": other}})).await;
    assert_eq!(
        (alone.status, alone.faults()[0].0.as_str()),
        (422, "tls.client_key"),
        "the old key is none of it"
    );
    let both =
        server.patch(&path, json!({"tls": {"client_certificate": other, "client_key": other_key}})).await;
    assert_eq!(both.status, 200);
    let without = server.patch(&path, json!({"tls": null})).await.json();
    assert_eq!((&without["tls"], &without["client_certificate_expires_at"]), (&json!(null), &json!(null)));
    let masked =
        server.patch(&path, json!({"tls": {"client_certificate": other, "client_key": "••••"}})).await;
    assert_eq!((masked.status, masked.faults()[0].0.as_str()), (422, "tls.client_key"), "it is gone");
}

#[tokio::test]
async fn what_can_not_be_used_is_named() {
    let server = Server::start().await;
    let ((certificate, key), (_, other)) = (pair(), pair());
    for (tls, field, message) in [
        (json!({"client_certificate": certificate}), "tls.client_key", "is required"),
        (json!({"client_key": key}), "tls.client_certificate", "is required"),
        (json!({"client_certificate": certificate, "client_key": other}), "tls.client_key", "is not the key"),
        (
            json!({"client_certificate": "x", "client_key": key}),
            "tls.client_certificate",
            "must be certificates",
        ),
        (
            json!({"client_certificate": certificate, "client_key": "x"}),
            "tls.client_key",
            "must be a private key",
        ),
        (json!({"ca": key}), "tls.ca", "must be the certificates of authorities"),
        (json!({"ca": "x".repeat(40_000)}), "tls.ca", ""),
    ] {
        let answer = server.post("/outgoing-webhooks", with(tls)).await;
        let faults = answer.faults();
        assert!(faults.len() == 1 && faults[0].0 == field && faults[0].1.starts_with(message), "{faults:?}");
    }
    let mut plain = with(json!({"ca": certificate}));
    plain["url"] = json!("http://example.com/hook");
    let refused = server.post("/outgoing-webhooks", plain).await;
    assert_eq!(refused.faults(), [("tls".to_owned(), "needs a url with https".to_owned())]);
    let unknown = server.post("/outgoing-webhooks", with(json!({"verify": false}))).await;
    assert_eq!((unknown.status, unknown.faults()[0].0.as_str()), (400, "tls.verify"), "checks are never off");
}
