//! Destinations that are not public are refused, when they are saved and when they are called.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Receiver;

use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(a_private_address_is_not_saved, what_is_no_longer_allowed_is_not_called);

/// Addresses that are not public, in the spellings that have got past such checks elsewhere.
const PRIVATE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "１２７.0.0.1",
    "127%2e0%2e0%2e1",
    "localhost",
    "LOCALHOST.",
    "inside.localhost",
];

fn settings(url: &str) -> Value {
    json!({"name": "Inside", "url": url, "events": ["subscriber_added"], "retry": {"schedule_seconds": []}})
}

async fn a_private_address_is_not_saved(kind: Kind) {
    let world = World::new(kind).await;
    let server = Server::start(&world.bare_node("data")).await;
    let outside = server.make("/outgoing-webhooks", settings("https://example.com/hook")).await;
    let path = format!("/outgoing-webhooks/{}", text(&outside["id"]));
    for host in PRIVATE {
        let inside = settings(&format!("http://{host}/hook"));
        for answer in [
            server.post("/outgoing-webhooks", &inside).await.unwrap(),
            server.patch(&path, &json!({"url": inside["url"]})).await.unwrap(),
        ] {
            let problem = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
            assert_eq!(problem["errors"][0]["field"], "url", "{host}: {problem}");
        }
    }
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "http://", "example.com"]
    {
        let answer = server.post("/outgoing-webhooks", &settings(url)).await.unwrap();
        answer.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    }
    assert_eq!(server.list("/outgoing-webhooks").await, [server.show(&path).await]);
}

/// What was saved while it was allowed is refused when it is called, by address and by name.
async fn what_is_no_longer_allowed_is_not_called(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let port = receiver.address().port();
    let mut webhooks = Vec::new();
    for host in ["127.0.0.1", "2130706433", "localhost", "LOCALHOST.", "inside.localhost"] {
        let url = format!("http://{host}:{port}/");
        webhooks.push(server.make("/outgoing-webhooks", settings(&url)).await);
    }
    server.make("/subscribers", json!({"email": "allowed@example.com"})).await;
    receiver.wait_for(webhooks.len(), PATIENCE).await.unwrap();
    for webhook in &webhooks {
        assert_eq!(server.settled(webhook, PATIENCE).await["delivered"], 1);
    }

    let connections = receiver.connections();
    drop(server);
    let server = Server::start(&world.bare_node("data")).await;
    server.make("/subscribers", json!({"email": "refused@example.com"})).await;
    for webhook in &webhooks {
        let stats = server.settled(webhook, PATIENCE).await;
        assert_eq!((&stats["delivered"], &stats["failed"]), (&json!(1), &json!(1)), "{webhook}");
        let log = server.list(&format!("/outgoing-webhooks/{}/deliveries", text(&webhook["id"]))).await;
        let delivery = server.show(&format!("/deliveries/{}", text(&log[0]["id"]))).await;
        let attempt = &delivery["attempts"][0];
        assert_eq!(attempt["http_status"], Value::Null);
        assert!(attempt.to_string().contains("blocked_address"), "{attempt}");
    }
    assert_eq!(receiver.connections(), connections);
}
