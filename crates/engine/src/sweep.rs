//! The background reconcilers: each looks at what is, and does what is missing. Woken by a signal or by a timer, each may run
//! at any moment, on any number of nodes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::incoming::LogRetention;
use domain::log::CancelReason;
use domain::{DeliveryId, Timestamp, WebhookId};
use store::StoreError;
use store::audit::RetainAudit;
use store::imports::ForgetImports;
use store::once::Forget;
use store::queue::{CancelWaiting, Claim, GiveBack, Heartbeat, LeasedTo, LiveNodes, ReleaseDead, Waiting};
use store::retention::{OwnLog, Retain, RetainOf, RetainStatistics};
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use crate::core::Core;
use crate::error::chain;
use crate::outcome::Outcome;
use crate::resume::Resumed;

/// How often the table is asked for what is due. Retries are planned in seconds.
const SWEEP: Duration = Duration::from_secs(1);
/// How often a node says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long it takes until all nodes have counted a new one: a heartbeat, and some for a busy database.
const KNOWN_AFTER_MS: i64 = 4_000;
/// How long a node that says nothing is taken to be alive: several heartbeats, so that a pause is not a death.
const NODE_LIFETIME_MS: i64 = 15_000;
/// How often the configuration's version is asked for: how late a node notices what another one changed, when nothing comes in.
const CONFIG_POLL: Duration = Duration::from_secs(1);
/// How often it is looked whether a webhook is active again.
const RESUME: Duration = Duration::from_secs(1);
/// How often expired keys are forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// How long the report of an import, and with it the file, is kept: whoever asked for it has looked by then.
const IMPORT_KEPT_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// How often it is looked whether logs are too old.
const RETAIN: Duration = Duration::from_secs(600);
/// How often partitions are prepared; they are made days ahead.
const PREPARE_DAYS: Duration = Duration::from_secs(3_600);
/// Rows changed in one transaction of housekeeping, so that nobody waits long for it.
const CHUNK: usize = 1_000;

/// How often it is looked for deliveries that are leased to this node and that it does not have: longer than any transaction lasts.
const ASTRAY: Duration = Duration::from_secs(60);
/// Transactions in which the deliveries of one webhook are cancelled before it is looked again for what others have due.
const CANCELLED_AT_ONCE: usize = 20;

/// Starts all of them.
pub(crate) fn start(core: &Arc<Core>) {
    tokio::spawn(every(SWEEP, core.clone(), |core| async move { look(&core).await }));
    tokio::spawn(refills(core.clone()));
    tokio::spawn(every(HEARTBEAT, core.clone(), heartbeat));
    let astray = Arc::new(Mutex::new(HashSet::new()));
    tokio::spawn(every(ASTRAY, core.clone(), move |core| {
        let astray = astray.clone();
        async move { give_back_astray(&core, &mut *astray.lock().await).await }
    }));
    tokio::spawn(every(CONFIG_POLL, core.clone(), |core| async move { core.refresh().await }));
    let resumed = Arc::new(Mutex::new(Resumed::default()));
    tokio::spawn(every(RESUME, core.clone(), move |core| {
        let resumed = resumed.clone();
        async move { resumed.lock().await.look(&core).await }
    }));
    tokio::spawn(every(FORGET, core.clone(), forget));
    tokio::spawn(every(RETAIN, core.clone(), retain));
    tokio::spawn(every(PREPARE_DAYS, core.clone(), |core| async move {
        core.store.prepare_days(core.now()).await
    }));
}

/// Runs a reconciler again and again until the engine stops. A failure is logged, and is no reason to stop.
async fn every<F>(period: Duration, core: Arc<Core>, run: impl Fn(Arc<Core>) -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut timer = tokio::time::interval(period);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if core.is_stopping() {
            return;
        }
        if let Err(error) = run(core.clone()).await {
            tracing::warn!(error = %chain(&error), "background work failed and will be tried again");
        }
    }
}

/// Refills whenever there is room again, beside [`look`]: that takes its time where there are many webhooks.
async fn refills(core: Arc<Core>) {
    while !core.is_stopping() {
        // The timer is for the end only.
        let _ = tokio::time::timeout(SWEEP, core.dispatcher.room_again.notified()).await;
        if let Err(error) = refill(&core).await {
            tracing::warn!(error = %chain(&error), "deliveries that wait could not be claimed and will be tried again");
        }
    }
}

/// Looks for webhooks with deliveries that are due, and for those that get none any more.
async fn look(core: &Core) -> Result<(), StoreError> {
    let now = core.now();
    let (executing, queued) = core.dispatcher.load();
    metrics::gauge!("ccsp_deliveries_in_flight").set(executing as f64);
    metrics::gauge!("ccsp_deliveries_queued").set(queued as f64);
    let mut unwanted = Vec::new();
    for (webhook_id, due_at) in core.store.read(Waiting).await? {
        let snapshot = core.snapshot();
        match snapshot.outgoing.get(&webhook_id) {
            Some(outgoing) if outgoing.is_active() && due_at <= now => {
                core.dispatcher.due_in_table(&webhook_id)
            }
            Some(outgoing) if outgoing.gets_deliveries() => {}
            _ => unwanted.push(webhook_id),
        }
    }
    core.dispatcher.room_again.notify_one();
    for webhook_id in unwanted {
        cancel(core, webhook_id).await?;
    }
    Ok(())
}

async fn cancel(core: &Core, webhook_id: WebhookId) -> Result<(), StoreError> {
    // The webhook may be newer than our configuration.
    core.refresh().await?;
    let snapshot = core.snapshot();
    let outgoing = snapshot.outgoing.get(&webhook_id);
    let reason = match outgoing {
        Some(outgoing) if outgoing.gets_deliveries() => return Ok(()),
        Some(outgoing) if outgoing.webhook.disabled_reason.is_some() => CancelReason::WebhookDisabled,
        Some(_) => CancelReason::WebhookInactive,
        None => CancelReason::WebhookDeleted,
    };
    let seen = outgoing.map(|outgoing| outgoing.webhook.updated_at);
    let cancel = || CancelWaiting { webhook_id: webhook_id.clone(), seen, reason, limit: CHUNK };
    for _ in 0..CANCELLED_AT_ONCE {
        if core.store.write(cancel()).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Claims deliveries for destinations that have room, until none has.
async fn refill(core: &Core) -> Result<(), StoreError> {
    loop {
        let wants = core.dispatcher.begin_refill();
        if wants.is_empty() {
            return Ok(());
        }
        claim(core, wants).await?;
    }
}

/// Claims for these. What can't be read of one must not keep the others waiting: then each is claimed for alone.
async fn claim(core: &Core, wants: Vec<(WebhookId, usize)>) -> Result<(), StoreError> {
    match claim_at_once(core, &wants).await {
        Err(error) if wants.len() > 1 && !error.is_passing() => {}
        Err(error) => {
            core.dispatcher.refill_failed(&wants);
            return Err(error);
        }
        Ok(()) => return Ok(()),
    }
    for want in wants {
        let alone = [want];
        if let Err(error) = claim_at_once(core, &alone).await {
            core.dispatcher.refill_failed(&alone);
            let [(webhook_id, _)] = &alone;
            tracing::error!(error = %chain(&error), webhook.id = %webhook_id, "what waits for a webhook can't be read");
        }
    }
    Ok(())
}

async fn claim_at_once(core: &Core, wants: &[(WebhookId, usize)]) -> Result<(), StoreError> {
    let claim = Claim { wants: wants.to_vec(), node: core.node.clone(), now: core.now() };
    let found = core.store.write(claim).await?;
    core.dispatcher.refilled(wants, found);
    Ok(())
}

/// Says that this node is alive, and gives back what dead ones hold.
async fn heartbeat(core: Arc<Core>) -> Result<(), StoreError> {
    let known_until = beat(&core).await?;
    if known_until.is_none() {
        let waiting = core.dispatcher.withdraw_all();
        tracing::warn!(
            deliveries = waiting.len(),
            "the other nodes took this one for dead: what it held is theirs"
        );
        for id in waiting {
            let _ = core.outcomes.send(Outcome::GivenBack(id)).await;
        }
    }
    if known_until.is_none_or(|until| until <= core.now()) {
        // It was silent itself for so long, as after an outage of the database: then the others are given the time to say
        // that they live.
        return Ok(());
    }
    let given_back = core.store.write(ReleaseDead { now: core.now() }).await?;
    if given_back > 0 {
        tracing::warn!(deliveries = given_back, "took over the deliveries of a node that died");
    }
    Ok(())
}

/// Gives back what is leased to this node although it has nothing of it, now and a while ago: where the answer of a transaction
/// was lost that the database had done, nobody knows what it leased.
async fn give_back_astray(core: &Core, before: &mut HashSet<DeliveryId>) -> Result<(), StoreError> {
    let leased = core.store.read(LeasedTo { node: core.node.clone() }).await?;
    let astray = core.dispatcher.astray(leased);
    let deliveries: Vec<DeliveryId> = astray.intersection(before).copied().collect();
    *before = astray;
    if deliveries.is_empty() {
        return Ok(());
    }
    tracing::warn!(deliveries = deliveries.len(), "deliveries whose lease nobody knew of are given back");
    core.store.write(GiveBack { node: core.node.clone(), deliveries }).await
}

/// Joins the nodes that are there: says that this one lives, and takes its share of limits when all know of it.
pub(crate) async fn join(core: &Core) -> Result<(), StoreError> {
    beat(core).await?;
    if core.nodes.load(Ordering::Relaxed) > 1 {
        core.dispatcher.share_from(core.now().plus_millis(KNOWN_AFTER_MS));
    }
    Ok(())
}

async fn beat(core: &Core) -> Result<Option<Timestamp>, StoreError> {
    let expires_at = core.now().plus_millis(NODE_LIFETIME_MS);
    let known_until = core.store.write(Heartbeat { node: core.node.clone(), expires_at }).await?;
    if core.store.is_shared() {
        let live = core.store.read(LiveNodes { now: core.now() }).await?;
        core.nodes.store(u32::try_from(live).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    }
    Ok(known_until)
}

/// Gives back what a process before this one held, where there can be no other process: see [`store::Store::is_shared`].
pub(crate) async fn release_all(core: &Core) -> Result<u64, StoreError> {
    core.store.write(ReleaseDead { now: Timestamp::from_millis(i64::MAX) }).await
}

async fn forget(core: Arc<Core>) -> Result<(), StoreError> {
    let snapshot = core.snapshot();
    core.dispatcher.sender().retain_tokens(|id| {
        snapshot.outgoing.get(id).is_some_and(|outgoing| outgoing.secrets.auth.token_url().is_some())
    });
    while core.store.write(Forget { now: core.now(), limit: CHUNK as i64 }).await? > 0 {}
    core.store.write(ForgetImports { before: core.now().plus_millis(-IMPORT_KEPT_MS) }).await
}

async fn retain(core: Arc<Core>) -> Result<(), StoreError> {
    let snapshot = core.snapshot();
    for (webhook_id, incoming) in &snapshot.incoming {
        let kept = incoming.webhook.settings.log_retention;
        retain_of(&core, OwnLog::Requests, webhook_id, kept).await?;
    }
    for (webhook_id, outgoing) in &snapshot.outgoing {
        let kept = outgoing.webhook.settings.log_retention;
        retain_of(&core, OwnLog::Deliveries, webhook_id, kept).await?;
    }
    let (now, limit) = (core.now(), CHUNK as i64);
    // Also where logs are kept for ever: nobody is shown older ones.
    while !core.is_stopping() && core.store.write(RetainStatistics { now, limit }).await? > 0 {}
    if let Some(kept_ms) = core.log_retention.audit_ms {
        let before = now.plus_millis(-kept_ms);
        while !core.is_stopping() && core.store.write(RetainAudit { before, limit }).await? > 0 {}
    }
    let Some(kept_ms) = core.log_retention.age_ms else { return Ok(()) };
    let before = now.plus_millis(-kept_ms);
    core.store.drop_days(before).await?;
    while !core.is_stopping() && core.store.write(Retain { before, limit }).await? > 0 {}
    Ok(())
}

/// What a webhook keeps of its own log: what its setting says, or else as many entries as every webhook does.
async fn retain_of(
    core: &Core,
    log: OwnLog,
    webhook_id: &WebhookId,
    kept: Option<LogRetention>,
) -> Result<(), StoreError> {
    let days = kept.and_then(|kept| kept.days);
    let entries = kept.and_then(|kept| kept.entries).or(core.log_retention.entries);
    let before = days.map(|days| core.now().plus_millis(-i64::from(days) * 24 * 3_600 * 1_000));
    if before.is_none() && entries.is_none() {
        return Ok(());
    }
    let webhook_id = webhook_id.clone();
    let retain = || RetainOf { log, webhook_id: webhook_id.clone(), before, entries, limit: CHUNK as i64 };
    while !core.is_stopping() && core.store.write(retain()).await? > 0 {}
    Ok(())
}
