//! Deliveries that follow each other: a subscriber's one after the other, and nobody else's are held back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Receiver;
use testkit::receiver::{Answer, ReceivedRequest, Reply};

use crate::support::{Kind, Server, World, text};
use crate::two_nodes::pair;

on_both_databases!(a_failed_delivery_holds_back_its_subscribers_and_nobody_elses);

const SUBSCRIBERS: i64 = 4;
/// Events about each.
const EACH: usize = 6;
/// Whose deliveries fail at first.
const UNLUCKY: i64 = 2;
/// When what failed is tried again: early, and for as long as a machine that stalls may need for the others.
const SCHEDULE: [u32; 16] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 31, 38, 46, 55];
const PATIENCE: Duration = Duration::from_secs(90);

/// A webhook that keeps the order, and events about each subscriber in turn.
async fn set_up(server: &Server, receiver: &Receiver) -> (Value, Vec<Value>) {
    server.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    let settings = json!({"events": ["order_paid"], "ordering": "subscriber", "status": "paused",
        "retry": {"schedule_seconds": SCHEDULE}});
    let outgoing = server.outgoing(&receiver.url("/hook"), settings).await;
    assert_eq!(outgoing["ordering"], "subscriber");
    let about = |number: usize| (0..SUBSCRIBERS).map(move |id| (number, id));
    let events = (0..EACH)
        .flat_map(about)
        .map(|(number, id)| json!({"event": "order_paid", "data": {"subscriber_id": id, "number": number}}))
        .collect();
    (outgoing, events)
}

/// Fails one subscriber's deliveries until another's last one was taken, and every seventh request of the others.
fn unlucky() -> impl Fn(&ReceivedRequest, usize) -> Reply + Send + Sync + 'static {
    let another_is_done = AtomicBool::new(false);
    move |request, nth| {
        if about(request) == UNLUCKY {
            let is_its_turn = another_is_done.load(Ordering::Acquire);
            return if is_its_turn { Answer::ok().into() } else { StatusCode::SERVICE_UNAVAILABLE.into() };
        }
        if nth % 7 == 3 {
            return StatusCode::BAD_GATEWAY.into();
        }
        if number(request) == EACH as u64 - 1 {
            another_is_done.store(true, Ordering::Release);
        }
        Answer::ok().into()
    }
}

fn about(request: &ReceivedRequest) -> i64 {
    request.json().unwrap()["data"]["subscriber_id"].as_i64().unwrap()
}

fn number(request: &ReceivedRequest) -> u64 {
    request.json().unwrap()["data"]["number"].as_u64().unwrap()
}

/// The numbers of the events about each subscriber, as they arrived; what came again at once is told once.
fn orders(arrived: &[ReceivedRequest]) -> HashMap<i64, Vec<u64>> {
    let mut orders: HashMap<i64, Vec<u64>> = HashMap::new();
    for request in arrived {
        let number = number(request);
        let order = orders.entry(about(request)).or_default();
        if order.last() != Some(&number) {
            order.push(number);
        }
    }
    orders
}

fn check_order(arrived: &[ReceivedRequest]) {
    let orders = orders(arrived);
    assert_eq!(orders.len(), SUBSCRIBERS as usize);
    for (id, order) in orders {
        assert!(order.iter().copied().eq(0..EACH as u64), "subscriber {id}: {order:?}");
    }
}

async fn a_failed_delivery_holds_back_its_subscribers_and_nobody_elses(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(unlucky());
    let (outgoing, events) = set_up(&server, &receiver).await;
    server.make("/events", json!(events)).await;
    let path = format!("/outgoing-webhooks/{}", text(&outgoing["id"]));
    server.change(&path, json!({"status": "active"})).await;
    let stats = server.settled(&outgoing, PATIENCE).await;
    // If all waited for one, that one would be given up.
    assert_eq!(stats["delivered"], events.len(), "{stats}");
    check_order(&receiver.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_keep_it_together() {
    let world = World::new(Kind::Postgres).await;
    let (a, b) = pair(&world).await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(unlucky());
    let (outgoing, events) = set_up(&a, &receiver).await;
    let path = format!("/outgoing-webhooks/{}", text(&outgoing["id"]));
    a.change(&path, json!({"status": "active"})).await;
    for (number, event) in events.iter().enumerate() {
        let server = if number % 2 == 0 { &a } else { &b };
        server.make("/events", json!([event])).await;
    }
    let stats = a.settled(&outgoing, PATIENCE).await;
    assert_eq!(stats["delivered"], events.len(), "{stats}");
    check_order(&receiver.requests());
}
