//! The secret of an outgoing webhook is replaced, and receivers have time to follow.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Receiver;
use testkit::receiver::ReceivedRequest;

use crate::story::as_received;
use crate::support::{Kind, PATIENCE, Server, World, python, text};

on_both_databases!(both_secrets_sign_in_between);

/// Whether the published library takes these deliveries with this secret.
async fn verify(secret: &Value, arrived: &[ReceivedRequest], is_old: bool) -> Value {
    let mut input = as_received(text(secret), arrived);
    input["is_old"] = is_old.into();
    python("verify.py", &input).await
}

async fn rotate(server: &Server, webhook: &Value, body: Value) -> Value {
    let path = format!("/outgoing-webhooks/{}/rotate-secret", text(&webhook["id"]));
    let answer = server.post(&path, &body).await.unwrap().expect(StatusCode::OK).unwrap();
    answer["signing"]["secret"].clone()
}

async fn both_secrets_sign_in_between(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let webhook = server.outgoing(&receiver.url("/"), json!({"events": ["subscriber_added"]})).await;
    let first = webhook["signing"]["secret"].clone();
    let second = rotate(&server, &webhook, json!({})).await;
    assert_ne!(first, second);
    assert!(text(&second).starts_with("whsec_"), "in clear, this once");

    server.make("/subscribers", json!({"email": "ada@example.com"})).await;
    let arrived = receiver.wait_for(1, PATIENCE).await.unwrap();
    assert_eq!(arrived[0].header("webhook-signature").unwrap().split(' ').count(), 2);
    assert_eq!(verify(&second, &arrived, false).await, json!(["subscriber_added"]));
    assert_eq!(verify(&first, &arrived, true).await, json!(["subscriber_added"]));

    // Without grace the secret before signs no more.
    let third = rotate(&server, &webhook, json!({"grace_seconds": 0})).await;
    server.make("/subscribers", json!({"email": "grace@example.com"})).await;
    let arrived = receiver.wait_for(2, PATIENCE).await.unwrap();
    assert_eq!(arrived[1].header("webhook-signature").unwrap().split(' ').count(), 1);
    assert_eq!(verify(&third, &arrived[1..], false).await, json!(["subscriber_added"]));
}
