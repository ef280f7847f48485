//! Records what became of attempts, in batches.

use std::sync::Arc;
use std::time::Duration;

use domain::DeliveryId;
use store::queue::GiveBack;
use store::record::{AttemptRow, Record};
use store::{Store, Work};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::error::chain;
use crate::feed::Entry;
use crate::item::Shared;
use crate::outcome::Outcome;

/// Attempts recorded in one transaction.
const BATCH: usize = 256;
/// How long to wait for more to record: nobody waits for it, and larger batches cost less.
const GATHER: Duration = Duration::from_millis(5);
/// How long to wait before recording is tried again when the database does not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// Records until nobody sends outcomes any more.
pub(crate) async fn run(store: Store, shared: Arc<Shared>, mut outcomes: mpsc::Receiver<Outcome>) {
    let (node, clock) = (&shared.node, &shared.clock);
    let mut batch = Vec::with_capacity(BATCH);
    while outcomes.recv_many(&mut batch, BATCH).await > 0 {
        if batch.len() < BATCH {
            tokio::time::sleep(GATHER).await;
            while batch.len() < BATCH
                && let Ok(outcome) = outcomes.try_recv()
            {
                batch.push(outcome);
            }
        }
        let (mut attempts, mut given_back, mut flushed) =
            (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        let mut told = Vec::new();
        for outcome in batch.drain(..) {
            match outcome {
                Outcome::Attempted(attempt, event) => {
                    if shared.feed.is_heard() {
                        told.push(Entry::attempt(&attempt, &event, false));
                    }
                    attempts.push(*attempt);
                }
                Outcome::GivenBack(id) => given_back.push(id),
                Outcome::Flush(done) => flushed.push(done),
            }
        }
        count(&attempts);
        record(&store, node, clock, &attempts).await;
        shared.feed.tell(told);
        give_back(&store, node, &given_back).await;
        for done in flushed {
            // Who asked may have lost patience.
            let _ = done.send(());
        }
    }
}

async fn record(store: &Store, node: &Arc<str>, clock: &Clock, attempts: &[AttemptRow]) {
    if attempts.is_empty() {
        return;
    }
    let work = || Record { node: node.clone(), attempts: attempts.to_vec(), now: clock.now() };
    // What is not recorded is sent again after the lease.
    until_done(store, work, attempts.len(), "attempts could not be recorded yet").await;
}

async fn give_back(store: &Store, node: &Arc<str>, deliveries: &[DeliveryId]) {
    if deliveries.is_empty() {
        return;
    }
    let work = || GiveBack { node: node.clone(), deliveries: deliveries.to_vec() };
    // What is not given back waits as long as this process lives, and for nothing.
    until_done(store, work, deliveries.len(), "deliveries could not be given back yet").await;
}

/// Runs a transaction, again and again until the database takes it. If it did and the answer was lost, once more does no
/// harm.
async fn until_done<W: Work>(store: &Store, work: impl Fn() -> W, count: usize, failure: &str) {
    while let Err(error) = store.write(work()).await {
        tracing::error!(error = %chain(&error), deliveries = count, "{failure}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn count(attempts: &[AttemptRow]) {
    for attempt in attempts {
        metrics::counter!("ccsp_delivery_attempts_total", "status" => attempt.status.as_str()).increment(1);
        metrics::histogram!("ccsp_delivery_attempt_seconds").record(attempt.duration_ms as f64 / 1_000.0);
    }
}
