//! How an incoming webhook's requests are signed: descriptions of schemes, and secrets that are replaced.

use http::Method;
use serde_json::{Value, json};
use signature::{Secret, Source};

use crate::support::{Server, request};

/// An incoming webhook whose signature is described so.
fn signed(signature: Value) -> Value {
    json!({"name": "Form", "event_type": "subscriber_added", "actions": [], "signature": signature})
}

fn custom(scheme: Value) -> Value {
    signed(json!({"scheme": "custom", "custom": scheme}))
}

/// The one fault of an input, as `field: message`.
async fn fault(server: &Server, input: Value) -> String {
    let answer = server.post("/incoming-webhooks", input).await;
    let problem = answer.json();
    assert!([400, 422].contains(&answer.status), "{problem}");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    format!("{}: {}", errors[0]["field"].as_str().unwrap(), errors[0]["message"].as_str().unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn what_is_wrong_with_a_scheme_is_named_by_its_member() {
    let server = Server::start().await;
    let header = json!({"from": "header:X-Sig"});
    let hmac = |more: Value| {
        let mut scheme = json!({"algorithm": "hmac_sha256", "signature": header});
        scheme.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        custom(scheme)
    };
    for (input, expected) in [
        (signed(json!({"scheme": "custom"})), "signature.custom: is required"),
        (custom(json!({"signature": header})), "signature.custom.algorithm: is required"),
        (custom(json!({"algorithm": "hmac_sha256"})), "signature.custom.signature: is required"),
        (hmac(json!({"algorithm": "hmac_md5"})), "signature.custom.algorithm: must be one of hmac_sha1"),
        (
            hmac(json!({"algorithm": "rsa_sns", "content": "{sns}", "key": {"encoding": "pem"}})),
            "signature.custom.algorithm: needs the preset ses",
        ),
        (hmac(json!({"encoding": "base32"})), "signature.custom.encoding: must be one of hex"),
        (
            hmac(json!({"content": "{boddy}"})),
            "signature.custom.content: must be text with the placeholders {body}",
        ),
        (
            hmac(json!({"content": "{timestamp}.{body}"})),
            "signature.custom.timestamp: content must have {timestamp} if",
        ),
        (hmac(json!({"timestamp": header})), "signature.custom.timestamp: content must have"),
        (hmac(json!({"id": header})), "signature.custom.id: content must have {id}"),
        (hmac(json!({"tolerance_seconds": 0})), "signature.custom.tolerance_seconds: must be at least 1"),
        (hmac(json!({"tolerance": 5})), "signature.custom.tolerance: is not known"),
        (hmac(json!({"algorithm": "ed25519"})), "signature.custom.key.encoding: must be base64, hex or pem"),
        (hmac(json!({"signature": {"from": "cookie:a"}})), "signature.custom.signature.from: "),
        (
            hmac(json!({"signature": {"from": "header:a b"}})),
            "signature.custom.signature.from: must be header:NAME",
        ),
        (hmac(json!({"signature": {"from": []}})), "signature.custom.signature.from: "),
        (
            hmac(json!({"signature": {"from": "header:a", "separator": ", "}})),
            "signature.custom.signature.separator: ",
        ),
    ] {
        let found = fault(&server, input.clone()).await;
        assert!(found.starts_with(expected), "{input}: {found}");
    }
}

#[tokio::test]
async fn a_secret_must_be_a_key_of_its_scheme() {
    let server = Server::start().await;
    let mut input = custom(json!({
        "algorithm": "ed25519", "key": {"encoding": "pem"}, "signature": {"from": "header:X-Sig"},
    }));
    // Often the sender wants the address first, and shows its key then.
    let made = server.post("/incoming-webhooks", input.clone()).await;
    assert_eq!(made.status, 201);
    let path = format!("/incoming-webhooks/{}", text(&made.json()["id"]));
    let mut change = json!({"signature": {"secret": "no public key"}});
    assert_eq!(server.patch(&path, change.clone()).await.status, 422);
    // RFC 8410, section 10.1.
    let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    change["signature"]["secret"] = json!(key);
    let changed = server.patch(&path, change).await;
    assert_eq!((changed.status, text(&changed.json()["signature"]["custom"]["algorithm"])), (200, "ed25519"));
    input["signature"]["secret"] = json!("still no public key");
    assert!(fault(&server, input).await.starts_with("signature.secret: "));
    for (secret, status) in [("still no public key", 422), (key, 200)] {
        let answer = server.post(&format!("{path}/rotate-secret"), json!({"secret": secret})).await;
        assert_eq!(answer.status, status);
    }
}

/// Stripe's secrets begin as those of Standard Webhooks do, and are text: only who decodes them asks for base64.
#[tokio::test]
async fn a_secret_that_looks_like_base64_and_is_none() {
    let server = Server::start().await;
    let secret = "whsec_test_secret";
    let key = |encoding: &str| {
        let signature = json!({"from": "header:x-sig"});
        let key = json!({"encoding": encoding, "prefix": if encoding == "base64" { "whsec_" } else { "" }});
        json!({"scheme": "custom", "custom": {"algorithm": "hmac_sha256", "key": key, "signature": signature}})
    };
    let mut by_preset = signed(json!({"secret": secret}));
    by_preset["preset"] = json!("stripe");
    let made = server.post("/incoming-webhooks", by_preset).await;
    assert_eq!((made.status, text(&made.json()["signature"]["secret"])), (201, secret));
    let target = text(&made.json()["url"]).split_once("/webhooks/").unwrap().1.to_owned();
    let body = r#"{"id":"evt_1","type":"customer.created","data":{"object":{"email":"ada@example.com"}}}"#;
    for (signed_with, status) in [(secret, 200), ("whsec_dGVzdA", 401)] {
        let scheme = presets::find("stripe").unwrap().scheme.as_ref().unwrap();
        let now = server.engine.now().millis() / 1_000;
        let parts = scheme.sign(&Secret::new(signed_with), "POST", "", body.as_bytes(), "", now).unwrap();
        let [(Source::Header(name), value)] = parts.as_slice() else { panic!("{parts:?}") };
        let mut request = request(Method::POST, &format!("/webhooks/{target}"), None, None);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        request.headers_mut().insert(name, value.parse().unwrap());
        *request.body_mut() = body.into();
        assert_eq!(server.send(request).await.status, status, "{signed_with}");
    }
    for (mut signature, status) in [
        (json!({"scheme": "hmac_sha256"}), 201),
        (key("utf8"), 201),
        (json!({"scheme": "standard_webhooks"}), 422),
        (key("base64"), 422),
    ] {
        let without = server.post("/incoming-webhooks", signed(signature.clone())).await.json();
        let rotate = format!("/incoming-webhooks/{}/rotate-secret", text(&without["id"]));
        let rotated = server.post(&rotate, json!({"secret": secret})).await;
        assert_eq!(rotated.status == 200, status == 201, "{signature}: {}", rotated.text);
        signature["secret"] = json!(secret);
        let answer = server.post("/incoming-webhooks", signed(signature.clone())).await;
        assert_eq!(answer.status, status, "{signature}: {}", answer.text);
        assert!(status == 201 || answer.faults()[0].0 == "signature.secret", "{}", answer.text);
    }
}

/// The log keeps the beginning of what was not let in, or nothing where something in it must not be kept, and says so.
#[tokio::test]
async fn of_what_was_not_let_in_the_log_says_how_much_is_missing() {
    let server = Server::start().await;
    for (redact, kept, warning) in [
        (json!([]), 4_096, "the body had 20000 bytes, of which 4096 are kept"),
        (json!(["card"]), 4, "the body had 20000 bytes, of which none are kept"),
    ] {
        let mut input = signed(json!({"scheme": "hmac_sha256"}));
        input["redact"] = redact;
        let made = server.post("/incoming-webhooks", input).await.json();
        let target = text(&made["url"]).split_once("/webhooks/").unwrap().1.to_owned();
        let mut request = request(Method::POST, &format!("/webhooks/{target}"), None, None);
        *request.body_mut() = "x".repeat(20_000).into();
        assert_eq!(server.send(request).await.status, 401);
        let log = format!("/incoming-webhooks/{}/requests", text(&made["id"]));
        let entry = &server.get(&log).await.json()["data"][0];
        assert_eq!(text(&entry["payload"]).chars().count(), kept);
        assert_eq!(entry["warnings"], json!([warning]));
    }
}

#[tokio::test]
async fn what_replaces_a_secret_is_shown_once() {
    let server = Server::start().await;
    let made = server.post("/incoming-webhooks", signed(json!({"scheme": "hmac_sha256"}))).await.json();
    let path = format!("/incoming-webhooks/{}", text(&made["id"]));

    let rotated = server.post(&format!("{path}/rotate-secret"), json!({"grace_seconds": 60})).await.json();
    let new = text(&rotated["signature"]["secret"]);
    assert!(new.starts_with("whsec_") && rotated["signature"]["secret"] != made["signature"]["secret"]);
    assert!(text(&rotated["api_key"]).starts_with('•'));
    let shown = server.get(&path).await.json();
    assert_eq!(text(&shown["signature"]["secret"]), format!("••••{}", &new[new.len() - 4..]));

    let chosen = json!({"secret": "a key of our own", "grace_seconds": 0});
    let rotated = server.post(&format!("{path}/rotate-api-key"), chosen).await.json();
    assert_eq!(rotated["api_key"], "a key of our own");
    assert!(text(&rotated["signature"]["secret"]).starts_with('•'));

    for wrong in [json!({"grace_seconds": 2_592_001}), json!({"secret": "short"}), json!({"grace": 1})] {
        let answer = server.post(&format!("{path}/rotate-secret"), wrong).await;
        assert!([400, 422].contains(&answer.status));
    }
    let gone = server.post("/incoming-webhooks/aaaaaaaaaaaa/rotate-secret", json!({})).await;
    assert_eq!(gone.status, 404);
}
