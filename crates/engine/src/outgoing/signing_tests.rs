use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use signature::{Secret, VerifyError};

use super::*;
use crate::rotating::Rotating;
use crate::testing::{NOW, SECRET};

const BODY: &[u8] = br#"{"event":"subscriber_added","data":{"email":"ada@example.com"}}"#;
const ID: &str = "evt_1";

fn request(headers: &HeaderMap) -> Request<'_> {
    Request { method: "POST", url: "https://example.com/hook", headers, body: BODY }
}

/// The headers that a webhook with these settings puts on a request.
fn signed(settings: Value, secrets: &OutgoingSecrets, now: Timestamp) -> Result<HeaderMap, Unsendable> {
    let signing = Signing::new(&serde_json::from_value(settings).unwrap(), secrets);
    Ok(signing.headers(request(&HeaderMap::new()), ID, now)?.into_iter().collect())
}

fn secrets() -> OutgoingSecrets {
    let private_key = Rotating::new(private_key(1));
    OutgoingSecrets { private_key: Some(private_key), ..OutgoingSecrets::new(Secret::new(SECRET)) }
}

fn private_key(byte: u8) -> Secret {
    Secret::new(format!("whsk_{}", STANDARD.encode([byte; 32])))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

/// Whether the public key verifies one of the signatures, as a receiver does it.
fn verifies(public_key: &str, headers: &HeaderMap) -> bool {
    let key = STANDARD.decode(public_key.strip_prefix("whpk_").unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, key);
    let (id, time) = (text(headers, "webhook-id"), text(headers, "webhook-timestamp"));
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", BODY].concat();
    let signatures =
        text(headers, "webhook-signature").split(' ').filter_map(|entry| entry.strip_prefix("v1a,"));
    signatures.into_iter().any(|signature| key.verify(&message, &STANDARD.decode(signature).unwrap()).is_ok())
}

/// Whether a receiver that has this secret takes them by this scheme.
fn accepts(scheme: &Value, secret: &str, headers: &HeaderMap) -> Result<(), VerifyError> {
    let scheme = Scheme::deserialize(scheme).unwrap();
    let key = scheme.key(&Secret::new(secret)).unwrap();
    scheme.verify(&[key], request(headers), NOW.seconds())
}

/// A list, as Stripe has it.
fn listed() -> Value {
    json!({"algorithm": "hmac_sha256", "content": "{timestamp}.{body}",
        "signature": {"from": "header:Other-Signature", "separator": ",", "prefix": "v1="},
        "timestamp": {"from": "header:Other-Signature", "separator": ",", "prefix": "t="}})
}

#[test]
fn all_schemes_sign_at_once() {
    let settings = json!({"schemes": ["x_webhook_signature", "standard_webhooks", "ed25519", "custom"], "custom": listed()});
    let headers = signed(settings, &secrets(), NOW).unwrap();
    let key = SigningKey::new(&Secret::new(SECRET)).unwrap();
    assert_eq!(text(&headers, "x-webhook-signature"), x_webhook::sign(&key, BODY));
    let received = standard_webhooks::Received {
        id: Some(headers["webhook-id"].as_bytes()),
        timestamp: Some(headers["webhook-timestamp"].as_bytes()),
        signature: Some(headers["webhook-signature"].as_bytes()),
    };
    assert_eq!(standard_webhooks::verify(&[key], &received, BODY, NOW.seconds(), 1), Ok(()));
    let [public] = &secrets().public_keys(NOW)[..] else { panic!() };
    assert!(verifies(public, &headers));
    assert_eq!(accepts(&listed(), SECRET, &headers), Ok(()));
    assert!(accepts(&listed(), "another", &headers).is_err());
    assert_eq!(headers.len(), 5);
}

#[test]
fn in_the_time_of_grace_both_keys_sign() {
    let mut secrets = secrets();
    secrets.signing = secrets.signing.replaced(Secret::new("another secret"), NOW, 10);
    secrets.private_key = secrets.private_key.map(|key| key.replaced(private_key(2), NOW, 10));
    let settings = json!({"schemes": ["ed25519", "custom"], "custom": listed()});
    let public = secrets.public_keys(NOW);
    assert_eq!(public.len(), 2);
    let before = signed(settings.clone(), &secrets, NOW).unwrap();
    assert!(verifies(&public[0], &before) && verifies(&public[1], &before));
    for secret in [SECRET, "another secret"] {
        assert_eq!(accepts(&listed(), secret, &before), Ok(()), "{secret}");
    }
    let over = NOW.plus_millis(10_000);
    let after = signed(settings, &secrets, over).unwrap();
    assert_eq!(secrets.public_keys(over), public[..1]);
    assert!(verifies(&public[0], &after) && !verifies(&public[1], &after));
    assert_eq!(text(&after, "other-signature").matches("v1=").count(), 1);
}

#[test]
fn a_custom_scheme_may_sign_with_the_private_key() {
    let custom = json!({"algorithm": "ed25519", "content": "{timestamp}{body}", "encoding": "hex",
        "key": {"encoding": "base64", "prefix": "whpk_"},
        "signature": {"from": "header:X-Signature-Ed25519"}, "timestamp": {"from": "header:X-Signature-Timestamp"}});
    let headers = signed(json!({"schemes": ["custom"], "custom": custom}), &secrets(), NOW).unwrap();
    assert_eq!(accepts(&custom, &secrets().public_keys(NOW)[0], &headers), Ok(()));
}

#[test]
fn a_secret_that_is_sent_is_masked_in_the_log() {
    for algorithm in ["token", "basic"] {
        let custom = json!({"algorithm": algorithm, "signature": {"from": "header:X-Proof"}});
        let headers = signed(json!({"schemes": ["custom"], "custom": custom}), &secrets(), NOW).unwrap();
        assert_eq!(crate::headers::to_json(&headers), r#"{"x-proof":"••••"}"#);
        assert_eq!(accepts(&custom, SECRET, &headers), Ok(()));
    }
}

#[test]
fn what_can_not_be_signed_is_said() {
    let custom = json!({"algorithm": "hmac_sha256", "content": "{body.nowhere}", "signature": {"from": "header:X-Sig"}});
    let error = signed(json!({"schemes": ["custom"], "custom": custom}), &secrets(), NOW).unwrap_err();
    assert_eq!(error.code, "signing");
    assert!(error.message.contains("the signed content is missing"), "{}", error.message);
    let error = signed(json!({"schemes": ["custom"]}), &secrets(), NOW).unwrap_err();
    assert_eq!(error.code, "signing");
}
