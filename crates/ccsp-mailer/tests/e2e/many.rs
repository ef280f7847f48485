//! Many destinations that are all behind: they get even shares.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use testkit::Receiver;
use testkit::receiver::{Answer, Reply, always};

use crate::support::{Kind, Server, World, text};

on_both_databases!(destinations_that_are_behind_get_even_shares);

const DESTINATIONS: usize = 200;
/// Deliveries to each. All of them are more than a node has attempts under way.
const EACH: usize = 24;
/// A debug build on a busy machine sends some hundred a second.
const DRAINED: Duration = Duration::from_secs(150);

async fn destinations_that_are_behind_get_even_shares(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Reply::Hang));
    server.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    let settings = json!({"events": ["order_paid"], "concurrency": 4});
    let mut outgoing = Vec::new();
    for number in 0..DESTINATIONS {
        outgoing.push(server.outgoing(&receiver.url(&format!("/{number}")), settings.clone()).await);
    }
    let events: Vec<_> =
        (0..EACH).map(|order| json!({"event": "order_paid", "data": {"order": order}})).collect();
    server.make("/events", json!(events)).await;
    // Nothing was answered, so after this all of them wait.
    server.program.kill9().await.unwrap();
    receiver.otherwise(always(Answer::ok()));
    let before = receiver.count();
    let server = Server::of(node.start().await.unwrap(), server.key.clone());

    let all = DESTINATIONS * EACH;
    let arrived = receiver.wait_for(before + all, DRAINED).await.unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for request in &arrived[before..before + all / 2] {
        *counts.entry(request.path()).or_default() += 1;
    }
    let fairness = jain(counts.values().map(|count| *count as f64), DESTINATIONS);
    assert!(fairness >= 0.95, "{fairness}: {counts:?}");
    for webhook in &outgoing {
        let stats = server.settled(webhook, DRAINED).await;
        assert_eq!(stats["delivered"], EACH, "{}: {stats}", text(&webhook["url"]));
    }
}

/// Jain's index over so many: 1 if all have as much, 1/n if one has it all.
fn jain(shares: impl Iterator<Item = f64>, count: usize) -> f64 {
    let (sum, squares) =
        shares.fold((0.0, 0.0), |(sum, squares), share| (sum + share, squares + share * share));
    sum * sum / (count as f64 * squares)
}
