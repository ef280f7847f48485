//! Webhooks that are paused: nothing is lost, and it goes on when they are active again.

use http::StatusCode;
use serde_json::json;
use testkit::{Receiver, eventually};

use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(an_incoming_webhook_stores_and_acts_later, an_outgoing_webhook_sends_later);

/// More than are run in one transaction.
const REQUESTS: usize = 130;

async fn an_incoming_webhook_stores_and_acts_later(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let server = Server::start(&node).await;
    let webhook = server.incoming(json!({"status": "paused"})).await;
    let path = format!("/incoming-webhooks/{}", text(&webhook["id"]));
    for number in 0..REQUESTS {
        let body = json!({"data": {"email": format!("person{number}@example.com")}}).to_string();
        let answer = server.receive(&webhook, &[], &body).await.expect(StatusCode::ACCEPTED).unwrap();
        assert_eq!(
            (&answer["processed_records"], &answer["message"]),
            (&json!(0), &json!("Webhook accepted"))
        );
    }
    let accepted = format!("{path}/requests?status=accepted&limit=200");
    assert_eq!(server.list(&accepted).await.len(), REQUESTS);
    assert!(server.list("/subscribers").await.is_empty());

    // What waits is no log yet, and outlives the process.
    server.delete(&format!("{path}/requests")).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(server.list(&accepted).await.len(), REQUESTS);
    server.change(&path, json!({"status": "active"})).await;
    let key = server.key.clone();
    drop(server);
    let server = Server::of(node.start().await.unwrap(), key);
    eventually("the requests to be run", PATIENCE, async || {
        server.list(&accepted).await.is_empty().then_some(())
    })
    .await
    .unwrap();
    assert_eq!(server.list_all("/subscribers").await.len(), REQUESTS);
    let log = server.list_all(&format!("{path}/requests")).await;
    assert!(log.iter().all(|entry| entry["status"] == "processed" && entry["attempts"] == 1), "{log:?}");
    assert_eq!(server.list_all("/events").await.len(), 2 * REQUESTS, "added and tagged, once");
}

async fn an_outgoing_webhook_sends_later(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let settings = json!({"status": "paused", "events": ["subscriber_added"]});
    let paused = server.outgoing(&receiver.url("/paused"), settings).await;
    let active = server.outgoing(&receiver.url("/active"), json!({"events": ["subscriber_added"]})).await;
    for number in 0..3 {
        server.make("/subscribers", json!({"email": format!("person{number}@example.com")})).await;
    }
    assert_eq!(server.settled(&active, PATIENCE).await["delivered"], 3);
    let path = format!("/outgoing-webhooks/{}", text(&paused["id"]));
    assert_eq!(server.show(&format!("{path}/stats")).await["pending"], 3);
    assert_eq!(receiver.count(), 3, "to the active one alone");

    server.change(&path, json!({"status": "active"})).await;
    assert_eq!(server.settled(&paused, PATIENCE).await["delivered"], 3);
    assert_eq!(receiver.count(), 6);
}
