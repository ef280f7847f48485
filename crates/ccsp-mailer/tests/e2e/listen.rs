//! The command `listen`: events reach a program on this machine, signed, and what it answers is in the log.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer, always};
use testkit::{Receiver, eventually};

use crate::commands::{Operator, Running};
use crate::support::{Kind, PATIENCE, Server, World, deaf_address, text};
use crate::two_nodes::attempts;

on_both_databases!(
    events_are_sent_on_and_answers_are_logged,
    it_goes_on_after_a_restart,
    what_nobody_takes_is_said_and_logged
);

async fn publish(server: &Server, event: &str) -> String {
    let event = json!({"event": event, "data": {"number": 1}});
    let made = server.post("/events", &event).await.unwrap().expect(StatusCode::CREATED).unwrap();
    text(&made["id"]).to_owned()
}

/// What came of the only delivery of an event.
async fn logged(server: &Server, event: &str) -> Value {
    eventually("the answer to be logged", PATIENCE, async || {
        let shown = server.show(&format!("/events/{event}")).await;
        let id = text(shown["deliveries"].as_array()?.first()?.get("id")?).to_owned();
        Some(server.show(&format!("/deliveries/{id}")).await)
    })
    .await
    .unwrap()
}

async fn events_are_sent_on_and_answers_are_logged(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Answer::ok().body("taken")));
    let target = receiver.url("/hook");
    let mut listening =
        Running::start(&operator, &["listen", "--forward-to", &target, "--events", "order_*,email_sent"]);
    let line = listening.line().await;
    let secret = line.strip_prefix("signing secret: ").unwrap().to_owned();
    let line = listening.line().await;
    assert!(line.contains("order_*, email_sent") && line.contains(&target), "{line}");

    publish(&server, "email_opened").await;
    let event = publish(&server, "order_paid").await;
    let line = listening.line().await;
    assert!(line.starts_with(&event) && line.contains("order_paid") && line.contains("✓ 200"), "{line}");
    assert_eq!(receiver.requests().len(), 1, "what is not wanted is not sent on");
    let sent = receiver.requests().remove(0);
    let keys = [signature::SigningKey::new(&signature::Secret::new(&secret)).unwrap()];
    let given = sent.header("x-webhook-signature").map(str::as_bytes);
    signature::x_webhook::verify(&keys, given, &sent.body).unwrap();
    let timestamp = sent.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = signature::standard_webhooks::sign(&keys, &event, timestamp, &sent.body);
    assert_eq!(sent.header("webhook-signature"), Some(expected.as_str()));
    let body = sent.json().unwrap();
    assert_eq!((&body["event"], &body["data"]), (&json!("order_paid"), &json!({"number": 1})));

    // What came back is in the log, as a test, and counts nowhere.
    let entry = logged(&server, &event).await;
    assert_eq!((&entry["test"], &entry["status"]), (&json!(true), &json!("delivered")));
    let attempt = &entry["attempts"][0];
    assert_eq!((&attempt["http_status"], &attempt["response_body"]), (&json!(200), &json!("taken")));
    assert_eq!(attempt["request_headers"]["x-webhook-event"], "order_paid");

    receiver.otherwise(always(StatusCode::IM_A_TEAPOT));
    let refused = publish(&server, "order_sent").await;
    let line = listening.line().await;
    assert!(line.starts_with(&refused) && line.contains("✗ 418"), "{line}");
    let entry = logged(&server, &refused).await;
    assert_eq!((&entry["status"], &entry["attempts"][0]["http_status"]), (&json!("failed"), &json!(418)));
    assert_eq!(attempts(&server).await, 0, "tests are not counted");
    assert_eq!(listening.interrupt().await, Some(0));
}

async fn it_goes_on_after_a_restart(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve_for_a_restart().await;
    let operator = Operator::of(&world, &server);
    let mut listening = Running::start(&operator, &["listen", "--json"]);
    assert!(listening.line().await.contains("whsec_"));
    let event = publish(&server, "order_paid").await;
    let shown: Value = serde_json::from_str(&listening.line().await).unwrap();
    assert_eq!((&shown["event_id"], &shown["event_type"]), (&json!(event), &json!("order_paid")));
    assert!(shown["body"].as_str().unwrap().contains(r#""number":1"#), "{shown}");

    let (address, key) = (server.program.address(), server.key.clone());
    drop(server);
    let node = world.node("data").listen(address);
    let program =
        eventually("the address to be free again", PATIENCE, async || node.start().await.ok()).await.unwrap();
    let server = Server::of(program, key);
    // Events are told to who listens already: one is published until one is shown.
    let mut published = Vec::new();
    let next = listening.line();
    tokio::pin!(next);
    let line = eventually("an event to be shown after the restart", PATIENCE, async || {
        published.push(publish(&server, "order_sent").await);
        tokio::time::timeout(std::time::Duration::from_millis(200), &mut next).await.ok()
    })
    .await
    .unwrap();
    let shown: Value = serde_json::from_str(&line).unwrap();
    assert!(published.iter().any(|event| shown["event_id"] == *event), "{shown}");
}

async fn what_nobody_takes_is_said_and_logged(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let operator = Operator::of(&world, &server);
    let (_held, deaf) = deaf_address();
    let target = format!("http://{deaf}/hook");
    let args = ["listen", "--forward-to", &target, "--secret", "a secret of mine"];
    let mut listening = Running::start(&operator, &args);
    assert_eq!(listening.line().await, "signing secret: a secret of mine");
    assert!(listening.line().await.contains("all events"));
    for name in ["order_paid", "order_sent"] {
        let event = publish(&server, name).await;
        let line = listening.line().await;
        assert!(line.starts_with(&event) && line.contains("✗ nothing listens at"), "{line}");
        let entry = logged(&server, &event).await;
        assert_eq!((&entry["test"], &entry["status"]), (&json!(true), &json!("failed")));
        assert_eq!(entry["attempts"][0]["error_code"], "connection_refused");
        assert_eq!(entry["attempts"][0]["request_headers"]["x-webhook-event"], name);
    }
    assert_eq!(listening.interrupt().await, Some(0));

    let line = operator.fails(1, &["listen", "--secret", "short"]).await;
    assert!(line.contains("secret: "), "{line}");
    let line = operator.fails(2, &["listen", "--forward-to", "localhost:3000"]).await;
    assert!(line.contains("--forward-to"), "{line}");
    let line = operator.fails(3, &["listen", "--server", &target]).await;
    assert!(line.contains("does not answer"), "{line}");
}
