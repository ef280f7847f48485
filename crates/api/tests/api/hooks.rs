//! REST hooks, as the editors of integrations use them.

use engine::Scope;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{PATIENCE, Server, request};

async fn order_paid(server: &Server, number: i64) {
    let event = json!({"event": "order_paid", "data": {"number": number}});
    assert_eq!(server.post("/events", event).await.status, 201);
}

#[tokio::test]
async fn a_hook_gets_its_event_until_it_is_deleted() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let input = json!({"target_url": receiver.url("/hook"), "event": "order_*"});
    let made = server.post("/hooks", input.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let hook = made.json();
    assert_eq!((&hook["target_url"], &hook["event"]), (&input["target_url"], &json!("order_*")));
    let id = hook["id"].as_str().unwrap();
    let location = made.headers["location"].to_str().unwrap();
    let webhook = server.get(location.strip_prefix(api::BASE).unwrap()).await.json();
    assert_eq!((&webhook["id"], &webhook["name"]), (&hook["id"], &json!("127.0.0.1")));

    order_paid(&server, 1).await;
    receiver.wait_for(1, PATIENCE).await.unwrap();
    let sent = receiver.requests().remove(0);
    assert_eq!(sent.json().unwrap()["data"], json!({"number": 1}));
    let key = signature::SigningKey::new(&signature::Secret::new(hook["secret"].as_str().unwrap())).unwrap();
    let expected = signature::x_webhook::sign(&key, &sent.body);
    assert_eq!(sent.header("x-webhook-signature"), Some(expected.as_str()));

    for _ in 0..2 {
        assert_eq!(server.delete(&format!("/hooks/{id}")).await.status, 204, "again does no harm");
    }
    assert_eq!(server.get(&format!("/outgoing-webhooks/{id}")).await.status, 404);
    order_paid(&server, 2).await;
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_receiver_ends_its_hook_by_410() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::new(StatusCode::GONE)));
    let input = json!({"target_url": receiver.url("/hook"), "event": "order_paid"});
    let id = server.post("/hooks", input).await.json()["id"].as_str().unwrap().to_owned();
    order_paid(&server, 1).await;
    let status = async || server.get(&format!("/outgoing-webhooks/{id}")).await.json()["status"].clone();
    let ended = async || (status().await == "inactive").then_some(());
    eventually("the hook to end", PATIENCE, ended).await.unwrap();
}

#[tokio::test]
async fn what_can_be_no_hook_is_refused() {
    let server = Server::start().await;
    for (input, status, field) in [
        (json!({"target_url": "http://127.0.0.1/", "event": "order_paid"}), 422, "target_url"),
        (json!({"target_url": "http://169.254.169.254/latest", "event": "order_paid"}), 422, "target_url"),
        (json!({"target_url": "ftp://example.com/", "event": "order_paid"}), 422, "target_url"),
        (json!({"target_url": "https://example.com/{nonsense}", "event": "order_paid"}), 422, "target_url"),
        (json!({"target_url": "https://example.com/", "event": "Order Paid"}), 422, "event"),
        (json!({"target_url": "https://example.com/"}), 422, "event"),
        (json!({"target_url": "https://example.com/", "event": "x", "name": "y"}), 400, "name"),
    ] {
        let refused = server.post("/hooks", input.clone()).await;
        assert_eq!((refused.status, refused.faults()[0].0.as_str()), (status, field), "{input} {refused:?}");
    }
    assert_eq!(server.delete("/hooks/1").await.status, 404, "no id at all");
}

#[tokio::test]
async fn the_same_subscription_twice_is_one_hook() {
    let server = Server::start().await;
    let subscribe = async || {
        let input = json!({"target_url": "https://example.com/hook", "event": "order_paid"});
        let mut request = request(Method::POST, "/hooks", Some(Scope::Write), Some(input));
        request.headers_mut().insert("idempotency-key", "zap-1".parse().unwrap());
        server.send(request).await.json()["id"].clone()
    };
    let first = subscribe().await;
    assert!(first.is_string());
    assert_eq!(subscribe().await, first);
    let all: Value = server.get("/outgoing-webhooks").await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
}
