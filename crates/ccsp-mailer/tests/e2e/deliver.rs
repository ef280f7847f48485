//! What becomes of deliveries: retries at their times, an end to them, and the statistics of it all.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::receiver::{Answer, Reply, always, fail_first};
use testkit::{Receiver, eventually};
use tokio::time::Instant;

use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, text};

on_both_databases!(
    a_failed_delivery_is_tried_again_as_the_same,
    a_dead_destination_is_given_up,
    a_destination_that_is_gone_deactivates_its_webhook,
    a_slow_destination_is_a_failure,
);

const ONE_EVENT: &[&str] = &["subscriber_added"];

async fn send_one(server: &Server) {
    let incoming = server.incoming(json!({})).await;
    server.receive(&incoming, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
}

/// The one delivery of a webhook.
async fn delivery(server: &Server, outgoing: &Value) -> Value {
    let log = server.list(&format!("/outgoing-webhooks/{}/deliveries", text(&outgoing["id"]))).await;
    assert_eq!(log.len(), 1);
    server.show(&format!("/deliveries/{}", text(&log[0]["id"]))).await
}

fn statuses(delivery: &Value) -> Vec<Option<u64>> {
    delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["http_status"].as_u64()).collect()
}

async fn a_failed_delivery_is_tried_again_as_the_same(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/flaky", fail_first(2, StatusCode::INTERNAL_SERVER_ERROR));
    let outgoing = server.outgoing(&receiver.url("/flaky"), json!({"events": ONE_EVENT})).await;
    let begun = Instant::now().into_std();
    send_one(&server).await;

    let arrived = receiver.wait_for(3, PATIENCE).await.unwrap();
    let stats = server.settled(&outgoing, PATIENCE).await;
    for request in &arrived {
        assert_eq!(request.header("webhook-id"), arrived[0].header("webhook-id"));
        assert_eq!(request.body, arrived[0].body);
    }
    // None is early, but by what the last retry's jitter and whole milliseconds make of it.
    let slack = Duration::from_millis(110);
    for (request, seconds) in arrived.iter().zip(0..) {
        assert!(request.arrived - begun + slack >= Duration::from_secs(seconds));
    }

    let delivery = delivery(&server, &outgoing).await;
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(statuses(&delivery), [Some(500), Some(500), Some(200)]);
    assert_eq!((&stats["total_events"], &stats["delivered"]), (&json!(1), &json!(1)));
    assert_eq!((&stats["failed"], &stats["retry_attempts"]), (&json!(0), &json!(2)));
    assert_eq!(stats["success_rate"].as_f64(), Some(1.0));
    assert_eq!(stats["last_delivery"]["http_status"], 200);
    assert!(stats["average_response_ms"].is_number() && stats["p95_response_ms"].is_number());
    assert_eq!(receiver.count(), 3);
}

async fn a_dead_destination_is_given_up(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Answer::new(StatusCode::SERVICE_UNAVAILABLE).body("not today")));
    let outgoing = server.outgoing(&receiver.url("/dead"), json!({"events": ONE_EVENT})).await;
    send_one(&server).await;

    receiver.wait_for(3, PATIENCE).await.unwrap();
    let stats = server.settled(&outgoing, PATIENCE).await;
    let delivery = delivery(&server, &outgoing).await;
    assert_eq!(delivery["status"], "failed");
    assert_eq!(statuses(&delivery), [Some(503); 3]);
    assert_eq!(delivery["attempts"][0]["response_body"], "not today");
    assert_eq!((&stats["delivered"], &stats["failed"]), (&json!(0), &json!(1)));
    assert_eq!(stats["success_rate"].as_f64(), Some(0.0));

    // By hand it can be tried again, as the same.
    receiver.otherwise(always(Answer::ok()));
    let path = format!("/deliveries/{}/retry", text(&delivery["id"]));
    let retried = server.post(&path, &json!({})).await.unwrap();
    assert!(retried.status.is_success(), "{retried:?}");
    let arrived = receiver.wait_for(4, PATIENCE).await.unwrap();
    assert_eq!(arrived[3].header("webhook-id"), arrived[0].header("webhook-id"));
    assert_eq!(server.settled(&outgoing, PATIENCE).await["delivered"], 1);
}

async fn a_destination_that_is_gone_deactivates_its_webhook(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(StatusCode::GONE));
    let outgoing = server.outgoing(&receiver.url("/gone"), json!({"events": ONE_EVENT})).await;
    send_one(&server).await;

    receiver.wait_for(1, PATIENCE).await.unwrap();
    server.settled(&outgoing, PATIENCE).await;
    assert_eq!(statuses(&delivery(&server, &outgoing).await), [Some(410)]);
    let now = server.show(&format!("/outgoing-webhooks/{}", text(&outgoing["id"]))).await;
    assert_eq!(now["status"], "inactive");
}

async fn a_slow_destination_is_a_failure(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.on("/slow", always(Reply::Hang));
    let retry = json!({"schedule_seconds": [2, 4, 6, 8, 10, 12]});
    let settings = json!({"events": ONE_EVENT, "timeout_seconds": 1, "retry": retry});
    let outgoing = server.outgoing(&receiver.url("/slow"), settings).await;
    send_one(&server).await;

    eventually("the first attempt to be recorded", PATIENCE, async || {
        (!statuses(&delivery(&server, &outgoing).await).is_empty()).then_some(())
    })
    .await
    .unwrap();
    receiver.on("/slow", always(Answer::ok()));
    server.settled(&outgoing, PATIENCE).await;
    let delivery = delivery(&server, &outgoing).await;
    let statuses = statuses(&delivery);
    assert_eq!((statuses.first(), statuses.last()), (Some(&None), Some(&Some(200))), "{delivery}");
    assert!(delivery["attempts"][0]["error"].is_string() || delivery["attempts"][0]["error"].is_object());
}
