//! Limits where several nodes serve one database.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::WebhookId;
use engine::Engine;
use outbound::Client;
use serde_json::json;
use store::{Location, Store};
use testkit::{TestDatabase, eventually};

use crate::running::{clock, post, put, reply, start};
use crate::support::NOW;

/// Heartbeats come every 3 s.
const PATIENCE: Duration = Duration::from_secs(30);

async fn knows_of(engine: &Engine, nodes: u32) {
    eventually("the node to know of the others", PATIENCE, async || (engine.nodes() == nodes).then_some(()))
        .await
        .unwrap();
}

/// How many of so many requests go through, and the seconds that the last of the others is to wait.
async fn passed(engine: &Engine, id: &WebhookId, requests: usize) -> (usize, Option<u32>) {
    let (mut passed, mut wait) = (0, None);
    for _ in 0..requests {
        let reply = reply(engine, post(id, &[], r#"{"data":{}}"#)).await;
        match reply.status {
            200 => passed += 1,
            429 => wait = reply.retry_after,
            other => panic!("{other}: {}", reply.body),
        }
    }
    (passed, wait)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_hold_one_limit() {
    let database = TestDatabase::create().await.unwrap();
    let store = || Store::open(&Location::Server(database.url().to_owned())).unwrap();
    store().migrate(NOW).await.unwrap();
    let (millis, clock) = clock();
    let client = || Client::new(outbound::Options::default()).unwrap();
    let a = start(&store(), clock.clone(), client(), 1).await;
    let of_all =
        put(&store(), "all", json!({"rate_limit": {"requests": 20, "per_seconds": 10}}), false).await;
    let of_each =
        put(&store(), "each", json!({"sender_rate_limit": {"requests": 20, "per_seconds": 10}}), false).await;
    a.refresh().await.unwrap();
    assert_eq!(a.nodes(), 1);
    assert_eq!(passed(&a, &of_all, 30).await.0, 20, "alone it has all");
    assert_eq!(passed(&a, &of_each, 30).await.0, 20, "alone it has all");

    // Another comes: each has a half, and what the first has let through counts on.
    let b = start(&store(), clock, client(), 2).await;
    assert_eq!(b.nodes(), 2);
    knows_of(&a, 2).await;
    // No farther than a node is taken to be alive without a word of it.
    millis.fetch_add(10_000, Ordering::SeqCst);
    for id in [&of_all, &of_each] {
        assert_eq!(passed(&a, id, 30).await, (10, Some(1)));
        assert_eq!(passed(&b, id, 30).await, (10, Some(1)));
    }
    millis.fetch_add(1_000, Ordering::SeqCst);
    let both = (passed(&a, &of_all, 5).await.0, passed(&b, &of_all, 5).await.0);
    assert_eq!(both, (1, 1), "20 in 10 s are two in one, one of them at each");

    // One leaves: the other has all again.
    b.stop(Duration::from_secs(5)).await;
    knows_of(&a, 1).await;
    millis.fetch_add(10_000, Ordering::SeqCst);
    assert_eq!(passed(&a, &of_all, 30).await.0, 20);
}
