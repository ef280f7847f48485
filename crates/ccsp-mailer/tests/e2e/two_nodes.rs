//! Two servers on one PostgreSQL: either does what the other did not get to, and both act on one configuration.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use testkit::{ProgramBuilder, Receiver, eventually};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::load::{Load, unsteady_receiver};
use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, text};

/// The key that both must have: 32 bytes in hexadecimal.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn node(world: &World, name: &str) -> ProgramBuilder {
    world.node(name).env("CCSP_MASTER_KEY", MASTER_KEY)
}

/// Two servers and a client of each, with one key.
pub async fn pair(world: &World) -> (Server, Server) {
    let a = Server::start(&node(world, "a")).await;
    let b = Server::of(node(world, "b").start().await.unwrap(), a.key.clone());
    (a, b)
}

/// Deliveries that a server has tried, by its own count.
pub async fn attempts(server: &Server) -> u64 {
    let authorization = format!("Bearer {}", server.key);
    let headers = [("authorization", authorization.as_str())];
    let answer = server.raw(Method::GET, "/metrics", &headers, "").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let counts = text.lines().filter(|line| line.starts_with("ccsp_delivery_attempts_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_either_loses_nothing() {
    let world = World::new(Kind::Postgres).await;
    let (mut a, mut b) = pair(&world).await;
    let receiver = unsteady_receiver().await;
    let incoming = a.incoming(json!({})).await;
    let settings = json!({"retry": {"schedule_seconds": [1, 2, 4]}});
    let outgoing = a.outgoing(&receiver.url("/hook"), settings).await;

    let (at_a, of_a) = watch::channel(a.program.address());
    let (at_b, of_b) = watch::channel(b.program.address());
    let (load_a, load_b) = (Load::start(&incoming, of_a, 1), Load::start(&incoming, of_b, 2));
    load_a.more(200).await;
    load_b.more(200).await;
    eventually("both to have sent", PATIENCE, async || {
        (attempts(&a).await > 0 && attempts(&b).await > 0).then_some(())
    })
    .await
    .unwrap();

    // A dies; its senders go to B, and repeat there what A did not acknowledge.
    a.program.kill9().await.unwrap();
    at_a.send_replace(b.program.address());
    load_a.more(200).await;
    a = Server::of(node(&world, "a").start().await.unwrap(), a.key);

    // Then B does, and its senders go to the new A.
    b.program.kill9().await.unwrap();
    at_a.send_replace(a.program.address());
    at_b.send_replace(a.program.address());
    load_b.more(200).await;

    let ledger = load_a.finish().await.and(load_b.finish().await);
    assert!(ledger.acknowledged() > 500, "{} are too few to show anything", ledger.acknowledged());
    ledger.check(&a, &incoming, &outgoing, &receiver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_is_told_the_other_knows_at_once() {
    let world = World::new(Kind::Postgres).await;
    let (a, b) = pair(&world).await;
    let receiver = Receiver::start().await.unwrap();
    a.make("/lists", json!({"name": "Newsletter"})).await;

    // A webhook that was made a moment ago takes requests at the other node.
    for _ in 0..10 {
        let incoming = a.incoming(json!({})).await;
        b.receive(&incoming, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    }

    // An outgoing webhook that was made a moment ago gets what happens at the other node.
    let incoming = a.incoming(json!({})).await;
    for number in 1..=10 {
        let outgoing = a.outgoing(&receiver.url("/hook"), json!({"events": ["subscriber_added"]})).await;
        let email = format!("{number}@example.com");
        let body = json!({"data": {"email": email}}).to_string();
        b.receive(&incoming, &[], &body).await.expect(StatusCode::OK).unwrap();
        let log = b.list(&format!("/outgoing-webhooks/{}/deliveries", text(&outgoing["id"]))).await;
        assert_eq!(log.len(), 1);
        a.delete(&format!("/outgoing-webhooks/{}", text(&outgoing["id"]))).await.unwrap();
    }

    // What was changed a moment ago is acted upon as it is now.
    let path = format!("/incoming-webhooks/{}", text(&incoming["id"]));
    for number in 1..=10 {
        let tag = format!("tag-{number}");
        a.change(&path, json!({"actions": [{"type": "add_subscriber", "tags": [tag]}]})).await;
        let email = format!("tagged-{number}@example.com");
        let body = json!({"data": {"email": email}}).to_string();
        b.receive(&incoming, &[], &body).await.expect(StatusCode::OK).unwrap();
        assert_eq!(a.subscriber(&email).await.unwrap()["tags"], json!([tag]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_away_is_gone_at_both() {
    let world = World::new(Kind::Postgres).await;
    let (a, b) = pair(&world).await;
    let incoming = a.incoming(json!({})).await;
    b.receive(&incoming, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
    a.delete(&format!("/incoming-webhooks/{}", text(&incoming["id"]))).await.unwrap();
    eventually("the webhook to be gone at the other node", PATIENCE, async || {
        let answer = b.receive(&incoming, &[], SPEC_PAYLOAD).await;
        (answer.status == StatusCode::NOT_FOUND).then_some(())
    })
    .await
    .unwrap();

    let made = a.make("/api-keys", json!({"name": "short-lived", "scope": "read"})).await;
    let other = b.with_key(text(&made["key"]));
    other.get("/lists").await.unwrap().expect(StatusCode::OK).unwrap();
    a.delete(&format!("/api-keys/{}", text(&made["id"]))).await.unwrap();
    eventually("the key to be refused at the other node", PATIENCE, async || {
        let answer = other.get("/lists").await.unwrap();
        (answer.status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn together_they_hold_the_limit_of_a_destination() {
    const RATE: usize = 10;
    let world = World::new(Kind::Postgres).await;
    let (a, b) = pair(&world).await;
    let receiver = Receiver::start().await.unwrap();
    a.make("/event-types", json!({"name": "order_paid", "description": "An order was paid."})).await;
    let settings = json!({"events": ["order_paid"], "rate_limit": {"requests": RATE, "per_seconds": 1}, "concurrency": 4});
    a.outgoing(&receiver.url("/limited"), settings).await;
    let other = Receiver::start().await.unwrap();
    a.outgoing(&other.url("/hook"), json!({"events": ["order_paid"]})).await;

    // All of them come to one node.
    let begun = Instant::now().into_std();
    let orders: Vec<_> =
        (0..310).map(|order| json!({"event": "order_paid", "data": {"order": order}})).collect();
    a.make("/events", json!(orders)).await;
    other.wait_for(orders.len(), PATIENCE).await.unwrap();
    assert!(receiver.requests().len() < orders.len(), "the limited one did not hold up the other");
    let arrived = receiver.wait_for(orders.len(), 3 * PATIENCE).await.unwrap();

    // Never more than the limit and one burst of it, also while one node does not know yet of the other. What is late stays
    // late: of a machine that stalls no window of time has a least.
    let mut after: Vec<Duration> = arrived.iter().map(|request| request.arrived - begun).collect();
    after.sort_unstable();
    for (number, at) in after.iter().enumerate() {
        let earliest = Duration::from_millis((number.saturating_sub(RATE) * 1_000 / RATE) as u64);
        assert!(*at >= earliest, "{number} too early: {after:?}");
    }
    assert!(attempts(&b).await >= 20, "b hardly took part");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_key_does_not_start() {
    let world = World::new(Kind::Postgres).await;
    let (_a, _b) = pair(&world).await;
    let error = world.node("c").start().await.unwrap_err();
    assert!(format!("{error:#}").contains("master key"), "{error:#}");
}
