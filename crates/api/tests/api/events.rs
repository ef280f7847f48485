//! Events: published, found, and what became of them.

use engine::Scope;
use http::Method;
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};

use crate::support::{PATIENCE, Server, request};

fn numbers(page: &Value) -> Vec<i64> {
    page["data"].as_array().unwrap().iter().map(|event| event["data"]["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn one_event_is_answered_with_itself() {
    let server = Server::start().await;
    let input = json!({"event": "order_paid", "data": {"b": 1, "a": {"c": [null, "é"]}}, "timestamp": "2024-01-15T12:30:00+01:00"});
    let published = server.post("/events", input.clone()).await;
    assert_eq!(published.status, 201, "{}", published.text);
    let event = published.json();
    let id = event["id"].as_str().unwrap();
    assert!(id.starts_with("evt_"));
    assert_eq!(published.headers["location"], format!("/wp-json/ccsp-mailer/v1/events/{id}"));
    let expected = json!({
        "id": id, "event_type": "order_paid", "timestamp": "2024-01-15T11:30:00Z", "data": input["data"], "request_id": null,
    });
    assert_eq!(event, expected);

    let mut shown = server.get(&format!("/events/{id}")).await.json();
    assert_eq!(shown["deliveries"].take(), json!([]));
    assert_eq!(shown["skipped"].take(), json!([]));
    assert_eq!(
        (&shown["skipped_more"], &shown["not_subscribed"]),
        (&json!(0), &json!({"count": 0, "webhook_ids": []}))
    );
    shown.as_object_mut().unwrap().retain(|name, _| event.get(name.as_str()).is_some());
    assert_eq!(shown, event);
    assert_eq!(server.get("/events").await.json()["data"], json!([event]));
    for gone in ["evt_01hm6m6f40qv1s0a7yj1e2x3z4", "evt_1", "7"] {
        assert_eq!(server.get(&format!("/events/{gone}")).await.status, 404, "{gone}");
    }
}

#[tokio::test]
async fn many_are_published_together_or_not_at_all() {
    let server = Server::start().await;
    let events: Vec<Value> = (0..1_000).map(|n| json!({"event": "tick", "data": {"n": n}})).collect();
    let published = server.post("/events", json!(events)).await;
    assert_eq!(published.status, 201, "{}", published.text);
    assert_eq!(numbers(&published.json()), (0..1_000).collect::<Vec<_>>());
    assert!(!published.headers.contains_key("location"));
    let page = server.get("/events?limit=3").await.json();
    assert_eq!(numbers(&page), [999, 998, 997]);
    let next = format!("/events?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(numbers(&server.get(&next).await.json()), [996, 995]);

    let one = server.post("/events", json!([{"event": "tick", "data": {"n": 1000}}])).await;
    assert_eq!((one.status, numbers(&one.json())), (201, vec![1000]));

    let half = json!([{"event": "tick", "data": {}}, {"event": "Tick", "data": []}, {"event": "tick"}]);
    let refused = server.post("/events", half).await;
    let fields: Vec<String> = refused.faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!((refused.status, fields), (422, ["1.event", "1.data", "2.data"].map(String::from).to_vec()));
    assert_eq!(numbers(&server.get("/events?limit=1").await.json()), [1000]);
}

#[tokio::test]
async fn what_is_no_event_is_named() {
    let server = Server::start().await;
    for (body, field) in [
        (json!({"data": {}}), "event"),
        (json!({"event": "tick"}), "data"),
        (json!({"event": "Tick", "data": {}}), "event"),
        (json!({"event": "tick", "data": []}), "data"),
        (json!({"event": "tick", "data": {}, "timestamp": "today"}), "timestamp"),
        (json!([]), ""),
        (json!("tick"), ""),
        (json!([[]]), "0"),
        (json!(vec![json!({"event": "tick", "data": {}}); 1_001]), ""),
    ] {
        let answer = server.post("/events", body).await;
        let faults = answer.faults();
        assert_eq!((answer.status, faults.len(), faults[0].0.as_str()), (422, 1, field), "{}", answer.text);
    }
    let unknown = server.post("/events", json!([{"event": "tick", "data": {}, "evnt": 1}])).await;
    assert_eq!(
        (unknown.status, unknown.faults()),
        (400, vec![("0.evnt".into(), "is not known: did you mean event?".into())])
    );
}

#[tokio::test]
async fn events_are_found_by_kind_and_time_and_text() {
    let server = Server::start().await;
    for (kind, n) in [("order_paid", 1), ("order_sent", 2), ("order_paid", 3)] {
        server.post("/events", json!({"event": kind, "data": {"n": n, "text": format!("Number {n}")}})).await;
    }
    for (query, expected) in [
        ("event_type=order_paid", vec![3, 1]),
        ("event_type=order_lost", vec![]),
        ("since=2020-01-01T00:00:00Z&event_type=order_sent", vec![2]),
        ("until=2020-01-01T00:00:00Z", vec![]),
        ("q=NUMBER%203", vec![3]),
    ] {
        assert_eq!(numbers(&server.get(&format!("/events?{query}")).await.json()), expected, "{query}");
    }
    assert_eq!(server.get("/events?since=today").await.status, 400);
}

#[tokio::test]
async fn an_event_shows_where_it_went() {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::ok()));
    let webhook = json!({"name": "Shop", "url": receiver.url("/hook"), "events": ["order_paid"]});
    let webhook = server.post("/outgoing-webhooks", webhook).await.json();
    let event = server.post("/events", json!({"event": "order_paid", "data": {"n": 7}})).await.json();
    let path = format!("/events/{}", event["id"].as_str().unwrap());
    let delivery = eventually("the delivery", PATIENCE, async || {
        let shown = server.get(&path).await.json();
        let delivery = shown["deliveries"][0].clone();
        (delivery["status"] == "delivered").then_some(delivery)
    })
    .await
    .unwrap();
    assert_eq!(delivery["webhook_id"], webhook["id"]);
    let shown = server.get(&format!("/deliveries/{}", delivery["id"].as_str().unwrap())).await.json();
    assert_eq!(shown["event_id"], event["id"]);
    assert_eq!(receiver.requests()[0].json().unwrap()["data"], json!({"n": 7}));
}

#[tokio::test]
async fn the_same_post_twice_tells_once() {
    let server = Server::start().await;
    let post = || {
        let body = json!([{"event": "tick", "data": {"n": 1}}, {"event": "tick", "data": {"n": 2}}]);
        let mut request = request(Method::POST, "/events", Some(Scope::Write), Some(body));
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        request
    };
    let (first, again) = (server.send(post()).await, server.send(post()).await);
    assert_eq!((first.status, again.status, &again.text), (201, 201, &first.text));
    assert_eq!(numbers(&server.get("/events").await.json()), [2, 1]);
}
