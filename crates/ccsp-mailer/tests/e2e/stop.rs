//! SIGTERM under load: the server stops by itself, in time, and what was under way is done after the next start.

use std::time::Duration;

use serde_json::json;
use testkit::receiver::{Answer, ReceivedRequest, Reply};
use tokio::sync::watch;

use crate::load::{Load, unsteady_receiver};
use crate::support::{Kind, Server, World};

on_both_databases!(sigterm_under_load_loses_nothing);

/// What the contract allows.
const STOP_LIMIT: Duration = Duration::from_secs(10);

async fn sigterm_under_load_loses_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let node = world.node("data");
    let mut server = Server::start(&node).await;
    let receiver = unsteady_receiver().await;
    // Slow enough that many deliveries wait and some are under way at every moment.
    receiver.on("/slow", |_: &ReceivedRequest, nth: usize| match nth {
        5 => Reply::Disconnect,
        _ => Reply::Delayed(Duration::from_millis(100), Answer::ok()),
    });
    let incoming = server.incoming(json!({})).await;
    let outgoing = server.outgoing(&receiver.url("/slow"), json!({"concurrency": 64})).await;

    let (place, places) = watch::channel(server.program.address());
    let load = Load::start(&incoming, places, 1);
    for _ in 0..2 {
        load.more(200).await;
        server.program.terminate().await.unwrap();
        let status = server.program.wait_exit(STOP_LIMIT).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", server.program.log());
        server = Server::of(node.start().await.unwrap(), server.key);
        place.send_replace(server.program.address());
    }
    load.more(100).await;
    let ledger = load.finish().await;
    ledger.check(&server, &incoming, &outgoing, &receiver).await;
}
