//! Carries what happens on a node to those who listen on others, over the database: once a second, and only between nodes.
//!
//! Nodes write what happened only while someone listens elsewhere, and read it only while someone listens here. What is lost
//! on the way is in the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::EventId;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::feed::ExchangeFeed;
use tokio::time::MissedTickBehavior;

use crate::core::Core;
use crate::error::chain;
use crate::feed::Entry;

/// How often nodes tell each other.
const EXCHANGE: Duration = Duration::from_secs(1);
/// How much later than its id says something may become readable, in milliseconds: transactions take their time, and clocks
/// differ.
const OVERLAP_MS: i64 = 10_000;

/// What a node tells at once.
#[derive(Default, Serialize, Deserialize)]
struct Letter {
    entries: Vec<Entry>,
    missed: u64,
}

/// Exchanges until the engine stops. Without other nodes there is nothing to do.
pub(crate) async fn run(core: Arc<Core>) {
    if !core.store.is_shared() {
        return;
    }
    let mut timer = tokio::time::interval(EXCHANGE);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut read = BTreeSet::new();
    while !core.is_stopping() {
        timer.tick().await;
        if core.nodes.load(Ordering::Relaxed) < 2 {
            core.shared.feed.heard_elsewhere(false);
            continue;
        }
        if let Err(error) = exchange(&core, &mut read).await {
            tracing::warn!(error = %chain(&error), "what happens could not be told to other nodes");
        }
    }
}

async fn exchange(core: &Core, read: &mut BTreeSet<String>) -> Result<(), StoreError> {
    let (feed, now) = (&core.shared.feed, core.now());
    let after = EventId::lowest_at(now.plus_millis(-OVERLAP_MS)).to_string();
    read.retain(|id| *id > after);
    let (entries, missed) = feed.take_outbox();
    let told = (!entries.is_empty()).then(|| {
        let id: EventId = core.shared.ids.lock().next(now);
        // Texts and numbers always have a JSON form.
        (id.to_string(), serde_json::to_string(&Letter { entries, missed }).unwrap_or_default())
    });
    let listens = feed.is_heard_here();
    let work = ExchangeFeed { node: core.node.clone(), listens, told, after, now };
    let answer = core.store.write(work).await?;
    feed.heard_elsewhere(answer.is_heard);
    for (id, letter) in answer.told {
        if !read.insert(id) {
            continue;
        }
        // Another version of the program may have written it: then this node can't show it.
        let Letter { entries, missed } = serde_json::from_str(&letter).unwrap_or_default();
        feed.tell_here(entries, missed);
    }
    Ok(())
}
