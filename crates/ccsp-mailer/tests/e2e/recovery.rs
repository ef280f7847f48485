//! After an outage: deliveries are sent again, as tasks that outlive the process; and what a log shows, and what it doesn't.

use std::collections::HashMap;

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer, always};
use testkit::{Receiver, eventually};

use crate::load::SETTLING;
use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(
    a_replay_outlives_the_process,
    a_flood_of_rejections_shows_in_the_log,
    what_repeats_a_redacted_value_is_redacted_too,
);

const EVENTS: usize = 300;

/// Killed in the middle, a replay of everything goes on where it was: each is sent once more, and none twice but what was under
/// way at that moment.
async fn a_replay_outlives_the_process(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = Receiver::start().await.unwrap();
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({"events": ["order_paid"]})).await;
    let path = format!("/outgoing-webhooks/{}", text(&outgoing["id"]));
    let events: Vec<Value> =
        (0..EVENTS).map(|number| json!({"event": "order_paid", "data": {"number": number}})).collect();
    server.make("/events", events.into()).await;
    receiver.wait_for(EVENTS, PATIENCE).await.unwrap();
    delivered(&server, &path).await;

    // Slow enough that a machine that stalls gets to the kill before the end.
    let replay = json!({"status": "all", "per_second": 30});
    let begun = server.post(&format!("{path}/replay"), &replay).await.unwrap();
    let task = begun.expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!((&task["kind"], &task["total"]), (&json!("retry_deliveries"), &json!(EVENTS)));
    receiver.wait_for(EVENTS + EVENTS / 2, PATIENCE).await.unwrap();
    server.program.kill9().await.unwrap();
    let sent_before = receiver.count();
    assert!(sent_before < 2 * EVENTS, "it was over before it was killed");
    server = Server::of(node.start().await.unwrap(), server.key);

    let task_path = format!("/tasks/{}", text(&task["id"]));
    let ended = eventually("the task to end", SETTLING, async || {
        let shown = server.show(&task_path).await;
        (shown["state"] != "running").then_some(shown)
    });
    let ended = ended.await.unwrap();
    assert_eq!((&ended["state"], &ended["done"]), (&json!("done"), &json!(EVENTS)), "{ended}");
    delivered(&server, &path).await;

    let mut times: HashMap<String, usize> = HashMap::new();
    for request in receiver.requests() {
        *times.entry(request.header("webhook-id").unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(times.len(), EVENTS, "the same ids as before");
    assert!(times.values().all(|times| *times >= 2), "each was sent once more");
    let repeated: usize = times.values().map(|times| times - 2).sum();
    // What had arrived and was not recorded yet is sent again. Begun anew, it would be all that were sent before.
    assert!(repeated <= EVENTS / 4, "{repeated} were sent twice: more than can have been under way");
}

/// Waits until nothing is open, and everything arrived.
async fn delivered(server: &Server, path: &str) {
    eventually("all deliveries to arrive", SETTLING, async || {
        let stats = server.show(&format!("{path}/stats")).await;
        (stats["pending"] == 0 && stats["retrying"] == 0).then_some(())
    })
    .await
    .unwrap();
    let failed = server.list(&format!("{path}/deliveries?status=failed,cancelled,retrying,pending")).await;
    assert_eq!(failed, [Value::Null; 0]);
}

/// More than the log takes: the marketer sees how much it was, and why.
async fn a_flood_of_rejections_shows_in_the_log(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let webhook = server.incoming(json!({"require_api_key": true})).await;
    // All at once, for the log takes some more each second.
    let wrong = [("x-api-key", "wrong")];
    for answer in join_all((0..300).map(|_| server.receive(&webhook, &wrong, "{}"))).await {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let log = format!("/incoming-webhooks/{}/requests?status=rejected&q=not_logged", text(&webhook["id"]));
    let entry = eventually("the entry about the flood", PATIENCE, async || server.list(&log).await.pop());
    let entry = entry.await.unwrap();
    let error = &entry["errors"][0];
    assert_eq!((&error["field"], &entry["response"]["status"]), (&json!("not_logged"), &json!(401)));
    assert!(text(&error["message"]).contains("more request"), "{entry}");
    assert!(text(&error["message"]).contains("not logged one by one: "), "{entry}");
}

/// Headers, answers, what actions said, and what was sent on.
async fn what_repeats_a_redacted_value_is_redacted_too(kind: Kind) {
    const CARD: &str = "4111-2222-3333";
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let echo = json!({ "echo": CARD, "text": format!("no card {CARD}") }).to_string();
    receiver.otherwise(always(Answer::new(StatusCode::OK).body(echo)));
    let outgoing = server
        .outgoing(&receiver.url("/hook"), json!({"events": ["order_paid"], "redact": ["data.card", "card"]}))
        .await;
    let incoming = server
        .incoming(json!({"redact": ["data.card"], "dedupe": {"key": "data.card"}, "actions": [
            {"type": "add_subscriber"},
            {"type": "call_api", "url": receiver.url("/call"), "body": {"card": "{data.card}"}},
            {"type": "publish_event", "event_type": "order_paid", "data": {"card": "{data.card}"}},
        ]}))
        .await;
    let body = json!({"data": {"email": "ada@example.com", "card": CARD}, "copy": CARD}).to_string();
    let headers = [("x-card", CARD), ("x-note", "card 4111-2222-3333 it is")];
    let answer = server.receive(&incoming, &headers, &body).await;
    let id = text(&answer.expect(StatusCode::ACCEPTED).unwrap()["request_id"]).to_owned();
    let entry = eventually("the request to be done", PATIENCE, async || {
        let entry = server.show(&format!("/requests/{id}")).await;
        (entry["status"] == "processed").then_some(entry)
    });
    let entry = entry.await.unwrap();
    assert!(!entry.to_string().contains(CARD), "{entry}");
    assert_eq!(
        (&entry["headers"]["x-note"], &entry["payload"]["copy"]),
        (&json!("card •••• it is"), &json!("••••"))
    );

    let log = format!("/outgoing-webhooks/{}/deliveries", text(&outgoing["id"]));
    let delivery = eventually("the delivery", PATIENCE, async || {
        server.list(&format!("{log}?status=delivered")).await.pop()
    });
    let delivery = delivery.await.unwrap();
    assert_eq!(delivery["payload"]["data"]["card"], "••••");
    assert!(!delivery.to_string().contains(CARD), "{delivery}");
    let sent = receiver.requests();
    assert!(sent.iter().all(|request| request.json().unwrap().to_string().contains(CARD)), "it was sent");
    // Neither does a test show it in the log.
    let own = json!({"event_type": "order_paid", "data": {"card": CARD}});
    server.post(&format!("/outgoing-webhooks/{}/test", text(&outgoing["id"])), &own).await.unwrap();
    let test = server.list(&format!("{log}?test=true")).await;
    assert_eq!(test[0]["payload"]["data"]["card"], "••••");
    assert!(!test[0].to_string().contains(CARD), "{test:?}");
}
