//! Records what became of attempts, in batches.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use delivery::Sign;
use domain::{DeliveryId, WebhookId};
use store::health::HealthRow;
use store::queue::GiveBack;
use store::record::{AttemptRow, Record};
use store::{Store, StoreError};
use tokio::sync::mpsc;

use crate::core::Core;
use crate::dispatch::Dispatcher;
use crate::error::chain;
use crate::feed::Entry;
use crate::health::{self, watch};
use crate::item::Shared;
use crate::outcome::Outcome;

/// Attempts recorded in one transaction.
const BATCH: usize = 256;
/// How long to wait for more to record: nobody waits for it, and larger batches cost less.
const GATHER: Duration = Duration::from_millis(5);
/// How long to wait before recording is tried again when the database does not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// Records until nobody sends outcomes any more.
pub(crate) async fn run(
    store: Store,
    shared: Arc<Shared>,
    core: Weak<Core>,
    mut outcomes: mpsc::Receiver<Outcome>,
) {
    let node = &shared.node;
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
                    told.extend(shared.feed.heard(|| Entry::attempt(&attempt, &event, false)));
                    attempts.push(*attempt);
                }
                Outcome::GivenBack(id) => given_back.push(id),
                Outcome::Flush(done) => flushed.push(done),
            }
        }
        let attempts: Arc<[AttemptRow]> = attempts.into();
        count(&attempts, core.upgrade().as_deref());
        shared.gate.learn(&record(&store, node, &core, &attempts).await);
        if let Some(core) = core.upgrade() {
            start_what_follows(&core.dispatcher, &attempts);
        }
        shared.feed.tell(told);
        give_back(&store, node, &given_back).await;
        if let Some(core) = core.upgrade() {
            let attempted = attempts.iter().map(|attempt| &attempt.delivery_id);
            core.dispatcher.let_go(attempted.chain(&given_back));
        }
        for done in flushed {
            // Who asked may have lost patience.
            let _ = done.send(());
        }
    }
}

/// Returns how those destinations do for which that is not as before.
async fn record(
    store: &Store,
    node: &Arc<str>,
    core: &Weak<Core>,
    attempts: &Arc<[AttemptRow]>,
) -> Vec<HealthRow> {
    if attempts.is_empty() {
        return Vec::new();
    }
    let gone = gone(attempts);
    // What is not recorded is sent again after the lease.
    let failure = "attempts could not be recorded yet";
    match core.upgrade().filter(|_| !gone.is_empty()) {
        Some(core) => {
            let record = || watch::record_the_last(&core, attempts, gone.clone());
            until_done(record, attempts.len(), failure).await
        }
        None => {
            let work = || Record { node: node.clone(), attempts: attempts.clone(), judge: health::judge };
            until_done(|| store.write(work()), attempts.len(), failure).await
        }
    }
}

/// Webhooks whose destinations want no more, each once.
fn gone(attempts: &[AttemptRow]) -> Vec<WebhookId> {
    let gone = attempts.iter().filter(|attempt| attempt.sign == Some(Sign::Gone));
    let mut gone: Vec<WebhookId> = gone.map(|attempt| attempt.webhook_id.clone()).collect();
    gone.sort_unstable();
    gone.dedup();
    gone
}

/// Of deliveries that follow each other, the next ones wait for nothing but a claim now.
fn start_what_follows(dispatcher: &Dispatcher, attempts: &[AttemptRow]) {
    let followed = attempts.iter().filter(|attempt| attempt.subject.is_some());
    let webhooks: HashSet<&WebhookId> = followed.map(|attempt| &attempt.webhook_id).collect();
    if webhooks.is_empty() {
        return;
    }
    webhooks.into_iter().for_each(|webhook_id| dispatcher.due_in_table(webhook_id));
    dispatcher.room_again.notify_one();
}

async fn give_back(store: &Store, node: &Arc<str>, deliveries: &[DeliveryId]) {
    if deliveries.is_empty() {
        return;
    }
    let work = || GiveBack { node: node.clone(), deliveries: deliveries.to_vec() };
    // What is not given back waits as long as this process lives, and for nothing.
    let failure = "deliveries could not be given back yet";
    until_done(|| store.write(work()), deliveries.len(), failure).await;
}

/// Runs a transaction, again and again until the database takes it. If it did and the answer was lost, once more does no
/// harm: what is there already is neither written nor counted again.
async fn until_done<F, O>(run: impl Fn() -> F, count: usize, failure: &str) -> O
where
    F: Future<Output = Result<O, StoreError>>,
{
    loop {
        match run().await {
            Ok(output) => return output,
            Err(error) => {
                tracing::error!(error = %chain(&error), deliveries = count, "{failure}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn count(attempts: &[AttemptRow], core: Option<&Core>) {
    let seconds = metrics::histogram!("ccsp_delivery_attempt_seconds");
    let counting = core.map(|core| (core, core.now().millis()));
    let mut counts = BTreeMap::<&str, u64>::new();
    for attempt in attempts {
        if let Some((core, now)) = counting {
            let AttemptRow { webhook_id, status, duration_ms, .. } = attempt;
            core.series.count(webhook_id, *status, *duration_ms, now);
        }
        *counts.entry(attempt.status.as_str()).or_default() += 1;
        seconds.record(attempt.duration_ms as f64 / 1_000.0);
    }
    for (status, count) in counts {
        metrics::counter!("ccsp_delivery_attempts_total", "status" => status).increment(count);
    }
}
