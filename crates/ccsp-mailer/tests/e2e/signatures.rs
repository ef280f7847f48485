//! Who signs what comes in: every scheme, right and wrong in every way, and the published libraries as senders.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SigningKey};
use serde_json::{Value, json};
use signature::{Algorithm, Scheme, Secret, Source, put_in_body};
use testkit::http::Response;

use crate::support::{Kind, SPEC_PAYLOAD, Server, World, python, target, text};

on_both_databases!(the_published_libraries_sign_for_us, every_scheme_right_and_wrong);

async fn send(server: &Server, webhook: &Value, content_type: &str, headers: &Value, body: &str) -> Response {
    let own = headers.as_object().unwrap().iter().map(|(name, value)| (&**name, text(value)));
    let headers: Vec<(&str, &str)> = std::iter::once(("content-type", content_type)).chain(own).collect();
    server.raw(Method::POST, &target(webhook), &headers, body.to_owned()).await.unwrap()
}

/// The reasons of the rejected requests of a webhook, the latest first.
async fn reasons(server: &Server, webhook: &Value) -> Vec<String> {
    let path = format!("/incoming-webhooks/{}/requests?status=rejected&limit=200", text(&webhook["id"]));
    let entries = server.list(&path).await;
    entries.iter().map(|entry| text(&entry["errors"][0]["field"]).to_owned()).collect()
}

/// What a library takes we take, and what it refuses we refuse, whichever of our schemes stands for it.
async fn the_published_libraries_sign_for_us(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let padded = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg==";
    let described = json!({
        "algorithm": "hmac_sha256", "encoding": "base64", "key": {"encoding": "base64", "prefix": "whsec_"},
        "content": "{id}.{timestamp}.{body}",
        "signature": {"from": ["header:webhook-signature", "header:svix-signature"], "separator": " ", "prefix": "v1,"},
        "timestamp": {"from": ["header:webhook-timestamp", "header:svix-timestamp"]},
        "id": {"from": ["header:webhook-id", "header:svix-id"]},
    });
    let ways = [
        json!({"signature": {"scheme": "standard_webhooks", "secret": padded}}),
        json!({"signature": {"scheme": "standard_webhooks", "secret": padded.trim_end_matches('=')}}),
        json!({"signature": {"scheme": "custom", "custom": described, "secret": padded}}),
        json!({"preset": "resend", "signature": {"secret": padded}}),
    ];
    let cases = python("signers.py", &json!({"secret": padded, "body": SPEC_PAYLOAD})).await;
    let cases = cases.as_array().unwrap();
    let (taken, refused): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case["taken"] == true);
    assert!(taken.len() >= 10 && refused.len() >= 20, "{} {}", taken.len(), refused.len());
    for way in ways {
        let webhook = server.incoming(way.clone()).await;
        for case in cases {
            let answer =
                send(&server, &webhook, "application/json", &case["headers"], text(&case["body"])).await;
            let expected = if case["taken"] == true { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "{way}: {}", case["name"]);
        }
        assert_eq!(reasons(&server, &webhook).await.len(), refused.len(), "each is logged");
    }
}

/// A scheme of a sender, and what a webhook must be told to take it.
struct Signer {
    name: String,
    settings: Value,
    scheme: Scheme,
    content_type: String,
    headers: Value,
    body: String,
    /// Whether the sender's own requests have names.
    is_named: bool,
    /// The sender's private keys, of a scheme whose secrets are their public halves.
    keys: Vec<KeyPair>,
}

/// Three keys that were made for this test.
const RSA_KEYS: [&[u8]; 3] =
    [include_bytes!("keys/rsa-1.pk8"), include_bytes!("keys/rsa-2.pk8"), include_bytes!("keys/rsa-3.pk8")];

fn keys(algorithm: Algorithm) -> Vec<KeyPair> {
    let key = |pkcs8: &[u8]| match algorithm {
        Algorithm::EcdsaP256Sha256 => Some(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()),
        Algorithm::Ed25519 => Some(KeyPair::generate_for(&PKCS_ED25519).unwrap()),
        Algorithm::RsaSha256 => {
            Some(KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_RSA_SHA256).unwrap())
        }
        _ => None,
    };
    RSA_KEYS.into_iter().filter_map(key).collect()
}

impl Signer {
    fn new(name: &str, signature: Value, scheme: Value) -> Self {
        let scheme: Scheme = serde_json::from_value(scheme).unwrap();
        Self {
            name: name.to_owned(),
            settings: json!({"signature": signature}),
            keys: keys(scheme.algorithm),
            is_named: name == "standard_webhooks",
            scheme,
            content_type: "application/json".to_owned(),
            headers: json!({}),
            body: SPEC_PAYLOAD.to_owned(),
        }
    }

    fn custom(name: &str, scheme: Value) -> Self {
        Self::new(name, json!({"scheme": "custom", "custom": scheme}), scheme)
    }

    /// The sender of a preset with its first sample. Amazon's certificates come from Amazon only: the tests of the engine stand
    /// in for it.
    fn of(preset: &presets::Preset) -> Option<Self> {
        let (scheme, sample) = (preset.scheme.clone()?, preset.samples.first()?);
        if scheme.algorithm == Algorithm::RsaSns {
            return None;
        }
        // What a sender puts into its body when it signs.
        let signed_inside = [
            r#""signature":{"token":"t0","timestamp":"1769860800","signature":"00"},"#,
            r#""clientState":"secret","#,
        ];
        Some(Self {
            name: preset.id.clone(),
            settings: json!({"preset": preset.id, "signature": {}}),
            keys: keys(scheme.algorithm),
            is_named: sample.records.iter().any(|record| record.dedupe.is_some()),
            scheme,
            content_type: sample.content_type.clone(),
            headers: json!(sample.headers),
            body: signed_inside.iter().fold(sample.body.clone(), |body, part| body.replace(part, "")),
        })
    }

    /// A secret of the form that the scheme has.
    fn secret(&self, number: usize) -> String {
        if let Some(key) = self.keys.get(number - 1) {
            let pem = key.public_key_pem();
            let is_pem = self.settings["signature"]["custom"]["key"]["encoding"] == "pem";
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            return if is_pem { pem } else { lines.collect() };
        }
        let plain = format!("secret number {number} of this sender");
        match self.scheme.algorithm {
            Algorithm::Basic => format!("user:{plain}"),
            // Base64, hexadecimal and text at once.
            _ => format!("{}{number:032}", self.scheme.key.prefix),
        }
    }

    /// The headers and the body of a request that the sender signs with this secret, so many seconds from now.
    fn signed(&self, webhook: &Value, secret: usize, id: &str, seconds: i64) -> (Value, String) {
        let (url, now) = (text(&webhook["url"]), now() + seconds);
        let body = self.scheme.with_signed_members(self.body.as_bytes(), id).unwrap();
        let parts = match self.keys.get(secret - 1) {
            Some(key) => self.signed_by(key, &body, now),
            None => self.scheme.sign(&Secret::new(self.secret(secret)), "POST", url, &body, id, now).unwrap(),
        };
        let body = String::from_utf8(put_in_body(&body, &parts).unwrap()).unwrap();
        let mut headers = self.headers.clone();
        for (source, value) in parts {
            match source {
                Source::Header(name) => headers[name.as_str()] = value.into(),
                Source::Body(_) => {}
                other => panic!("{other}"),
            }
        }
        (headers, body)
    }

    /// All schemes here that have such keys sign the time in seconds, and the body behind it.
    fn signed_by(&self, key: &KeyPair, body: &[u8], now: i64) -> Vec<(Source, String)> {
        let content = [now.to_string().as_bytes(), body].concat();
        let signature = STANDARD.encode(key.sign(&content).unwrap());
        let timestamp = self.scheme.timestamp.as_ref().unwrap();
        vec![(timestamp.from[0].clone(), now.to_string()), (self.scheme.signature.from[0].clone(), signature)]
    }

    async fn post(&self, server: &Server, webhook: &Value, (headers, body): (Value, String)) -> Response {
        send(server, webhook, &self.content_type, &headers, &body).await
    }

    fn unsigned(&self) -> (Value, String) {
        (self.headers.clone(), self.body.clone())
    }
}

#[expect(clippy::disallowed_methods, reason = "a sender looks at its own clock")]
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn signers() -> Vec<Signer> {
    let x_webhook = json!({"algorithm": "hmac_sha256", "signature": {"from": "header:x-webhook-signature", "prefix": "sha256="}});
    let standard = json!({
        "algorithm": "hmac_sha256", "encoding": "base64", "key": {"encoding": "base64", "prefix": "whsec_"},
        "content": "{id}.{timestamp}.{body}", "id": {"from": "header:webhook-id"},
        "timestamp": {"from": "header:webhook-timestamp"},
        "signature": {"from": "header:webhook-signature", "separator": " ", "prefix": "v1,"},
    });
    let basic = json!({"algorithm": "basic", "signature": {"from": "header:authorization"}});
    let mut signers = vec![
        Signer::new("hmac_sha256", json!({"scheme": "hmac_sha256"}), x_webhook),
        Signer::new("standard_webhooks", json!({"scheme": "standard_webhooks"}), standard),
        Signer::new("basic", json!({"scheme": "basic"}), basic),
        Signer::custom(
            "custom, as a token",
            json!({"algorithm": "token", "signature": {"from": "header:authorization", "prefix": "Bearer "}}),
        ),
        Signer::custom(
            "custom, with a time in milliseconds",
            json!({
                "algorithm": "hmac_sha512", "encoding": "base64url", "key": {"encoding": "hex"},
                "content": "{method} {url}\n{timestamp}\n{body}", "timestamp_unit": "milliseconds", "tolerance_seconds": 60,
                "signature": {"from": "header:x-sig", "separator": ",", "prefix": "s="},
                "timestamp": {"from": "header:x-sig", "separator": ",", "prefix": "t="},
            }),
        ),
    ];
    for algorithm in ["ed25519", "rsa_sha256", "ecdsa_p256_sha256"] {
        let scheme = json!({
            "algorithm": algorithm, "encoding": "base64", "key": {"encoding": "pem"}, "content": "{timestamp}{body}",
            "signature": {"from": "header:x-sig"}, "timestamp": {"from": "header:x-time"},
        });
        signers.push(Signer::custom(algorithm, scheme));
    }
    let inside = json!({
        "algorithm": "hmac_sha256", "content": "{timestamp}{body.proof.nonce}", "signature": {"from": "body:proof.mac"},
        "timestamp": {"from": "body:proof.time"},
    });
    signers.push(Signer::custom("custom, in the body", inside));
    signers.extend(presets::all().iter().filter_map(Signer::of));
    signers
}

async fn every_scheme_right_and_wrong(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let signers = signers();
    let of_presets = presets::all().iter().filter(|preset| preset.scheme.is_some()).count();
    assert_eq!(signers.len(), 9 + of_presets - 1, "all but Amazon's");
    for signer in signers {
        right_and_wrong(&server, &signer).await;
    }
}

async fn right_and_wrong(server: &Server, signer: &Signer) {
    let (name, scheme) = (&signer.name, &signer.scheme);
    let mut settings = signer.settings.clone();
    settings["signature"]["secret"] = json!(signer.secret(1));
    settings["on_unprocessable"] = json!("accept");
    let webhook = server.incoming(settings).await;
    let mut rejected = Vec::new();

    // Right, and the same once more: acted upon once if anything tells that it is the same.
    let right = signer.signed(&webhook, 1, "msg_right", 0);
    let answer = signer.post(server, &webhook, right.clone()).await;
    assert!(answer.status.is_success(), "{name}: right: {:?} {}", answer.body, webhook);
    let replayed: Value = signer.post(server, &webhook, right).await.json().unwrap();
    let is_known = signer.is_named || scheme.timestamp.is_some() || scheme.id.is_some();
    assert_eq!(
        (&replayed["success"], replayed["duplicate"] == true),
        (&json!(true), is_known),
        "{name}: replayed"
    );
    let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    assert_eq!(log.len(), if is_known { 1 } else { 2 }, "{name}: replayed");

    let wrong = signer.signed(&webhook, 2, "msg_wrong", 0);
    assert_eq!(signer.post(server, &webhook, wrong).await.status, 401, "{name}: wrong secret");
    rejected.push("signature_mismatch");

    assert_eq!(signer.post(server, &webhook, signer.unsigned()).await.status, 401, "{name}: missing");
    rejected.push("signature_missing");

    if scheme.covers_body() {
        let (headers, body) = signer.signed(&webhook, 1, "msg_tampered", 0);
        let tampered = (headers, body.replacen('a', "b", 1));
        assert_eq!(signer.post(server, &webhook, tampered).await.status, 401, "{name}: tampered body");
        rejected.push("signature_mismatch");
    }
    if scheme.timestamp.is_some() {
        let limit = i64::from(scheme.tolerance_seconds) + 30;
        for seconds in [-limit, limit] {
            let stale = signer.signed(&webhook, 1, "msg_stale", seconds);
            assert_eq!(signer.post(server, &webhook, stale).await.status, 401, "{name}: {seconds} s");
            rejected.push("timestamp_out_of_tolerance");
        }
    }
    rotated(server, signer, &webhook).await;
    rejected.push("signature_mismatch");
    rejected.reverse();
    assert_eq!(reasons(server, &webhook).await, rejected, "{name}");
}

/// In the time of grace both secrets count, after it the new one.
async fn rotated(server: &Server, signer: &Signer, webhook: &Value) {
    let name = &signer.name;
    let path = format!("/incoming-webhooks/{}/rotate-secret", text(&webhook["id"]));
    let rotate = async |secret: usize, grace: u32| {
        let secret = signer.secret(secret);
        let answer = server.post(&path, &json!({"secret": secret, "grace_seconds": grace})).await.unwrap();
        assert_eq!(answer.expect(StatusCode::OK).unwrap()["signature"]["secret"], secret);
    };
    let status = async |secret: usize, id: &str| {
        let signed = signer.signed(webhook, secret, id, 0);
        signer.post(server, webhook, signed).await.status.as_u16()
    };
    rotate(2, 3_600).await;
    for (secret, id) in [(1, "msg_old"), (2, "msg_new")] {
        assert!(status(secret, id).await < 300, "{name}: {id}");
    }
    rotate(3, 0).await;
    assert!(status(3, "msg_third").await < 300, "{name}: rotated without grace");
    assert_eq!(status(2, "msg_late").await, 401, "{name}: without grace");
}
