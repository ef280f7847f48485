//! The log of outgoing webhooks, and what is counted of it.

use std::io::Read as _;

use engine::{Command, NewEvent};
use flate2::read::GzDecoder;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer as Reply, always};
use testkit::{Receiver, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Answer, PATIENCE, Server, request};

/// A server, a receiver, and a webhook from one to the other that tries only once.
pub async fn with_webhook(status: StatusCode) -> (Server, Receiver, String) {
    let server = Server::start_beside_receivers().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::new(status).body("{\"taken\":1}")));
    let input = json!({
        "name": "Shop", "url": receiver.url("/hook"), "events": ["order_paid", "order_sent"], "retry": {"schedule_seconds": []},
    });
    let answer = server.post("/outgoing-webhooks", input).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    (server, receiver, id)
}

pub async fn publish(server: &Server, event_type: &str, number: i64) {
    let event = NewEvent {
        event_type: event_type.parse().unwrap(),
        occurred_at: None,
        data: json!({"number": number}).to_string(),
    };
    server.engine.execute(Command::Publish(vec![event])).await.unwrap();
}

/// Waits until so many deliveries have this status.
pub async fn wait_for(server: &Server, webhook_id: &str, status: &str, count: usize) -> Vec<Value> {
    let what = format!("{count} deliveries that are {status}");
    let log = format!("/outgoing-webhooks/{webhook_id}/deliveries?status={status}");
    eventually(&what, PATIENCE, async || {
        let found = entries(&server.get(&log).await);
        (found.len() == count).then_some(found)
    })
    .await
    .unwrap()
}

pub fn entries(page: &Answer) -> Vec<Value> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.json()["data"].as_array().unwrap().clone()
}

pub async fn retry(server: &Server, id: &Value) -> Answer {
    let path = format!("/deliveries/{}/retry", id.as_str().unwrap());
    server.send(request(Method::POST, &path, Some(engine::Scope::Write), None)).await
}

#[tokio::test]
async fn a_compressed_body_is_signed_as_it_was_before() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    let path = format!("/outgoing-webhooks/{webhook_id}");
    let secret = "YSBzZWNyZXQgb2YgdGhlIHRlc3Q=";
    let changed = server.patch(&path, json!({"gzip": true, "signing": {"secret": secret}})).await;
    assert_eq!((changed.status, &changed.json()["gzip"]), (200, &json!(true)));
    publish(&server, "order_paid", 7).await;
    let delivery = wait_for(&server, &webhook_id, "delivered", 1).await.remove(0);
    let sent = receiver.requests().remove(0);
    assert_eq!(sent.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    GzDecoder::new(&sent.body[..]).read_to_end(&mut body).unwrap();
    assert_eq!(delivery["payload"], serde_json::from_slice::<Value>(&body).unwrap());
    let key = signature::SigningKey::new(&signature::Secret::new(secret)).unwrap();
    let expected = signature::x_webhook::sign(&key, &body);
    assert_eq!(sent.header("x-webhook-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn an_entry_shows_what_went_out_and_what_came_back() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    publish(&server, "order_paid", 7).await;
    let delivery = wait_for(&server, &webhook_id, "delivered", 1).await.remove(0);
    let sent = receiver.requests().remove(0);
    assert_eq!(delivery["payload"], sent.json().unwrap());
    assert_eq!(delivery["payload"]["data"], json!({"number": 7}));
    assert_eq!(delivery["event_id"].as_str(), sent.header("webhook-id"));
    for (member, expected) in [
        ("webhook_id", json!(webhook_id)),
        ("event_type", json!("order_paid")),
        ("status", json!("delivered")),
        ("test", json!(false)),
        ("next_attempt_at", Value::Null),
    ] {
        assert_eq!(delivery[member], expected, "{member}");
    }
    let [attempt] = delivery["attempts"].as_array().unwrap().as_slice() else { panic!("one attempt") };
    for (member, expected) in [
        ("number", json!(1)),
        ("http_status", json!(200)),
        ("error", Value::Null),
        ("error_code", Value::Null),
        ("hint", Value::Null),
        ("response_body", json!("{\"taken\":1}")),
    ] {
        assert_eq!(attempt[member], expected, "{member}");
    }
    assert!(attempt["duration_ms"].as_i64().unwrap() >= 0);
    assert_eq!(attempt["request_headers"]["x-webhook-event"], "order_paid");
    assert_eq!(attempt["response_headers"]["content-length"], "11");
    let id = delivery["id"].as_str().unwrap();
    let mut shown = server.get(&format!("/deliveries/{id}")).await.json();
    assert_eq!(shown.as_object_mut().unwrap().remove("resends"), Some(json!([])));
    assert_eq!(shown, delivery);
    assert_eq!(server.get("/deliveries/dlv_01hm6m6f40qv1s0a7yj1e2x3z4").await.status, 404);
}

#[tokio::test]
async fn the_log_is_listed_filtered_exported_and_cleared() {
    let (server, _receiver, webhook_id) = with_webhook(StatusCode::INTERNAL_SERVER_ERROR).await;
    publish(&server, "order_paid", 1).await;
    publish(&server, "order_sent", 2).await;
    publish(&server, "order_paid", 3).await;
    let all = wait_for(&server, &webhook_id, "failed", 3).await;
    let log = format!("/outgoing-webhooks/{webhook_id}/deliveries");
    let numbers = |found: &[Value]| -> Vec<i64> {
        found.iter().map(|delivery| delivery["payload"]["data"]["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers(&all), [3, 2, 1]);
    let page = server.get(&format!("{log}?limit=2")).await;
    assert_eq!(numbers(&entries(&page)), [3, 2]);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(numbers(&entries(&server.get(&format!("{log}?cursor={cursor}")).await)), [1]);
    let hint = all[0]["attempts"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("tried again"), "says what to do: {hint}");
    for (filter, expected) in [
        ("event_type=order_sent", vec![2]),
        ("q=%22NUMBER%22:3", vec![3]),
        ("status=delivered", vec![]),
        ("since=2020-01-01T00:00:00Z&status=failed&event_type=order_paid", vec![3, 1]),
        ("until=2020-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(numbers(&entries(&server.get(&format!("{log}?{filter}")).await)), expected, "{filter}");
    }
    for (filter, expected) in [
        ("status=failed,cancelled", vec![3, 2, 1]),
        ("status=pending,delivered", vec![]),
        ("http_status=5xx", vec![3, 2, 1]),
        ("http_status=404,500", vec![3, 2, 1]),
        ("http_status=404", vec![]),
        ("error_code=http_status", vec![3, 2, 1]),
        ("error_code=timeout", vec![]),
        ("test=true", vec![]),
        ("test=false&q=the%20answer%20was%20500", vec![3, 2, 1]),
    ] {
        assert_eq!(numbers(&entries(&server.get(&format!("{log}?{filter}")).await)), expected, "{filter}");
    }
    for wrong in
        ["status=processed", "status=failed,", "http_status=6xx", "http_status=", "test=1", "error_code="]
    {
        assert_eq!(server.get(&format!("{log}?{wrong}")).await.status, 400, "{wrong}");
    }

    let file = server.get(&format!("{log}/export?format=ndjson&event_type=order_paid")).await;
    let lines: Vec<Value> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [all[0].clone(), all[2].clone()]);
    let table = server.get(&format!("{log}/export?format=csv")).await;
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[1].contains(",order_paid,failed,1,,") && lines[1].contains(",500,the answer was 500,"),
        "{}",
        lines[1]
    );

    let cleared = async |query: &str| server.delete(&format!("{log}{query}")).await.json()["deleted"].clone();
    assert_eq!(cleared("?dry_run=true").await, 3);
    assert_eq!(cleared("?status=delivered").await, 0);
    assert_eq!(cleared("?event_type=order_sent").await, 1);
    assert_eq!(cleared("").await, 2);
    assert_eq!(entries(&server.get(&log).await), [Value::Null; 0]);
    let gone = all[0]["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/deliveries/{gone}")).await.status, 404);
    for path in ["deliveries", "deliveries/export", "stats"] {
        assert_eq!(
            server.get(&format!("/outgoing-webhooks/a1b2c3d4e5f6/{path}")).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_finished_delivery_is_made_again_by_hand() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::BAD_GATEWAY).await;
    publish(&server, "order_paid", 1).await;
    let failed = wait_for(&server, &webhook_id, "failed", 1).await.remove(0);
    receiver.otherwise(always(Reply::ok()));
    let answer = retry(&server, &failed["id"]).await;
    assert_eq!((answer.status, &answer.json()["id"]), (202, &failed["id"]), "{}", answer.text);
    let delivered = wait_for(&server, &webhook_id, "delivered", 1).await.remove(0);
    assert_eq!(delivered["attempts"].as_array().unwrap().len(), 2);
    let sent = receiver.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].header("webhook-id"), sent[1].header("webhook-id"));

    let off = json!({"status": "inactive"});
    assert_eq!(server.patch(&format!("/outgoing-webhooks/{webhook_id}"), off).await.status, 200);
    let answer = retry(&server, &failed["id"]).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
    assert_eq!(retry(&server, &json!("dlv_01hm6m6f40qv1s0a7yj1e2x3z4")).await.status, 404);
}

#[tokio::test]
async fn a_delivery_that_waits_for_its_next_try_is_tried_at_once_by_hand() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::BAD_GATEWAY).await;
    let later = json!({"retry": {"schedule_seconds": [300]}});
    assert_eq!(server.patch(&format!("/outgoing-webhooks/{webhook_id}"), later).await.status, 200);
    publish(&server, "order_paid", 1).await;
    let retrying = wait_for(&server, &webhook_id, "retrying", 1).await.remove(0);
    assert!(retrying["next_attempt_at"].as_str().unwrap().ends_with('Z'));
    // What is not finished is no log yet.
    let log = format!("/outgoing-webhooks/{webhook_id}/deliveries");
    assert_eq!(server.delete(&log).await.json(), json!({"deleted": 0}));
    assert_eq!(entries(&server.get(&log).await).len(), 1);
    let stats = server.get(&format!("/outgoing-webhooks/{webhook_id}/stats")).await.json();
    assert_eq!((&stats["retrying"], &stats["total_events"]), (&json!(1), &json!(1)));

    receiver.otherwise(always(Reply::ok()));
    let selection = json!({"status": "retrying", "dry_run": true});
    assert_eq!(server.post(&format!("{log}/retry"), selection).await.json(), json!({"total": 1}));
    assert_eq!(retry(&server, &retrying["id"]).await.status, 202);
    let delivered = wait_for(&server, &webhook_id, "delivered", 1).await.remove(0);
    assert_eq!(delivered["attempts"].as_array().unwrap().len(), 2);

    // What is sent by itself, as soon as it can be, is not sent twice.
    let paused = json!({"status": "paused"});
    assert_eq!(server.patch(&format!("/outgoing-webhooks/{webhook_id}"), paused).await.status, 200);
    publish(&server, "order_paid", 2).await;
    let pending = wait_for(&server, &webhook_id, "pending", 1).await.remove(0);
    let answer = retry(&server, &pending["id"]).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn statistics_are_those_of_the_contract() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    let stats = async |window: &str| {
        server.get(&format!("/outgoing-webhooks/{webhook_id}/stats?window={window}")).await.json()
    };
    let empty = stats("24h").await;
    for (member, expected) in [
        ("total_events", json!(0)),
        ("success_rate", Value::Null),
        ("average_response_ms", Value::Null),
        ("p95_response_ms", Value::Null),
        ("last_delivery", Value::Null),
    ] {
        assert_eq!(empty[member], expected, "{member}");
    }
    for number in 0..3 {
        publish(&server, "order_paid", number).await;
    }
    wait_for(&server, &webhook_id, "delivered", 3).await;
    receiver.otherwise(always(Reply::new(StatusCode::NOT_FOUND)));
    publish(&server, "order_paid", 3).await;
    wait_for(&server, &webhook_id, "failed", 1).await;
    for (window, periods) in [("1h", 60), ("24h", 24), ("7d", 7), ("30d", 30)] {
        let stats = stats(window).await;
        for (member, expected) in [
            ("total_events", json!(4)),
            ("pending", json!(0)),
            ("delivered", json!(3)),
            ("failed", json!(1)),
            ("retrying", json!(0)),
            ("retry_attempts", json!(0)),
            ("success_rate", json!(0.75)),
            ("by_status", json!({"2xx": 3, "3xx": 0, "4xx": 1, "5xx": 0, "none": 0})),
        ] {
            assert_eq!(stats[member], expected, "{member} of {window}");
        }
        for duration in ["average_response_ms", "p50_response_ms", "p95_response_ms"] {
            assert!(stats[duration].is_i64(), "{duration}");
        }
        let last = &stats["last_delivery"];
        assert_eq!((&last["status"], &last["http_status"]), (&json!("failed"), &json!(404)));
        let series = stats["series"].as_array().unwrap();
        assert_eq!(series.len(), periods);
        let count = |member: &str| series.iter().map(|period| period[member].as_i64().unwrap()).sum::<i64>();
        assert_eq!((count("delivered"), count("failed")), (3, 1));
        let answered =
            |class: &str| series.iter().map(|of| of["by_status"][class].as_i64().unwrap()).sum::<i64>();
        assert_eq!((answered("2xx"), answered("4xx")), (3, 1));
        let is_timed = |of: &&Value| of["p50_response_ms"].is_i64() && of["p95_response_ms"].is_i64();
        let is_busy = |of: &&Value| of["average_response_ms"].is_i64();
        assert_eq!(series.iter().filter(is_timed).count(), series.iter().filter(is_busy).count());
        assert!(series[0]["at"].as_str().unwrap() < series[1]["at"].as_str().unwrap());
    }
    assert_eq!(server.get(&format!("/outgoing-webhooks/{webhook_id}/stats?window=2h")).await.status, 400);
    let many = server.get(&format!("/stats?outgoing={webhook_id}")).await.json();
    assert_eq!(many["outgoing"][0]["last_delivery"]["http_status"], 404, "{many}");
    let stats = server.get(&format!("/outgoing-webhooks/{webhook_id}/stats?window=24h")).await.json();
    assert_eq!(many["outgoing"][0]["average_response_ms"], stats["average_response_ms"], "{many}");
}

#[tokio::test]
async fn a_late_answer_of_the_old_address_does_not_deactivate_what_has_moved() {
    let (server, receiver, webhook_id) = with_webhook(StatusCode::OK).await;
    let path = format!("/outgoing-webhooks/{webhook_id}");
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", old.local_addr().unwrap());
    assert_eq!(server.patch(&path, json!({"url": url})).await.status, 200);
    publish(&server, "order_paid", 1).await;
    let (mut asked, _) = old.accept().await.unwrap();
    // The request is under way: the webhook moves, and only then the old address says that it is gone.
    assert_eq!(server.patch(&path, json!({"url": receiver.url("/hook")})).await.status, 200);
    let mut head = [0; 1_024];
    assert!(asked.read(&mut head).await.unwrap() > 0);
    asked.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let failed = wait_for(&server, &webhook_id, "failed", 1).await;
    assert_eq!(failed[0]["attempts"][0]["http_status"], 410);
    let webhook = server.get(&path).await.json();
    assert_eq!(
        (&webhook["status"], &webhook["disabled_reason"]),
        (&json!("active"), &Value::Null),
        "{webhook}"
    );
    publish(&server, "order_paid", 2).await;
    wait_for(&server, &webhook_id, "delivered", 1).await;
}
