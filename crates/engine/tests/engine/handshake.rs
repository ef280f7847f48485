//! Handshakes that leave something behind: subscriptions of Amazon SNS, and secrets that senders hand over.

use std::sync::atomic::Ordering;

use engine::Answered;
use http::HeaderMap;
use serde_json::{Value, json};
use signature::{Scheme, Secret, Source};

use crate::amazon::{Amazon, HOST, TOPIC, bounce, confirmation, message, ses, signed, status};
use crate::running::{File, clock, log, post, put, reply, start};

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
