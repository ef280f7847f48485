//! Looks at how destinations do, once a second and whenever that changes: who gets nothing gives back what it has in memory and
//! is probed, who is well again goes on, and what is to be told is told.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::WebhookId;
use store::commit::Commit;
use store::health::{ClaimProbe, HealthRow, LoadHealth};
use store::queue::{Claim, Waiting};
use store::record::{AttemptRow, Record};
use store::{Both, StoreError};
use tokio::time::MissedTickBehavior;

use super::judge;
use crate::command::Command;
use crate::core::Core;
use crate::error::chain;
use crate::item::Item;
use crate::outcome::Outcome;

/// How often the table is looked at: how late a node notices what another one has recorded.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut timer = tokio::time::interval(LOOK);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !core.is_stopping() {
        tokio::select! {
            _ = timer.tick() => {}
            () = core.shared.gate.changed.notified() => {}
        }
        if let Err(error) = look(&core).await {
            tracing::warn!(error = %chain(&error), "how destinations do could not be looked at and will be again");
        }
    }
}

async fn look(core: &Arc<Core>) -> Result<(), StoreError> {
    let rows = core.store.read(LoadHealth { webhooks: None }).await?;
    metrics::gauge!("ccsp_circuits_open").set(rows.iter().filter(|row| row.health.is_open()).count() as f64);
    for webhook_id in core.shared.gate.set(&rows) {
        core.dispatcher.go_on(&webhook_id);
    }
    let now = core.now();
    // One look for all: a claim that finds nothing is a transaction, and where everything is down most have nothing due.
    let waiting = match rows.iter().any(|row| row.health.wants_probe(now.millis())) {
        true => core.store.read(Waiting).await?,
        false => Vec::new(),
    };
    let due: HashSet<WebhookId> =
        waiting.into_iter().filter(|(_, due_at)| *due_at <= now).map(|(id, _)| id).collect();
    for row in rows {
        if row.health.is_open() {
            hold(core, &row, due.contains(&row.webhook_id)).await?;
        }
        if has_notice(core, &row) {
            settle(core, vec![row.webhook_id]).await?;
        }
    }
    Ok(())
}

/// Gives back what waits in memory, and makes a probe if it is time for one and a delivery is due.
async fn hold(core: &Arc<Core>, row: &HealthRow, has_due: bool) -> Result<(), StoreError> {
    for id in core.dispatcher.withdraw(&row.webhook_id) {
        let _ = core.outcomes.send(Outcome::GivenBack(id)).await;
    }
    let is_active =
        core.snapshot().outgoing.get(&row.webhook_id).is_some_and(|outgoing| outgoing.is_active());
    let now = core.now();
    if !is_active || !has_due || !row.health.wants_probe(now.millis()) || core.is_stopping() {
        return Ok(());
    }
    let claim = Claim { wants: vec![(row.webhook_id.clone(), 1)], node: core.node.clone(), now };
    let probing = row.health.probing(now.millis());
    let Some(probe) = core.store.write(ClaimProbe { seen: row.clone(), probing, claim }).await? else {
        return Ok(());
    };
    let core = core.clone();
    core.dispatcher.hold(std::iter::once(probe.id));
    core.shared.gate.probes.fetch_add(1, Ordering::AcqRel);
    tokio::spawn(async move {
        let outcome = core.dispatcher.attempt(&probe).await;
        let _ = core.outcomes.send(outcome).await;
        core.shared.gate.probes.fetch_sub(1, Ordering::AcqRel);
        core.shared.gate.ended.notify_waiters();
    });
    Ok(())
}

fn has_notice(core: &Core, row: &HealthRow) -> bool {
    match core.snapshot().outgoing.get(&row.webhook_id).filter(|outgoing| outgoing.gets_deliveries()) {
        Some(outgoing) => {
            let disable_after = core.shared.operations.disable_after(&outgoing.webhook.settings);
            row.health.notice(disable_after).is_some()
        }
        // Nobody is interested any more.
        None => true,
    }
}

async fn settle(core: &Core, webhooks: Vec<WebhookId>) -> Result<(), StoreError> {
    core.commit(settling(webhooks).into()).await?;
    core.mails_due.notify_one();
    core.refresh().await
}

fn settling(webhooks: Vec<WebhookId>) -> Vec<Item> {
    webhooks.into_iter().map(|id| Item::Command(Box::new(Command::Settle(id)))).collect()
}

/// Records attempts by some of which a destination says that it wants no more: its webhook is deactivated, and that told, in the
/// same transaction.
pub(crate) async fn record_the_last(
    core: &Core,
    attempts: &Arc<[AttemptRow]>,
    gone: Vec<WebhookId>,
) -> Result<Vec<HealthRow>, StoreError> {
    let run = |batch| {
        let record = Record { node: core.node.clone(), attempts: attempts.clone(), judge };
        core.store.write(Both(record, Commit::new(batch)))
    };
    let (changed, decided) = core.decide(settling(gone).into(), run).await?;
    core.settle(decided);
    core.mails_due.notify_one();
    core.refresh().await?;
    Ok(changed)
}
