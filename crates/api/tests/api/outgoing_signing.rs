//! How an outgoing webhook's deliveries are signed: keys of two kinds, descriptions of schemes, and keys that are replaced.

use serde_json::{Value, json};

use crate::support::Server;

fn signed(signing: Value) -> Value {
    json!({"name": "Out", "url": "https://example.com/hook", "events": ["*"], "signing": signing})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn an_asymmetric_key_is_made_and_its_public_half_can_be_read() {
    let server = Server::start().await;
    let made = server.post("/outgoing-webhooks", signed(json!({"schemes": ["ed25519"]}))).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let (private, public) = (text(&made["signing"]["private_key"]), &made["public_keys"]);
    assert!(private.starts_with("whsk_") && text(&public[0]).starts_with("whpk_"), "{made}");
    let path = format!("/outgoing-webhooks/{}", text(&made["id"]));
    let shown = server.get(&path).await.json();
    assert_eq!(shown["public_keys"], *public);
    assert!(text(&shown["signing"]["private_key"]).starts_with("••••"), "{shown}");
    assert!(!shown.to_string().contains("whsk_"));

    // What is read can be sent back, and changes nothing.
    let same = server.patch(&path, json!({"signing": shown["signing"]})).await;
    assert_eq!((same.status, &same.json()["public_keys"]), (200, public));

    let rotate = format!("{path}/rotate-secret");
    let rotated = server.post(&rotate, json!({"which": "private_key"})).await.json();
    let keys = rotated["public_keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[1]), (2, &public[0]), "both verify for a day");
    assert_eq!(rotated["signing"]["secret"], made["signing"]["secret"], "the other one stays");
    let at_once =
        server.post(&rotate, json!({"which": "private_key", "secret": private, "grace_seconds": 0})).await;
    assert_eq!(at_once.json()["public_keys"], *public);
    let wrong = server.post(&rotate, json!({"which": "private_key", "secret": "whsec_MDEyMzQ1"})).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["field"]), (422, &json!("secret")));
}

#[tokio::test]
async fn without_a_private_key_there_is_none_to_replace() {
    let server = Server::start().await;
    let made = server.post("/outgoing-webhooks", signed(json!({}))).await.json();
    assert_eq!(made["public_keys"], json!([]));
    let path = format!("/outgoing-webhooks/{}/rotate-secret", text(&made["id"]));
    let refused = server.post(&path, json!({"which": "private_key"})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!("which")));
}

#[tokio::test]
async fn what_is_wrong_with_signing_is_named_by_its_member() {
    let server = Server::start().await;
    let header = json!({"from": "header:X-Sig"});
    let custom = |more: Value| {
        let mut scheme = json!({"algorithm": "hmac_sha256", "signature": header});
        scheme.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"schemes": ["custom", "x_webhook_signature"], "secret": "a long secret", "custom": scheme})
    };
    for (signing, expected) in [
        (json!({"schemes": ["custom"]}), "signing.custom: is required"),
        (
            custom(json!({"algorithm": "rsa_sha256", "key": {"encoding": "pem"}})),
            "signing.custom.algorithm: can't sign",
        ),
        (custom(json!({"content": "{timestamp}.{body}"})), "signing.custom.timestamp: content must have"),
        (
            custom(json!({"signature": {"from": "query:sig"}})),
            "signing.custom.signature.from: must be one header",
        ),
        (
            custom(json!({"signature": {"from": ["header:A", "header:B"]}})),
            "signing.custom.signature.from: must be one",
        ),
        (
            custom(json!({"signature": {"from": "header:Host"}})),
            "signing.custom.signature.from: the header host is set",
        ),
        (
            custom(json!({"signature": {"from": "header:X-Webhook-Signature"}})),
            "signing.custom.signature.from: the header x-webhook-signature is set",
        ),
        (
            custom(json!({"signature": {"from": "header:A", "prefix": "é="}})),
            "signing.custom.signature.prefix: must be",
        ),
        (
            custom(json!({"key": {"encoding": "hex"}})),
            "signing.secret: does not fit signing.custom: the key does not",
        ),
        (
            json!({"schemes": ["ed25519"], "private_key": "whsk_AAAAAAAA"}),
            "signing.private_key: must be whsk_",
        ),
    ] {
        let answer = server.post("/outgoing-webhooks", signed(signing.clone())).await;
        let problem = answer.json();
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{signing} {problem}"));
        assert_eq!(errors.len(), 1, "{problem}");
        let fault = format!("{}: {}", text(&errors[0]["field"]), text(&errors[0]["message"]));
        assert!(fault.starts_with(expected), "{fault}");
    }
    // One header, one value: the receiver would look at either.
    for taken in [
        json!({"headers": {"x-sig": "1"}}),
        json!({"auth": {"method": "api_key", "key": "a long key", "header": "X-SIG"}}),
    ] {
        let mut settings = signed(custom(json!({})));
        settings.as_object_mut().unwrap().extend(taken.as_object().unwrap().clone());
        let refused = server.post("/outgoing-webhooks", settings).await;
        let field = json!("signing.custom.signature.from");
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &field), "{taken}");
    }
    // The header of a scheme that is not used is free.
    let own = json!({"schemes": ["custom"], "custom": {"algorithm": "hmac_sha1", "encoding": "base64",
        "signature": {"from": "header:X-Webhook-Signature", "prefix": "sha1="}}});
    let made = server.post("/outgoing-webhooks", signed(own)).await;
    assert_eq!(made.status, 201, "{}", made.json());
    // A secret that is none for the scheme is not rotated in.
    let hex = json!({"schemes": ["custom"], "secret": "00112233aabbccdd", "custom": {"algorithm": "hmac_sha256",
        "key": {"encoding": "hex"}, "signature": {"from": "header:X-Sig"}}});
    let made = server.post("/outgoing-webhooks", signed(hex)).await.json();
    let path = format!("/outgoing-webhooks/{}/rotate-secret", text(&made["id"]));
    let refused = server.post(&path, json!({})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!("secret")));
    assert_eq!(server.post(&path, json!({"secret": "aabbccddeeff"})).await.status, 200);
}

#[tokio::test]
async fn a_secret_that_receivers_could_not_decode_is_not_taken_for_standard_webhooks() {
    let server = Server::start().await;
    let named = |answer: &crate::support::Answer| {
        let problem = answer.json();
        (answer.status, text(&problem["errors"][0]["field"]).to_owned())
    };
    let plain = "my plain secret text";
    // By default the scheme is among them.
    for signing in [json!({"secret": plain}), json!({"secret": plain, "schemes": ["standard_webhooks"]})] {
        let refused = server.post("/outgoing-webhooks", signed(signing)).await;
        assert_eq!(named(&refused), (422, "signing.secret".to_owned()));
        assert!(refused.json().to_string().contains("whsec_ and, in base64, 24 to 64 bytes"));
    }
    let alone = json!({"secret": plain, "schemes": ["x_webhook_signature"]});
    let made = server.post("/outgoing-webhooks", signed(alone)).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let path = format!("/outgoing-webhooks/{}", text(&made.json()["id"]));
    let both = json!({"schemes": ["x_webhook_signature", "standard_webhooks"]});
    let refused = server.patch(&path, json!({"signing": both})).await;
    assert_eq!(named(&refused), (422, "signing.secret".to_owned()), "the one that it has is none");
    let mended = json!({"schemes": both["schemes"], "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    assert_eq!(server.patch(&path, json!({"signing": mended})).await.status, 200);
    let refused = server.post(&format!("{path}/rotate-secret"), json!({"secret": plain})).await;
    assert_eq!(named(&refused), (422, "secret".to_owned()));
}
