//! The REST API as the second way in: its changes cause what webhooks' do, and a repeated POST is done once.

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Receiver;
use testkit::receiver::ReceivedRequest;

use crate::support::{Kind, PATIENCE, World, merged, text};

on_both_databases!(
    changes_cause_the_same_events_as_webhooks,
    a_custom_event_is_published,
    a_post_with_an_idempotency_key_is_done_once,
);

/// The names of the events that arrived, in order.
fn names(arrived: &[ReceivedRequest]) -> Vec<&str> {
    let mut names: Vec<_> =
        arrived.iter().map(|request| request.header("x-webhook-event").unwrap()).collect();
    names.sort_unstable();
    names
}

fn event(arrived: &[ReceivedRequest], name: &str) -> Value {
    let found = arrived.iter().find(|request| request.header("x-webhook-event") == Some(name));
    found.unwrap().json().unwrap()["data"].take()
}

async fn changes_cause_the_same_events_as_webhooks(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    server.outgoing(&receiver.url("/hook"), json!({})).await;

    let ada = json!({"email": "Ada@Example.com", "first_name": "Ada", "tags": ["a", "b"]});
    let ada = server.make("/subscribers", ada).await;
    assert_eq!(ada["email"], "ada@example.com");
    let mut seen = 3;
    let arrived = receiver.wait_for(seen, PATIENCE).await.unwrap();
    assert_eq!(names(&arrived), ["subscriber_added", "subscriber_tagged", "subscriber_tagged"]);

    let path = format!("/subscribers/{}", ada["id"]);
    let change = json!({"first_name": "Augusta", "status": "unsubscribed", "tags": ["b", "c"]});
    let changed = server.change(&path, change.clone()).await;
    assert_eq!((&changed["first_name"], &changed["tags"]), (&json!("Augusta"), &json!(["b", "c"])));
    let arrived = receiver.wait_for(seen + 4, PATIENCE).await.unwrap();
    let latest = &arrived[seen..];
    let expected =
        ["subscriber_status_changed", "subscriber_tagged", "subscriber_untagged", "subscriber_updated"];
    assert_eq!(names(latest), expected);
    assert_eq!(
        event(latest, "subscriber_updated")["changes"],
        json!({"first_name": {"old": "Ada", "new": "Augusta"}})
    );
    let status = event(latest, "subscriber_status_changed");
    assert_eq!(
        (&status["old_status"], &status["new_status"]),
        (&json!("subscribed"), &json!("unsubscribed"))
    );
    assert_eq!(event(latest, "subscriber_tagged")["tag"], "c");
    assert_eq!(event(latest, "subscriber_untagged")["tag"], "a");
    seen += 4;

    // The same again changes nothing and tells nothing, so the next event is that of the deletion.
    server.change(&path, change).await;
    server.delete(&path).await.unwrap().expect(StatusCode::NO_CONTENT).unwrap();
    let arrived = receiver.wait_for(seen + 1, PATIENCE).await.unwrap();
    assert_eq!(names(&arrived[seen..]), ["subscriber_deleted"]);
    assert_eq!(event(&arrived[seen..], "subscriber_deleted")["email"], "ada@example.com");
    server.get(&path).await.unwrap().expect(StatusCode::NOT_FOUND).unwrap();
}

async fn a_custom_event_is_published(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    server.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    server.outgoing(&receiver.url("/hook"), json!({"events": ["order_paid"]})).await;

    let paid = json!({"event": "order_paid", "data": {"order": 7, "total": "12.50"}});
    let published = server.post("/events", &paid).await.unwrap();
    assert!(published.status.is_success(), "{published:?}");
    let arrived = receiver.wait_for(1, PATIENCE).await.unwrap();
    let body = arrived[0].json().unwrap();
    assert_eq!((&body["event"], &body["data"]), (&paid["event"], &paid["data"]));

    let both = json!([paid, {"event": "order_paid", "data": {"order": 8}}]);
    let published = server.post("/events", &both).await.unwrap();
    assert!(published.status.is_success(), "{published:?}");
    let arrived = receiver.wait_for(3, PATIENCE).await.unwrap();
    let mut orders: Vec<i64> =
        arrived.iter().map(|request| request.json().unwrap()["data"]["order"].as_i64().unwrap()).collect();
    orders.sort_unstable();
    assert_eq!(orders, [7, 7, 8]);

    let id = arrived[0].header("webhook-id").unwrap();
    assert_eq!(server.show(&format!("/events/{id}")).await["event_type"], "order_paid");
}

async fn a_post_with_an_idempotency_key_is_done_once(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let key = [("idempotency-key", "order-66")];
    for (path, body, change) in [
        ("/subscribers", json!({"email": "once@example.com"}), json!({"email": "twice@example.com"})),
        ("/lists", json!({"name": "Once"}), json!({"name": "Twice"})),
        ("/tags", json!({"name": "once"}), json!({"name": "twice"})),
        (
            "/incoming-webhooks",
            json!({"name": "Once", "event_type": "subscriber_added"}),
            json!({"name": "Twice"}),
        ),
        ("/api-keys", json!({"name": "Once", "scope": "read"}), json!({"name": "Twice"})),
    ] {
        let key = [(key[0].0, &*format!("{}{path}", key[0].1))];
        let before = server.list_all(path).await.len();
        let first = server.post_with(path, &key, &body).await;
        first.expect(StatusCode::CREATED).unwrap();
        let again = server.post_with(path, &key, &body).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(first.header("idempotency-replayed"), None, "{path}");
        assert_eq!(server.list_all(path).await.len(), before + 1, "{path}");

        let other = server.post_with(path, &key, &merged(body, change)).await;
        let problem = other.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
        assert!(text(&problem["type"]).ends_with("#idempotency-key-reused"), "{path} {problem}");
    }
    let added = server.list_all("/events?event_type=subscriber_added").await;
    assert_eq!(added.len(), 1);
}
