//! Handshakes that leave something behind: subscriptions of Amazon SNS, and secrets that senders hand over.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Answered, Engine};
use http::HeaderMap;
use outbound::{Client, Lookup, Resolve, ResolveError};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use signature::{Scheme, Secret, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::running::{File, clock, log, post, put, reply, start};

const HOST: &str = "sns.eu-west-1.amazonaws.com";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:mail";
/// Made with `openssl req -x509`, for these tests.
const CERTIFICATE: &str = include_str!("../../testdata/sns-certificate.pem");
const KEY: &[u8] = include_bytes!("../../testdata/sns-key.pk8");

/// What stands in for Amazon: it has the certificate, and confirms.
struct Amazon {
    asked: Mutex<Vec<String>>,
    /// How many questions it fails to answer before it is well.
    ill: AtomicUsize,
}

impl Amazon {
    /// A server that says it is Amazon, and a client that believes it.
    async fn start() -> (Arc<Self>, Client) {
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

    fn asked(&self) -> Vec<String> {
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
fn signed(mut message: Value) -> String {
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

fn message(kind: &str, topic: &str, more: Value) -> Value {
    let mut message = json!({
        "Type": kind, "MessageId": "m-1", "TopicArn": topic, "Message": "hello",
        "Timestamp": "2026-10-14T12:26:40.000Z", "SignatureVersion": "2",
        "SigningCertURL": format!("https://{HOST}/SimpleNotificationService-1.pem"),
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn confirmation(topic: &str) -> Value {
    let url = format!("https://{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t0k3n");
    message("SubscriptionConfirmation", topic, json!({"Token": "t0k3n", "SubscribeURL": url}))
}

fn bounce(topic: &str) -> Value {
    let inside = json!({"eventType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "ada@example.com"}]}});
    message("Notification", topic, json!({"Message": inside.to_string()}))
}

/// The status of the answer, and whether it was one to a handshake.
async fn status(engine: &Engine, id: &domain::WebhookId, body: String) -> (u16, bool) {
    match engine.receive(post(id, &[("content-type", "text/plain; charset=UTF-8")], body)).await {
        Answered::Reply(reply) => (reply.status, false),
        Answered::Handshake(answer) => (answer.status, true),
    }
}

fn ses(signature: Value) -> Value {
    let mut whole = json!({"scheme": "preset"});
    for (name, value) in signature.as_object().unwrap() {
        whole[name] = value.clone();
    }
    json!({"preset": "ses", "signature": whole, "actions": [{"type": "add_subscriber"}], "on_unprocessable": "accept"})
}

#[tokio::test]
async fn a_topic_of_amazon_is_confirmed_and_pinned() {
    let file = File::create().await;
    let (amazon, client) = Amazon::start().await;
    let id = put(&file.store, "ses", ses(json!({})), false).await;
    let engine = start(&file.store, clock().1, client, 1).await;

    // A message before the confirmation may be anybody's: Amazon signs for all its customers.
    assert_eq!(status(&engine, &id, signed(bounce(TOPIC))).await, (401, false));
    assert_eq!(amazon.asked(), ["/SimpleNotificationService-1.pem"]);
    assert_eq!(log(&file.store).await[0].1["errors"][0]["field"], "topic");

    // Amazon's own server is down: it is to send the confirmation again.
    amazon.ill.store(1, Ordering::SeqCst);
    assert_eq!(status(&engine, &id, signed(confirmation(TOPIC))).await, (503, false));
    assert_eq!(amazon.asked().len(), 1, "the certificate is known");
    assert_eq!(status(&engine, &id, signed(confirmation(TOPIC))).await, (200, true));
    let asked = amazon.asked();
    assert!(asked.len() == 1 && asked[0].starts_with("/?Action=ConfirmSubscription"), "{asked:?}");
    let entry = log(&file.store).await.pop().unwrap();
    assert_eq!(
        (entry.0.as_str(), &entry.1["actions"][0]["detail"]),
        ("processed", &json!("handshake answered"))
    );
    let snapshot = engine.snapshot();
    assert_eq!(snapshot.incoming[&id].webhook.settings.signature.topic_arn.as_deref(), Some(TOPIC));

    assert_eq!(status(&engine, &id, signed(bounce(TOPIC))).await, (200, false));
    assert_eq!(amazon.asked(), [""; 0], "nothing is fetched twice");

    // Another topic is another's, whatever it is signed with; nobody is asked to confirm it.
    let other = "arn:aws:sns:eu-west-1:999999999999:mine";
    assert_eq!(status(&engine, &id, signed(bounce(other))).await, (401, false));
    assert_eq!(status(&engine, &id, signed(confirmation(other))).await, (401, false));
    assert_eq!(amazon.asked(), [""; 0]);
    let unsubscribed = message(
        "UnsubscribeConfirmation",
        TOPIC,
        json!({"Token": "t", "SubscribeURL": format!("https://{HOST}/?Action=ConfirmSubscription")}),
    );
    assert_eq!(status(&engine, &id, signed(unsubscribed)).await, (200, true));
    assert_eq!(amazon.asked(), [""; 0], "who unsubscribed is not subscribed again");

    // What subscribes is in no entry, of those that were let in and of those that were not.
    let look = crate::support::Look {
        sql: "SELECT payload FROM requests",
        read: |row: store::Row| row.read().text(),
    };
    let payloads = file.store.read(look).await.unwrap().join("\n");
    assert!(
        payloads.contains("SubscriptionConfirmation") && payloads.contains("ada@example.com"),
        "{payloads}"
    );
    assert!(!payloads.contains("t0k3n") && !payloads.contains("Action=Confirm"), "{payloads}");
}

#[tokio::test]
async fn what_amazon_did_not_sign_makes_us_do_nothing() {
    let file = File::create().await;
    let (amazon, client) = Amazon::start().await;
    let id = put(&file.store, "ses", ses(json!({"topic_arn": TOPIC})), false).await;
    let engine = start(&file.store, clock().1, client, 1).await;

    // A certificate of the attacker's own: nobody asks for it.
    for url in [
        "https://evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "http://sns.eu-west-1.amazonaws.com/a.pem",
    ] {
        let mut forged = confirmation(TOPIC);
        forged["SigningCertURL"] = url.into();
        assert_eq!(status(&engine, &id, signed(forged)).await, (401, false), "{url}");
    }
    assert_eq!(amazon.asked(), [""; 0]);

    // Signed, and then changed to make us call another place.
    let mut changed: Value = serde_json::from_str(&signed(confirmation(TOPIC))).unwrap();
    changed["SubscribeURL"] = format!("https://{HOST}/?Action=Other").into();
    assert_eq!(status(&engine, &id, changed.to_string()).await, (401, false));
    // Even signed: a place that is not Amazon's is not called.
    let mut elsewhere = confirmation(TOPIC);
    elsewhere["SubscribeURL"] = "https://evil.example/".into();
    assert_eq!(status(&engine, &id, signed(elsewhere)).await, (400, false));
    assert_eq!(amazon.asked(), ["/SimpleNotificationService-1.pem"]);

    // Without the token nothing is fetched, and nothing told.
    let mut stranger = post(&id, &[], signed(confirmation(TOPIC)).replace("Service-1", "Service-2"));
    stranger.token = Some("another-token-of-more-than-32-characters".to_owned());
    assert_eq!(reply(&engine, stranger).await.status, 404);
    assert_eq!(amazon.asked(), [""; 0]);

    // A certificate that can't be had now: to be sent again, and not asked for again at once.
    amazon.ill.store(1, Ordering::SeqCst);
    let body = signed(bounce(TOPIC)).replace("Service-1", "Service-3");
    assert_eq!(status(&engine, &id, body.clone()).await, (503, false));
    assert_eq!(status(&engine, &id, body).await, (503, false));
    assert_eq!(amazon.asked().len(), 1);
}

fn asana_signed(secret: &str, id: &domain::WebhookId) -> engine::Received {
    let body = r#"{"events":[]}"#;
    let scheme: &Scheme = presets::find("asana").unwrap().scheme.as_ref().unwrap();
    let parts = scheme.sign(&Secret::new(secret), "POST", "", body.as_bytes(), "", 0).unwrap();
    let headers: HeaderMap = parts
        .into_iter()
        .map(|(source, value)| match source {
            Source::Header(name) => (name, value.parse().unwrap()),
            other => panic!("{other}"),
        })
        .collect();
    let mut request = post(id, &[], body);
    request.headers.extend(headers);
    request
}

#[tokio::test]
async fn the_secret_of_asana_is_learned_once() {
    let file = File::create().await;
    let (_, client) = Amazon::start().await;
    let settings =
        json!({"preset": "asana", "signature": {"scheme": "preset"}, "on_unprocessable": "accept"});
    let id = put(&file.store, "asana", settings, true).await;
    let engine = start(&file.store, clock().1, client.clone(), 1).await;
    let shake = |secret: &'static str| engine.receive(post(&id, &[("x-hook-secret", secret)], ""));

    assert_eq!(
        reply(&engine, asana_signed("b537207f20cbfa02", &id)).await.status,
        401,
        "nothing is known yet"
    );
    let Answered::Handshake(answer) = shake("b537207f20cbfa02").await else { panic!("no handshake") };
    assert_eq!((answer.status, answer.headers[0].1.to_str().unwrap()), (200, "b537207f20cbfa02"));
    assert!(reply(&engine, asana_signed("b537207f20cbfa02", &id)).await.status < 300);

    // A later one is a takeover; the same again is asked by who missed the answer.
    let Answered::Reply(refused) = shake("0000000000000000").await else { panic!("taken over") };
    assert_eq!(refused.status, 401);
    assert!(matches!(shake("b537207f20cbfa02").await, Answered::Handshake(_)));
    assert_eq!(reply(&engine, asana_signed("0000000000000000", &id)).await.status, 401);

    // It is stored, sealed, for every node and after a restart.
    let again = start(&file.store, clock().1, client, 2).await;
    assert!(reply(&again, asana_signed("b537207f20cbfa02", &id)).await.status < 300);
    let read = |row: store::Row| row.read().blob();
    let stored = store_rows(&file, read).await;
    assert!(!stored.windows(16).any(|bytes| bytes == b"b537207f20cbfa02"));
}

async fn store_rows(
    file: &File,
    read: impl Fn(store::Row) -> Result<Vec<u8>, store::StoreError> + Send + Sync + 'static,
) -> Vec<u8> {
    let look = crate::support::Look { sql: "SELECT secrets FROM incoming_webhooks", read };
    file.store.read(look).await.unwrap().concat()
}
