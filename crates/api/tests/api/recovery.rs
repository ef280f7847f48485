//! Deliveries that are sent again, or cancelled, many at a time.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};

use crate::deliveries::{publish, retry, wait_for, with_webhook};
use crate::support::{Answer, PATIENCE, Server};

#[tokio::test]
async fn finished_deliveries_are_sent_again() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::GONE).await;
    let path = format!("/outgoing-webhooks/{webhook_id}");
    publish(&server, "order_paid", 7).await;
    wait_for(&server, &webhook_id, "failed", 1).await;
    let replay = async |body: Value| server.post(&format!("{path}/replay"), body).await;
    assert_eq!(replay(json!({})).await.status, 409, "410 has deactivated it");
    server.patch(&path, json!({"status": "active"})).await;
    let until = json!({"until": "2020-01-01T00:00:00Z", "dry_run": true});
    assert_eq!(replay(until).await.json(), json!({"total": 0}));
    assert_eq!(replay(json!({"dry_run": true})).await.json(), json!({"total": 1}));
    let replayed = replay(json!({"since": "2020-01-01T00:00:00Z"})).await;
    assert_eq!((replayed.status, replayed.json()["total"].clone()), (202, json!(1)));
    receiver.wait_for(2, PATIENCE).await.unwrap();
    let ids: Vec<_> =
        receiver.requests().iter().map(|sent| sent.header("webhook-id").map(str::to_owned)).collect();
    assert_eq!(ids[0], ids[1], "the receiver knows it");
    wait_for(&server, &webhook_id, "failed", 1).await;
    assert_eq!(replay(json!({"status": "some"})).await.status, 422);
    assert_eq!(server.post("/outgoing-webhooks/a1b2c3d4e5f6/replay", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_delivery_that_is_sent_again_begins_its_schedule_anew() {
    let (server, _receiver, webhook_id) = with_webhook(StatusCode::BAD_GATEWAY).await;
    publish(&server, "order_paid", 1).await;
    let failed = wait_for(&server, &webhook_id, "failed", 1).await.remove(0);
    let later = json!({"retry": {"schedule_seconds": [300]}});
    assert_eq!(server.patch(&format!("/outgoing-webhooks/{webhook_id}"), later).await.status, 200);
    assert_eq!(retry(&server, &failed["id"]).await.status, 202);
    let retrying = wait_for(&server, &webhook_id, "retrying", 1).await.remove(0);
    assert_eq!(retrying["attempts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_selection_is_sent_again_and_nothing_twice() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::BAD_GATEWAY).await;
    for number in 0..40 {
        publish(&server, if number % 4 == 0 { "order_sent" } else { "order_paid" }, number).await;
    }
    wait_for(&server, &webhook_id, "failed", 40).await;
    receiver.otherwise(always(Reply::ok()));
    let path = format!("/outgoing-webhooks/{webhook_id}/deliveries/retry");
    let again = async |body: Value| server.post(&path, body).await;
    for (selection, total) in [
        (json!({}), 40),
        (json!({"status": ["failed", "delivered"]}), 40),
        (json!({"status": "delivered"}), 0),
        (json!({"event_type": "order_sent"}), 10),
        (json!({"http_status": ["5xx"], "q": "\"number\":7}"}), 1),
        (json!({"error_code": "timeout"}), 0),
    ] {
        let mut dry = selection.clone();
        dry["dry_run"] = true.into();
        let size = again(dry).await;
        assert_eq!((size.status, size.json()), (200, json!({ "total": total })), "{selection}");
    }
    for (wrong, field) in [
        (json!({"status": "pending"}), "status"),
        (json!({"ids": [], "dry_run": true}), "ids"),
        (json!({"per_second": 0}), "per_second"),
        (json!({"http_status": ["600"]}), "http_status.0"),
    ] {
        let refused = again(wrong).await;
        assert_eq!((refused.status, refused.faults()[0].0.as_str()), (422, field), "{}", refused.text);
    }
    let begun = again(json!({"event_type": "order_sent"})).await;
    assert_eq!((begun.status, &begun.json()["kind"]), (202, &json!("retry_deliveries")), "{}", begun.text);
    assert_eq!(ended(&server, &begun).await["done"], 10);
    wait_for(&server, &webhook_id, "delivered", 10).await;
    // One at a time, and cancelled on its way.
    let slow = again(json!({"per_second": 1})).await;
    assert_eq!(again(json!({})).await.status, 409, "one task at a log");
    let id = slow.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/tasks/{id}")).await.status, 204);
    let rest = ended(&server, &again(json!({})).await).await;
    let listed =
        server.get(&format!("/tasks?webhook_id={webhook_id}&kind=retry_deliveries&state=done")).await;
    assert_eq!(listed.json()["data"].as_array().unwrap().len(), 2);
    assert!(rest["done"].as_i64().unwrap() > 0, "{rest}");
    wait_for(&server, &webhook_id, "delivered", 40).await;
    let mut seen: Vec<String> = receiver
        .requests()
        .iter()
        .skip(40)
        .map(|sent| sent.header("webhook-id").unwrap().to_owned())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), receiver.requests().len()), (40, 80), "each once more, and no more");
}

#[tokio::test]
async fn what_waits_is_cancelled() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    let webhook = format!("/outgoing-webhooks/{webhook_id}");
    assert_eq!(server.patch(&webhook, json!({"status": "paused"})).await.status, 200);
    for number in 0..5 {
        publish(&server, if number == 0 { "order_sent" } else { "order_paid" }, number).await;
    }
    let path = format!("{webhook}/deliveries/cancel");
    let cancel = async |body: Value| server.post(&path, body).await;
    assert_eq!(cancel(json!({"dry_run": true})).await.json(), json!({"total": 5}));
    assert_eq!(cancel(json!({"status": "failed"})).await.status, 422);
    assert_eq!(cancel(json!({"per_second": 7})).await.status, 422);
    assert_eq!(ended(&server, &cancel(json!({"event_type": "order_paid"})).await).await["done"], 4);
    assert_eq!(server.patch(&webhook, json!({"status": "active"})).await.status, 200);
    wait_for(&server, &webhook_id, "delivered", 1).await;
    wait_for(&server, &webhook_id, "cancelled", 4).await;
    assert_eq!(receiver.requests().len(), 1);
    // What was cancelled can be sent again.
    let again = server.post(&format!("{webhook}/deliveries/retry"), json!({"status": "cancelled"})).await;
    assert_eq!(ended(&server, &again).await["done"], 4);
    wait_for(&server, &webhook_id, "delivered", 5).await;
}

#[tokio::test]
async fn what_waits_in_memory_is_cancelled() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    let webhook = format!("/outgoing-webhooks/{webhook_id}");
    assert_eq!(server.patch(&webhook, json!({"concurrency": 1})).await.status, 200);
    receiver.otherwise(always(testkit::receiver::Reply::Hang));
    for number in 0..5 {
        publish(&server, "order_paid", number).await;
    }
    receiver.wait_for(1, PATIENCE).await.unwrap();
    let begun = server.post(&format!("{webhook}/deliveries/cancel"), json!({})).await;
    assert_eq!(ended(&server, &begun).await["done"], 4, "the one under way is not stopped");
    assert_eq!(receiver.requests().len(), 1);
    drop(receiver);
    wait_for(&server, &webhook_id, "failed", 1).await;
    wait_for(&server, &webhook_id, "cancelled", 4).await;
}

#[tokio::test]
async fn everything_that_failed_since_a_time_is_recovered() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::BAD_GATEWAY).await;
    publish(&server, "order_paid", 1).await;
    publish(&server, "order_sent", 2).await;
    wait_for(&server, &webhook_id, "failed", 2).await;
    receiver.otherwise(always(Reply::ok()));
    let recover = async |body: Value| server.post("/deliveries/recover", body).await;
    assert_eq!(recover(json!({})).await.faults()[0].0, "since");
    let future = recover(json!({"since": "2100-01-01T00:00:00Z"})).await;
    assert_eq!((future.status, future.json()), (202, json!({"total": 0, "tasks": [], "left_out": []})));
    let dry = recover(json!({"since": "2020-01-01T00:00:00Z", "dry_run": true})).await;
    assert_eq!((dry.status, dry.json()), (200, json!({"total": 2, "tasks": [], "left_out": []})));
    let begun = recover(json!({"since": "2020-01-01T00:00:00Z"})).await;
    assert_eq!((begun.status, &begun.json()["tasks"][0]["webhook_id"]), (202, &json!(webhook_id)));
    wait_for(&server, &webhook_id, "delivered", 2).await;
}

#[tokio::test]
async fn a_recovery_leaves_out_a_log_at_which_another_task_is() {
    let (server, receiver, busy) = with_webhook(StatusCode::BAD_GATEWAY).await;
    let input = json!({"name": "Sent", "url": receiver.url("/sent"), "events": ["order_sent"], "retry": {"schedule_seconds": []}});
    let free = server.post("/outgoing-webhooks", input).await.json()["id"].as_str().unwrap().to_owned();
    let events: Vec<Value> = (0..100).map(|n| json!({"event": "order_paid", "data": {"n": n}})).collect();
    server.post("/events", events.into()).await;
    publish(&server, "order_sent", 1).await;
    wait_for(&server, &free, "failed", 1).await;
    let since = "2020-01-01T00:00:00Z";
    let replay = async |dry_run: bool| {
        let input = json!({"since": since, "per_second": 1, "dry_run": dry_run});
        server.post(&format!("/outgoing-webhooks/{busy}/replay"), input).await
    };
    let all = async || (replay(true).await.json()["total"] == 101).then_some(());
    testkit::eventually("all to fail", PATIENCE, all).await.unwrap();
    let begun = replay(false).await;
    assert_eq!(begun.status, 202, "{}", begun.text);

    let recover = async || server.post("/deliveries/recover", json!({"since": since})).await;
    receiver.on("/sent", always(Reply::ok()));
    let recovered = recover().await;
    assert_eq!(recovered.status, 202, "{}", recovered.text);
    let left_out = json!([{"webhook_id": busy, "task_id": begun.json()["id"]}]);
    assert_eq!((&recovered.json()["left_out"], &recovered.json()["total"]), (&left_out, &json!(1)));
    wait_for(&server, &free, "delivered", 1).await;
    assert_eq!(recover().await.status, 409, "nothing is left but what another task is at");
}

/// The task that this answer is of, once it has ended.
async fn ended(server: &Server, begun: &Answer) -> Value {
    assert_eq!(begun.status, 202, "{}", begun.text);
    let path = format!("/tasks/{}", begun.json()["id"].as_str().unwrap());
    let ended = testkit::eventually("the task to end", PATIENCE, async || {
        let shown = server.get(&path).await.json();
        (shown["state"] == "done").then_some(shown)
    });
    ended.await.unwrap()
}

#[tokio::test]
async fn what_a_deactivated_webhook_did_not_get_is_sent_once_it_is_active() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::SERVICE_UNAVAILABLE).await;
    let path = format!("/outgoing-webhooks/{webhook_id}");
    server.patch(&path, json!({"retry": {"schedule_seconds": [3600]}})).await;
    publish(&server, "order_paid", 7).await;
    wait_for(&server, &webhook_id, "retrying", 1).await;
    let health = server.get(&path).await.json()["health"].clone();
    assert_eq!((&health["state"], &health["failed_attempts"]), (&json!("healthy"), &json!(1)), "{health}");
    assert_eq!((&health["last_http_status"], &health["next_probe_at"]), (&json!(503), &Value::Null));
    assert!(health["failing_since"].is_string() && health["disabled_at_the_earliest"].is_string());

    server.patch(&path, json!({"status": "inactive"})).await;
    let cancelled = wait_for(&server, &webhook_id, "cancelled", 1).await;
    assert_eq!(cancelled[0]["cancel_reason"], "webhook_inactive");
    server.patch(&path, json!({"status": "active"})).await;
    // What somebody cancelled by hand is not sent again by itself.
    publish(&server, "order_paid", 8).await;
    wait_for(&server, &webhook_id, "retrying", 1).await;
    ended(&server, &server.post(&format!("{path}/deliveries/cancel"), json!({})).await).await;
    wait_for(&server, &webhook_id, "cancelled", 2).await;
    receiver.otherwise(always(Reply::new(StatusCode::OK)));
    for (way, input) in [
        ("/deliveries/recover".to_owned(), json!({"since": "2020-01-01T00:00:00Z", "dry_run": true})),
        (format!("{path}/replay"), json!({"dry_run": true})),
        (format!("{path}/deliveries/retry"), json!({"dry_run": true})),
    ] {
        assert_eq!(server.post(&way, input).await.json()["total"], 1, "{way}");
    }
    let recovered = server.post("/deliveries/recover", json!({"since": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(recovered.status, 202);
    let delivered = wait_for(&server, &webhook_id, "delivered", 1).await;
    assert_eq!((&delivered[0]["id"], &delivered[0]["cancel_reason"]), (&cancelled[0]["id"], &Value::Null));
    assert_eq!(server.get(&path).await.json()["health"]["failing_since"], Value::Null);
}
