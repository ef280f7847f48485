//! How the server is doing, and what it was started with.

use engine::Scope;
use http::Method;
use serde_json::json;

use crate::support::{MAX_BODY, Server, request};

async fn what_waits_is_counted(server: Server, kind: &str) {
    let outgoing = json!({"name": "Out", "url": "https://example.com/", "events": ["*"], "status": "paused"});
    assert_eq!(server.post("/outgoing-webhooks", outgoing).await.status, 201);
    let incoming = json!({"name": "Form", "event_type": "order_paid", "status": "paused"});
    let incoming = server.post("/incoming-webhooks", incoming).await.json();
    let path = format!("/incoming-webhooks/{}/test", incoming["id"].as_str().unwrap());
    assert_eq!(server.post(&path, json!({"data": {"email": "ada@example.com"}})).await.json()["status"], 202);
    for _ in 0..2 {
        server.post("/events", json!({"event": "order_paid", "data": {}})).await;
    }
    let health = server.get("/health").await.json();
    assert_eq!(health["waiting"], json!({"requests": 1, "deliveries": 2}), "{health}");
    assert_eq!((&health["database"]["kind"], &health["nodes"]), (&json!(kind), &json!(1)));
    assert!(health["database"]["size_bytes"].as_i64().unwrap() > 4_096, "{health}");
    assert_eq!(health["incoming_webhooks"], json!({"active": 0, "paused": 1, "inactive": 0}));
    assert_eq!(health["outgoing_webhooks"], json!({"active": 0, "paused": 1, "inactive": 0}));
    let settings = server.get("/settings").await.json();
    assert_eq!(settings["database"], kind);
}

#[tokio::test]
async fn what_waits_is_counted_on_sqlite() {
    what_waits_is_counted(Server::start().await, "sqlite").await;
}

#[tokio::test]
async fn what_waits_is_counted_on_postgres() {
    what_waits_is_counted(Server::start_on_postgres().await, "postgresql").await;
}

#[tokio::test]
async fn settings_are_shown_to_administrators() {
    let server = Server::start_beside_receivers().await;
    let by_writer = server.send(request(Method::GET, "/settings", Some(Scope::Write), None)).await;
    assert_eq!(by_writer.status, 403);
    let settings = server.get("/settings").await.json();
    for (member, expected) in [
        ("public_url", json!("https://mail.example.com")),
        ("max_body_bytes", json!(MAX_BODY)),
        ("log_retention", json!({"days": null, "entries": null})),
        ("audit_retention_days", json!(null)),
        ("allow_private_destinations", json!(["127.0.0.0/8"])),
        ("trusted_proxies", json!([])),
        ("allow_http", json!(true)),
        ("metrics_public", json!(false)),
    ] {
        assert_eq!(settings[member], expected, "{member}");
    }
}
