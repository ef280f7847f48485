//! SIGTERM under load: the server stops by itself, in time, and what was under way is done after the next start.

use std::time::Duration;

use serde_json::json;
use testkit::receiver::{Answer, ReceivedRequest, Reply};
use tokio::sync::watch;

use crate::load::{Load, unsteady_receiver};
use crate::support::{Kind, PATIENCE, Server, World};

on_both_databases!(sigterm_under_load_loses_nothing);

/// What the server says when it did not wait until all was done.
const CUT_SHORT: [&str; 2] = ["some requests were still under way", "attempts are still under way"];

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
    let mut ended_well = 0;
    for _ in 0..2 {
        load.more(200).await;
        server.program.terminate().await.unwrap();
        let status = server.program.wait_exit(PATIENCE).await.unwrap();
        let log = server.program.log();
        assert_eq!(status.code(), Some(0), "{log}");
        ended_well += usize::from(!CUT_SHORT.iter().any(|said| log.contains(said)));
        server = Server::of(node.start().await.unwrap(), server.key);
        place.send_replace(server.program.address());
    }
    // Seconds suffice for all that is under way. A machine may stall for longer, but hardly both times.
    assert!(ended_well > 0, "it waits in vain");
    load.more(100).await;
    let ledger = load.finish().await;
    ledger.check(&server, &incoming, &outgoing, &receiver).await;
}
