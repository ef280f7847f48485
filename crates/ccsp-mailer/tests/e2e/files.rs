//! No file can be opened any more: deliveries wait, no destination is blamed for it, and nothing is lost.

use std::process::Command;

use http::StatusCode;
use serde_json::json;
use testkit::{Receiver, eventually};

use crate::support::{Kind, PATIENCE, World};

on_both_databases!(deliveries_wait_for_files);

const DELIVERIES: usize = 20;
/// More than the program has open in this test.
const ENOUGH: usize = 1_024;

async fn deliveries_wait_for_files(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({"events": ["order_paid"]})).await;
    server.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    let events: Vec<_> =
        (0..DELIVERIES).map(|order| json!({"event": "order_paid", "data": {"order": order}})).collect();

    let pid = server.program.pid();
    // No more than are open now; one that is closed meanwhile may be opened again.
    limit_files(pid, std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count());
    // Over the connection that is open already. For one to the database there may be no file.
    eventually("the events to be taken", PATIENCE, async || {
        let answer = server.post_with("/events", &[("idempotency-key", "all")], &json!(events)).await;
        (answer.status == StatusCode::CREATED).then_some(())
    })
    .await
    .unwrap();
    eventually("the shortage to be told", PATIENCE, async || {
        server.program.log().contains("this machine lacks something").then_some(())
    })
    .await
    .unwrap();

    limit_files(pid, ENOUGH);
    let stats = server.settled(&outgoing, PATIENCE).await;
    assert_eq!(
        (&stats["delivered"], &stats["retry_attempts"]),
        (&json!(DELIVERIES), &json!(0)),
        "none was taken for the destination's fault"
    );
    assert_eq!(receiver.count(), DELIVERIES);
}

/// The soft limit of a process that runs.
fn limit_files(pid: u32, count: usize) {
    let status = Command::new("prlimit")
        .args([format!("--pid={pid}"), format!("--nofile={count}:")])
        .status()
        .unwrap();
    assert!(status.success());
}
