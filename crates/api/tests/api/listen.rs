//! Listening from the machine of a developer, as far as requests can be wrong; what is right is tried with the built program.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::stats::HourlyDeliveries;

use crate::support::Server;

#[tokio::test]
async fn who_listens_names_a_secret_and_kinds_of_events() {
    let server = Server::start().await;
    for (body, field) in [
        (json!({}), "secret"),
        (json!({"secret": "short"}), "secret"),
        (json!({"secret": "whsec_not base64!"}), "secret"),
        (json!({"secret": "long enough", "events": ["Order"]}), "events.0"),
        (json!({"secret": "long enough", "url": "http://localhost"}), "url"),
    ] {
        let answer = server.post("/listen", body.clone()).await;
        assert!([400, 422].contains(&answer.status), "{body}: {}", answer.status);
        assert_eq!(answer.faults()[0].0, field, "{body}");
    }
}

#[tokio::test]
async fn an_answer_is_that_to_an_event_and_has_a_limit() {
    let server = Server::start().await;
    let event = server.post("/events", json!({"event": "order_paid", "data": {}})).await.json();
    let told = |member: &str, value: Value| {
        let mut told = json!({"event_id": event["id"], "duration_ms": 5, "status": 200});
        told[member] = value;
        told
    };
    let many: BTreeMap<String, &str> = (0..101).map(|n| (format!("x-{n}"), "1")).collect();
    for (body, field) in [
        (told("response_headers", json!(many)), "response_headers"),
        (told("status", json!(99)), "status"),
        (told("duration_ms", json!(-1)), "duration_ms"),
        (told("error_code", json!("lost")), "error_code"),
        (told("event_id", json!("evt_1")), "event_id"),
    ] {
        let answer = server.post("/listen/answers", body).await;
        assert!([400, 422].contains(&answer.status), "{field}: {}", answer.status);
        assert_eq!(answer.faults()[0].0, field);
    }
    let unknown = told("event_id", json!("evt_01hm6m6f40qv1s0a7yj1e2x3z4"));
    assert_eq!(server.post("/listen/answers", unknown).await.status, 404);

    // What can't be a header is left out; what came back is a test of no webhook that there is.
    let answer =
        server.post("/listen/answers", told("response_headers", json!({"a b": "1", "x-ok": "1"}))).await;
    assert_eq!(answer.status, 200);
    let id = answer.json()["delivery_id"].as_str().unwrap().to_owned();
    let logged = server.get(&format!("/deliveries/{id}")).await.json();
    assert_eq!((&logged["test"], &logged["webhook_id"]), (&json!(true), &json!("listener0000")));
    assert_eq!(logged["attempts"][0]["response_headers"], json!({"x-ok": "1"}));
    let webhooks = vec!["listener0000".parse().unwrap()];
    let counted = server.engine.read(HourlyDeliveries { webhooks, since_hour: 0 }).await.unwrap();
    assert!(counted.is_empty(), "{counted:?}");
    let event = server.get(&format!("/events/{}", event["id"].as_str().unwrap())).await.json();
    assert_eq!(event["deliveries"][0]["id"], json!(id));
    assert_eq!(event["deliveries"].as_array().unwrap().len(), 1);
}
