//! Who signs what comes in: every scheme, right and wrong in every way, and the published libraries as senders.

use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signature::{Algorithm, Scheme, Secret, Source};
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
}

impl Signer {
    fn new(name: &str, signature: Value, scheme: Value) -> Self {
        Self {
            name: name.to_owned(),
            settings: json!({"signature": signature}),
            scheme: serde_json::from_value(scheme).unwrap(),
            content_type: "application/json".to_owned(),
            headers: json!({}),
            body: SPEC_PAYLOAD.to_owned(),
        }
    }

    fn custom(name: &str, scheme: Value) -> Self {
        Self::new(name, json!({"scheme": "custom", "custom": scheme}), scheme)
    }

    /// The sender of a preset with its first sample, if anybody but the sender can sign it.
    fn of(preset: &presets::Preset) -> Option<Self> {
        let (scheme, sample) = (preset.scheme.clone()?, preset.samples.first()?);
        let signer = Self {
            name: preset.id.clone(),
            settings: json!({"preset": preset.id, "signature": {}}),
            scheme,
            content_type: sample.content_type.clone(),
            headers: json!(sample.headers),
            body: sample.body.clone(),
        };
        let secret = signer.secret(0);
        let signed = signer.scheme.sign(&Secret::new(&secret), "POST", "", sample.body.as_bytes(), "m", 1);
        signed.is_ok().then_some(signer)
    }

    /// A secret of the form that the scheme has.
    fn secret(&self, number: u8) -> String {
        let plain = format!("secret number {number} of this sender");
        match self.scheme.algorithm {
            Algorithm::Basic => format!("user:{plain}"),
            // Base64, hexadecimal and text at once.
            _ => format!("{}{number:032}", self.scheme.key.prefix),
        }
    }

    /// What the sender puts beside the body, in a request that it sends so many seconds from now.
    fn signed(&self, webhook: &Value, secret: &str, id: &str, seconds: i64) -> Value {
        let url = text(&webhook["url"]);
        let signed =
            self.scheme.sign(&Secret::new(secret), "POST", url, self.body.as_bytes(), id, now() + seconds);
        let mut headers = self.headers.clone();
        for (source, value) in signed.unwrap() {
            match source {
                Source::Header(name) => headers[name.as_str()] = value.into(),
                other => panic!("{other}"),
            }
        }
        headers
    }

    async fn post(&self, server: &Server, webhook: &Value, headers: &Value) -> u16 {
        send(server, webhook, &self.content_type, headers, &self.body).await.status.as_u16()
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
    signers.extend(presets::all().iter().filter_map(Signer::of));
    signers
}

async fn every_scheme_right_and_wrong(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let signers = signers();
    assert!(signers.len() >= 20, "{}", signers.len());
    for signer in signers {
        right_and_wrong(&server, &signer).await;
    }
}

async fn right_and_wrong(server: &Server, signer: &Signer) {
    let (name, scheme) = (&signer.name, &signer.scheme);
    let (first, second) = (signer.secret(1), signer.secret(2));
    let mut settings = signer.settings.clone();
    settings["signature"]["secret"] = json!(first);
    settings["on_unprocessable"] = json!("accept");
    let webhook = server.incoming(settings).await;
    let signs_body = !matches!(scheme.algorithm, Algorithm::Token | Algorithm::Basic);
    let mut rejected = Vec::new();

    // Right, and the same once more: a sender that names its requests is understood, another's are all its own.
    let right = signer.signed(&webhook, &first, "msg_right", 0);
    let answer = send(server, &webhook, &signer.content_type, &right, &signer.body).await;
    assert!(answer.status.is_success(), "{name}: right: {:?} {}", answer.body, webhook);
    let replayed = send(server, &webhook, &signer.content_type, &right, &signer.body).await;
    let replayed: Value = replayed.json().unwrap();
    let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    let is_known = replayed["duplicate"] == true;
    assert_eq!(
        (replayed["success"] == true, log.len()),
        (true, if is_known { 1 } else { 2 }),
        "{name}: replayed"
    );
    assert!(is_known || scheme.id.is_none(), "{name}: what is named is recognised");

    let wrong = signer.signed(&webhook, &second, "msg_wrong", 0);
    assert_eq!(signer.post(server, &webhook, &wrong).await, 401, "{name}: wrong secret");
    rejected.push("signature_mismatch");

    assert_eq!(signer.post(server, &webhook, &signer.headers).await, 401, "{name}: missing");
    rejected.push("signature_missing");

    if signs_body {
        let headers = signer.signed(&webhook, &first, "msg_tampered", 0);
        let tampered = signer.body.replacen('a', "b", 1);
        let answer = send(server, &webhook, &signer.content_type, &headers, &tampered).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: tampered body");
        rejected.push("signature_mismatch");
    }
    if scheme.timestamp.is_some() {
        let limit = i64::from(scheme.tolerance_seconds) + 30;
        for seconds in [-limit, limit] {
            let stale = signer.signed(&webhook, &first, "msg_stale", seconds);
            assert_eq!(signer.post(server, &webhook, &stale).await, 401, "{name}: {seconds} s");
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
    let [first, second, third] = [1, 2, 3].map(|number| signer.secret(number));
    let path = format!("/incoming-webhooks/{}/rotate-secret", text(&webhook["id"]));
    let rotate = async |secret: &str, grace: u32| {
        let answer = server.post(&path, &json!({"secret": secret, "grace_seconds": grace})).await.unwrap();
        assert_eq!(answer.expect(StatusCode::OK).unwrap()["signature"]["secret"], secret);
    };
    rotate(&second, 3_600).await;
    for (secret, id) in [(&first, "msg_old"), (&second, "msg_new")] {
        let signed = signer.signed(webhook, secret, id, 0);
        assert!(signer.post(server, webhook, &signed).await < 300, "{name}: {id}");
    }
    rotate(&third, 0).await;
    let signed = signer.signed(webhook, &third, "msg_third", 0);
    assert!(signer.post(server, webhook, &signed).await < 300, "{name}: rotated without grace");
    let signed = signer.signed(webhook, &second, "msg_late", 0);
    assert_eq!(signer.post(server, webhook, &signed).await, 401, "{name}: without grace");
}
