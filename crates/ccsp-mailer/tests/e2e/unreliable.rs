//! A receiver that fails three requests in ten: everything arrives, and is accepted once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use testkit::Receiver;
use testkit::receiver::{Answer, ReceivedRequest, Reply};

use crate::support::{Kind, World, text};

on_both_databases!(everything_arrives_and_is_accepted_once);

const EVENTS: usize = 300;
/// The whole schedule takes 18 s.
const DONE: Duration = Duration::from_secs(120);

/// How often each delivery was accepted, by its `webhook-id`.
type Accepted = Arc<Mutex<HashMap<String, usize>>>;

/// Fails any request with a chance of 30 %: in one of several ways, none of which lets it be taken for accepted.
fn unreliable(accepted: Accepted) -> impl Fn(&ReceivedRequest, usize) -> Reply + Send + Sync + 'static {
    let random = Mutex::new(StdRng::seed_from_u64(30));
    move |request, _| {
        let mut random = random.lock().unwrap();
        if random.random_bool(0.3) {
            return match random.random_range(0..4) {
                0 => StatusCode::INTERNAL_SERVER_ERROR.into(),
                1 => StatusCode::TOO_MANY_REQUESTS.into(),
                2 => StatusCode::FOUND.into(),
                _ => Reply::Disconnect,
            };
        }
        let id = request.header("webhook-id").unwrap().to_owned();
        *accepted.lock().unwrap().entry(id).or_default() += 1;
        Answer::ok().into()
    }
}

async fn everything_arrives_and_is_accepted_once(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let accepted = Accepted::default();
    receiver.otherwise(unreliable(accepted.clone()));
    server.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    let schedule: Vec<u32> = (1..=18).collect();
    let settings = json!({"events": ["order_paid"], "retry": {"schedule_seconds": schedule}});
    let outgoing = server.outgoing(&receiver.url("/hook"), settings).await;
    let events: Vec<_> =
        (0..EVENTS).map(|order| json!({"event": "order_paid", "data": {"order": order}})).collect();
    server.make("/events", json!(events)).await;

    let stats = server.settled(&outgoing, DONE).await;
    assert_eq!((&stats["delivered"], &stats["failed"]), (&json!(EVENTS), &json!(0)), "{stats}");
    let arrived = receiver.requests();
    assert!(
        arrived.len() > EVENTS * 5 / 4,
        "{} requests are too few for three failures in ten",
        arrived.len()
    );
    assert_eq!(stats["retry_attempts"], arrived.len() - EVENTS, "{stats}");
    let accepted = accepted.lock().unwrap().clone();
    let told = server.list_all("/events").await;
    assert_eq!(told.len(), EVENTS);
    for event in &told {
        assert_eq!(accepted.get(text(&event["id"])), Some(&1), "{event}");
    }
    assert_eq!(accepted.len(), EVENTS);
}
