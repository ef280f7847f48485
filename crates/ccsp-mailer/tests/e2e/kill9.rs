//! `kill -9` under load, ten times in a row: nothing that was acknowledged is lost, and nothing is done twice.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::load::{Load, unsteady_receiver};
use crate::support::{Kind, Server, World};

on_both_databases!(nothing_is_lost_and_nothing_is_done_twice);

const KILLS: usize = 10;

async fn nothing_is_lost_and_nothing_is_done_twice(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = unsteady_receiver().await;
    let incoming = server.incoming(json!({})).await;
    let settings = json!({"retry": {"schedule_seconds": [1, 2, 4]}});
    let outgoing = server.outgoing(&receiver.url("/hook"), settings).await;

    let mut random = StdRng::seed_from_u64(9);
    let (place, places) = watch::channel(server.program.address());
    let load = Load::start(&incoming, places, 1);
    for _ in 0..KILLS {
        load.more(random.random_range(50..300)).await;
        // Not to wait for anything, but to strike at any point of a request's way.
        sleep(Duration::from_micros(random.random_range(0..5_000))).await;
        server.program.kill9().await.unwrap();
        server = Server::of(node.start().await.unwrap(), server.key);
        place.send_replace(server.program.address());
    }
    load.more(100).await;
    let ledger = load.finish().await;
    assert!(ledger.acknowledged() > 500, "{} are too few to show anything", ledger.acknowledged());
    ledger.check(&server, &incoming, &outgoing, &receiver).await;
}
