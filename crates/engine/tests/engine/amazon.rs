//! Amazon SNS: a stand-in for it, what it signs, and every way in which a message can be wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Answered, Engine};
use outbound::{Client, Lookup, Resolve, ResolveError};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use store::{Location, Store};
use testkit::TestDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::running::{File, clock, log, post, put, reply, start};
use crate::support::NOW;

pub const HOST: &str = "sns.eu-west-1.amazonaws.com";
pub const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:mail";
/// Made with `openssl req -x509`, for these tests.
const CERTIFICATE: &str = include_str!("../../testdata/sns-certificate.pem");
const KEY: &[u8] = include_bytes!("../../testdata/sns-key.pk8");

/// What stands in for Amazon: it has the certificate, and confirms.
pub struct Amazon {
    asked: Mutex<Vec<String>>,
    /// How many questions it fails to answer before it is well.
    pub ill: AtomicUsize,
}

impl Amazon {
    /// A server that says it is Amazon, and a client that believes it.
    pub async fn start() -> (Arc<Self>, Client) {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([HOST.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                )
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let amazon = Arc::new(Self { asked: Mutex::default(), ill: AtomicUsize::new(0) });
        tokio::spawn(amazon.clone().serve(listener, TlsAcceptor::from(Arc::new(config))));
        let options = outbound::Options {
            allow_private: vec!["127.0.0.0/8".parse().unwrap()],
            extra_roots: vec![authority.as_ref().der().clone()],
            resolver: Some(Arc::new(Names { port })),
            ..outbound::Options::default()
        };
        (amazon, Client::new(options).unwrap())
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, tls: TlsAcceptor) {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(stream).await else { continue };
            let (mut head, mut buffer) = (Vec::new(), [0; 1_024]);
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer).await {
                    Ok(length @ 1..) => head.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            self.asked.lock().push(target.clone());
            let is_ill =
                self.ill.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            let status = if is_ill { "500 Ill" } else { "200 OK" };
            let body = if target.ends_with(".pem") { CERTIFICATE } else { "<ConfirmSubscriptionResponse/>" };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock())
    }
}

/// Amazon's name, and no other.
struct Names {
    port: u16,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Lookup<'a> {
        let answer = match host {
            HOST => Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
            _ => Err(ResolveError::NoAddress),
        };
        Box::pin(async move { answer })
    }

    fn port(&self) -> u16 {
        self.port
    }
}

/// The signed members of a message, as Amazon's documentation lists them.
pub fn signed(mut message: Value) -> String {
    let names: &[&str] = match message["Type"].as_str().unwrap() {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let lines = names.iter().filter_map(|name| Some(format!("{name}\n{}\n", message.get(name)?.as_str()?)));
    let text: String = lines.collect();
    let key = RsaKeyPair::from_pkcs8(KEY).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    message["Signature"] = STANDARD.encode(signature).into();
    message.to_string()
}

pub fn message(kind: &str, topic: &str, more: Value) -> Value {
    let mut message = json!({
        "Type": kind, "MessageId": "m-1", "TopicArn": topic, "Message": "hello",
        "Timestamp": "2026-10-14T17:46:40.000Z", "SignatureVersion": "2",
        "SigningCertURL": format!("https://{HOST}/SimpleNotificationService-1.pem"),
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

pub fn confirmation(topic: &str) -> Value {
    let url = format!("https://{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t0k3n");
    message("SubscriptionConfirmation", topic, json!({"Token": "t0k3n", "SubscribeURL": url}))
}

pub fn bounce(topic: &str) -> Value {
    let inside = json!({"eventType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "ada@example.com"}]}});
    message("Notification", topic, json!({"Message": inside.to_string()}))
}

/// The status of the answer, and whether it was one to a handshake.
pub async fn status(engine: &Engine, id: &domain::WebhookId, body: String) -> (u16, bool) {
    match engine.receive(post(id, &[("content-type", "text/plain; charset=UTF-8")], body)).await {
        Answered::Reply(reply) => (reply.status, false),
        Answered::Handshake(answer) => (answer.status, true),
    }
}

pub fn ses(signature: Value) -> Value {
    let mut whole = json!({"scheme": "preset"});
    for (name, value) in signature.as_object().unwrap() {
        whole[name] = value.clone();
    }
    json!({"preset": "ses", "signature": whole, "actions": [{"type": "add_subscriber"}], "on_unprocessable": "accept"})
}

/// What is sent, and what must come of it.
struct Row {
    case: &'static str,
    body: String,
    status: u16,
    /// Why it was rejected, as the log says.
    reason: Option<&'static str>,
}

fn row(case: &'static str, body: String, status: u16, reason: Option<&'static str>) -> Row {
    Row { case, body, status, reason }
}

/// A signed message, changed afterwards.
fn changed(message: Value, change: impl FnOnce(&mut Value)) -> String {
    let mut message: Value = serde_json::from_str(&signed(message)).unwrap();
    change(&mut message);
    message.to_string()
}

/// A bounce of its own, with what is to be otherwise.
fn bounce_with(id: &str, more: &[(&str, &str)]) -> Value {
    let mut message = bounce(TOPIC);
    message["MessageId"] = id.into();
    for (name, value) in more {
        message[*name] = (*value).into();
    }
    message
}

fn rows() -> Vec<Row> {
    let right = bounce_with("m-right", &[]);
    let at = |id, time| signed(bounce_with(id, &[("Timestamp", time)]));
    let by = |id, url| signed(bounce_with(id, &[("SigningCertURL", url)]));
    vec![
        row("right", signed(right.clone()), 200, None),
        row("replayed", signed(right), 200, None),
        row("an hour late, as Amazon tries", at("m-late", "2026-10-14T16:46:40.000Z"), 200, None),
        row("stale", at("m-stale", "2026-10-14T15:46:39.000Z"), 401, Some("timestamp_out_of_tolerance")),
        row("ahead", at("m-ahead", "2026-10-14T19:46:41.000Z"), 401, Some("timestamp_out_of_tolerance")),
        row("no time that is one", at("m-time", "yesterday"), 401, Some("signature_malformed")),
        row(
            "stale, with another time put in",
            changed(bounce_with("m-old", &[("Timestamp", "2026-10-01T00:00:00.000Z")]), |message| {
                message["Timestamp"] = "2026-10-14T17:46:40.000Z".into();
            }),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "tampered message",
            changed(bounce_with("m-tampered", &[]), |message| message["Message"] = "{}".into()),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "replayed under another id",
            changed(bounce_with("m-right", &[]), |message| message["MessageId"] = "m-other".into()),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "another's signature",
            changed(bounce_with("m-wrong", &[]), |message| {
                message["Signature"] = STANDARD.encode([7; 256]).into()
            }),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "missing signature",
            changed(bounce_with("m-missing", &[]), |message| {
                message.as_object_mut().unwrap().remove("Signature");
            }),
            401,
            Some("signature_missing"),
        ),
        row(
            "missing certificate",
            changed(bounce_with("m-none", &[]), |message| {
                message.as_object_mut().unwrap().remove("SigningCertURL");
            }),
            401,
            Some("signature_mismatch"),
        ),
        row("wrong host", by("m-host", "https://sns.evil.example/a.pem"), 401, Some("signature_mismatch")),
        row(
            "a host that begins like Amazon's",
            by("m-begins", "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "a bucket of anyone's at Amazon",
            by("m-bucket", "https://sns.s3.amazonaws.com.s3.amazonaws.com/a.pem"),
            401,
            Some("signature_mismatch"),
        ),
        row(
            "another port",
            by("m-port", "https://sns.eu-west-1.amazonaws.com:8443/a.pem"),
            401,
            Some("signature_mismatch"),
        ),
        row("another topic", signed(bounce("arn:aws:sns:eu-west-1:999999999999:mine")), 401, Some("topic")),
    ]
}

async fn every_row(store: Store) {
    let (amazon, client) = Amazon::start().await;
    let id = put(&store, "ses", ses(json!({"topic_arn": TOPIC})), false).await;
    let engine = start(&store, clock().1, client, 1).await;
    let mut expected = Vec::new();
    for Row { case, body, status, reason } in rows() {
        let answer = reply(&engine, post(&id, &[("content-type", "text/plain; charset=UTF-8")], body)).await;
        assert_eq!(answer.status, status, "{case}: {}", answer.body);
        assert_eq!(answer.body.contains("duplicate"), case == "replayed", "{case}: {}", answer.body);
        match reason {
            Some(reason) => expected.push(json!(reason)),
            None if case == "replayed" => {}
            None => expected.push(Value::Null),
        }
    }
    let log = log(&store).await;
    let found: Vec<Value> = log.iter().map(|(_, outcome)| outcome["errors"][0]["field"].clone()).collect();
    assert_eq!(found, expected, "each is logged, with the reason");
    assert_eq!(amazon.asked(), ["/SimpleNotificationService-1.pem"], "nobody but Amazon is asked, once");
}

#[tokio::test]
async fn every_way_to_be_wrong_on_sqlite() {
    let file = File::create().await;
    every_row(file.store.clone()).await;
}

#[tokio::test]
async fn every_way_to_be_wrong_on_postgres() {
    let database = TestDatabase::create().await.unwrap();
    let store = Store::open(&Location::Server(database.url().to_owned())).unwrap();
    store.migrate(NOW).await.unwrap();
    every_row(store).await;
}
