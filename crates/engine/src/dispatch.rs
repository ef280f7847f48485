//! Sends what is to be sent: one bounded queue a destination, so that one that hangs slows no other.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use delivery::{Buckets, Limits, Queues, Rate};
use domain::{DeliveryId, Timestamp, WebhookId};
use parking_lot::Mutex;
use store::queue::DueDelivery;
use tokio::sync::{Notify, mpsc};

use arc_swap::ArcSwap;

use crate::attempt::Sender;
use crate::health::Gate;
use crate::item::{Decided, Done};
use crate::outcome::Outcome;
use crate::room::Room;
use crate::snapshot::{Outgoing, Snapshot};

/// Deliveries to one destination in memory, waiting or under way. What is past it waits in the table, so this bounds memory,
/// not throughput: a refill brings half of it in one statement.
const WINDOW: usize = 1_024;
/// Deliveries to all destinations in memory, beyond the one that each may have: some tens of MiB with events of a KiB. Sixteen
/// destinations that are far behind have their whole window; ten thousand have three places each.
const ALL_WINDOWS: usize = 32_768;
/// Attempts under way at once, to all destinations: a connection of some tens of KiB each. Enough for some hundred that hang
/// until their timeout, beside those that answer.
pub const MAX_UNDER_WAY: usize = 4_096;
/// Deliveries claimed in one transaction: SQLite's writer is busy with them for some 10 ms.
const CLAIMED: usize = 512;
/// Of them, those of one destination while many are behind: few, so that shares are even, and some, for each costs a statement.
const LEAST_CLAIMED: usize = 2;

/// How many seconds' worth of deliveries of a limited webhook are in memory: the rest waits in the table, where every node
/// finds it, so that all nodes send although only one of them got the events.
const SECONDS_AHEAD: u64 = 2;
/// How long a delivery that has to wait for its turn waits at most before it is looked again whether it still has to.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long an attempt waits for which this machine lacked something.
const SHORTAGE: Duration = Duration::from_secs(1);
/// How often that is said.
const WARN_AGAIN_MS: i64 = 10_000;
/// Limited webhooks of which it is known how much they were sent: a few MiB.
const MAX_PACED: usize = 65_536;

pub(crate) struct Dispatcher {
    queues: Mutex<State>,
    /// The deliveries that this process has, from their lease until what became of them is recorded. Counted: one may be leased again
    /// before it is known here that it was recorded.
    held: Mutex<HashMap<DeliveryId, u32>>,
    sender: Sender,
    snapshot: Arc<ArcSwap<Snapshot>>,
    outcomes: mpsc::Sender<Outcome>,
    /// Who gets nothing at this moment.
    gate: Arc<Gate>,
    /// How many nodes share a limit.
    nodes: Arc<AtomicU32>,
    /// From when on this node sends to limited webhooks: the others have to know of it before.
    shares_from: AtomicI64,
    /// When it was last said that this machine lacks something.
    warned_at: AtomicI64,
    /// Says that a destination that has spilled has room again.
    pub(crate) room_again: Notify,
    /// Says that an attempt or a transaction has ended while the dispatcher stops.
    ended: Notify,
}

struct State {
    queues: Queues<WebhookId, DueDelivery>,
    /// What limited webhooks were sent of late, by this node.
    paced: Buckets<WebhookId>,
    /// Those of them that someone waits for already.
    waking: HashSet<WebhookId>,
    stopping: bool,
}

impl Dispatcher {
    pub(crate) fn new(
        sender: Sender,
        snapshot: Arc<ArcSwap<Snapshot>>,
        outcomes: mpsc::Sender<Outcome>,
        nodes: Arc<AtomicU32>,
        gate: Arc<Gate>,
        under_way: usize,
    ) -> Self {
        let in_flight = under_way.min(MAX_UNDER_WAY);
        let limits = Limits { per_destination: WINDOW, total: ALL_WINDOWS, in_flight };
        let state = State {
            queues: Queues::new(limits),
            paced: Buckets::new(MAX_PACED),
            waking: HashSet::new(),
            stopping: false,
        };
        Self {
            nodes,
            queues: Mutex::new(state),
            held: Mutex::default(),
            sender,
            snapshot,
            outcomes,
            gate,
            shares_from: AtomicI64::new(i64::MIN),
            warned_at: AtomicI64::new(0),
            room_again: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Takes what a commit has made.
    pub(crate) fn take(self: &Arc<Self>, jobs: Vec<DueDelivery>, spilled: &[WebhookId]) {
        self.hold(jobs.iter().map(|job| job.id));
        let mut destinations = Vec::new();
        {
            let mut state = self.queues.lock();
            for job in jobs {
                let webhook_id = job.webhook_id.clone();
                if destinations.last() != Some(&webhook_id) {
                    destinations.push(webhook_id.clone());
                }
                // A job without a place can't be: places are reserved before the commit. Its row would wait for the lease.
                let id = job.id;
                if state.queues.push(&webhook_id, job).is_err() {
                    self.let_go([id].iter());
                }
            }
            for webhook_id in spilled {
                state.queues.mark_spilled(webhook_id);
            }
            if state.stopping {
                self.ended.notify_one();
            }
        }
        if !spilled.is_empty() {
            self.room_again.notify_one();
        }
        for webhook_id in destinations {
            self.start(&webhook_id);
        }
    }

    /// Says that this process has these deliveries.
    pub(crate) fn hold(&self, ids: impl Iterator<Item = DeliveryId>) {
        let mut held = self.held.lock();
        ids.for_each(|id| *held.entry(id).or_default() += 1);
    }

    /// Says that it has them no more, once that is recorded.
    pub(crate) fn let_go<'a>(&self, ids: impl Iterator<Item = &'a DeliveryId>) {
        let mut held = self.held.lock();
        for id in ids {
            if let Entry::Occupied(mut times) = held.entry(*id) {
                *times.get_mut() -= 1;
                if *times.get() == 0 {
                    times.remove();
                }
            }
        }
    }

    /// Those of these that this process does not have, although they are leased to it.
    pub(crate) fn astray(&self, leased: Vec<DeliveryId>) -> HashSet<DeliveryId> {
        let held = self.held.lock();
        leased.into_iter().filter(|id| !held.contains_key(id)).collect()
    }

    /// Takes what a batch came to.
    pub(crate) fn take_decided(self: &Arc<Self>, decided: Decided) -> Vec<Done> {
        decided.reservation.hand_over();
        self.take(decided.jobs, &decided.spilled);
        decided.done
    }

    /// Starts as many as may be under way at once.
    fn start(self: &Arc<Self>, webhook_id: &WebhookId) {
        while let Some(job) = self.next(webhook_id) {
            tokio::spawn(self.clone().work(job));
        }
    }

    fn next(self: &Arc<Self>, webhook_id: &WebhookId) -> Option<DueDelivery> {
        if self.gate.holds(webhook_id) {
            return None;
        }
        let snapshot = self.snapshot.load();
        let outgoing = snapshot.outgoing.get(webhook_id);
        // Of a webhook that is gone, one after the other: they are only given back.
        let concurrency = outgoing.map_or(1, |outgoing| outgoing.webhook.settings.concurrency);
        let concurrency = usize::try_from(concurrency).unwrap_or(1);
        let mut state = self.queues.lock();
        if state.stopping {
            return None;
        }
        if let Some(rate) = outgoing.and_then(|outgoing| outgoing.rate()) {
            if !state.queues.can_start(webhook_id, concurrency) {
                // None; but if others stand in the way it is in line from here on.
                return state.queues.start(webhook_id, concurrency);
            }
            let (sharers, now) = (self.sharers(), self.sender.now().millis());
            if let Err(wait) = state.paced.take_paced(webhook_id.clone(), rate, sharers, now) {
                if state.waking.insert(webhook_id.clone()) {
                    self.wake(webhook_id.clone(), wait);
                }
                return None;
            }
        }
        state.queues.start(webhook_id, concurrency)
    }

    /// Starts what waits for its turn, when it comes.
    fn wake(self: &Arc<Self>, webhook_id: WebhookId, wait_ms: i64) {
        let wait = Duration::from_millis(wait_ms.unsigned_abs()).min(LOOK_AGAIN);
        let dispatcher = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            dispatcher.queues.lock().waking.remove(&webhook_id);
            dispatcher.start(&webhook_id);
        });
    }

    /// Leaves limited webhooks to the other nodes until then: before, they don't know that they share with this one.
    pub(crate) fn share_from(&self, moment: Timestamp) {
        self.shares_from.store(moment.millis(), Ordering::Relaxed);
    }

    fn sharers(&self) -> u32 {
        self.nodes.load(Ordering::Relaxed)
    }

    /// How often deliveries of this webhook may be sent, if that is limited.
    fn rate(&self, webhook_id: &WebhookId) -> Option<Rate> {
        self.snapshot.load().outgoing.get(webhook_id)?.rate()
    }

    async fn work(self: Arc<Self>, first: DueDelivery) {
        let webhook_id = first.webhook_id.clone();
        let mut job = Some(first);
        while let Some(delivery) = job {
            let outcome = self.attempt(&delivery).await;
            // The recorder ends after everyone who sends to it.
            let _ = self.outcomes.send(outcome).await;
            self.finish(&webhook_id);
            job = self.next(&webhook_id);
            if job.is_some() {
                // More than one may be under way again, if it was others that stood in the way.
                self.start(&webhook_id);
            }
        }
    }

    /// Ends an attempt, and lets those have the place who wait for one.
    fn finish(self: &Arc<Self>, webhook_id: &WebhookId) {
        let (mut turn, wants_refill, stopping) = {
            let mut state = self.queues.lock();
            state.queues.finish(webhook_id);
            (state.queues.next_turn(), state.queues.wants_refill(), state.stopping)
        };
        if wants_refill {
            self.room_again.notify_one();
        }
        if stopping {
            self.ended.notify_one();
        }
        while let Some(webhook_id) = turn {
            self.start(&webhook_id);
            turn = self.queues.lock().queues.next_turn();
        }
    }

    /// Makes an attempt, if its webhook still gets any.
    pub(crate) async fn attempt(&self, delivery: &DueDelivery) -> Outcome {
        loop {
            let snapshot = self.snapshot.load_full();
            let outgoing = snapshot.outgoing.get(&delivery.webhook_id);
            let Some(outgoing) = outgoing.filter(|outgoing| outgoing.is_active()) else {
                return Outcome::GivenBack(delivery.id);
            };
            let mut attempt = self.sender.attempt(outgoing, delivery).await;
            if !attempt.is_local {
                // An answer of the old address says nothing of the new one: a 410 of it must not deactivate what has just moved.
                if !self.is_as_before(outgoing) {
                    attempt.row.sign = None;
                }
                return Outcome::Attempted(Box::new(attempt.row), delivery.event.clone());
            }
            if self.queues.lock().stopping {
                return Outcome::GivenBack(delivery.id);
            }
            // It keeps its place, so that all the less is under way.
            self.warn_of_shortage(attempt.row.error.as_deref().unwrap_or_default());
            tokio::time::sleep(SHORTAGE).await;
        }
    }

    /// Whether the settings of a webhook are as they were when an attempt began. A new refresh token is none of them.
    fn is_as_before(&self, outgoing: &Arc<Outgoing>) -> bool {
        let snapshot = self.snapshot.load();
        let now = snapshot.outgoing.get(&outgoing.webhook.id);
        now.is_some_and(|now| Arc::ptr_eq(now, outgoing) || now.webhook.settings == outgoing.webhook.settings)
    }

    fn warn_of_shortage(&self, error: &str) {
        let (now, last) = (self.sender.now().millis(), self.warned_at.load(Ordering::Relaxed));
        let is_due = now.saturating_sub(last) >= WARN_AGAIN_MS;
        if is_due && self.warned_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            tracing::warn!(error, "deliveries wait because this machine lacks something");
        }
    }

    /// What makes attempts.
    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Takes places for the next refill, for as many webhooks as one transaction serves, each in its turn. It ends by
    /// [`Dispatcher::refilled`] or [`Dispatcher::refill_failed`].
    pub(crate) fn begin_refill(&self) -> Vec<(WebhookId, usize)> {
        let mut state = self.queues.lock();
        let (mut wants, mut places) = (Vec::new(), 0);
        let turn = (CLAIMED / state.queues.spilled_count().max(1)).max(LEAST_CLAIMED);
        while !state.stopping && places < CLAIMED {
            let Some(webhook_id) = state.queues.next_to_refill() else { break };
            let granted = self.places_for(&mut state, &webhook_id, turn.min(CLAIMED - places));
            if granted > 0 {
                places += granted;
                wants.push((webhook_id, granted));
            }
        }
        wants
    }

    fn places_for(&self, state: &mut State, webhook_id: &WebhookId, most: usize) -> usize {
        if self.gate.holds(webhook_id) {
            return 0;
        }
        let Some(rate) = self.rate(webhook_id) else { return state.queues.begin_refill(webhook_id, most) };
        if self.sender.now().millis() < self.shares_from.load(Ordering::Relaxed) {
            // It has its turn when the sweep finds it again.
            return 0;
        }
        let (held, ahead) = (state.queues.load(webhook_id).held(), ahead(rate, self.sharers()));
        // As with the whole window: when half of it is free, a claim is worth its statement.
        if held > ahead / 2 { 0 } else { state.queues.begin_refill(webhook_id, most.min(ahead - held)) }
    }

    /// Takes what a refill found; fewer of a webhook than places means that nothing more of it is due.
    pub(crate) fn refilled(self: &Arc<Self>, wants: &[(WebhookId, usize)], found: Vec<DueDelivery>) {
        let mut left: HashMap<&WebhookId, usize> = wants.iter().map(|(id, places)| (id, *places)).collect();
        for delivery in &found {
            if let Some(left) = left.get_mut(&delivery.webhook_id) {
                *left = left.saturating_sub(1);
            }
        }
        {
            let mut state = self.queues.lock();
            // In their turns, which they keep.
            wants.iter().for_each(|(id, _)| state.queues.end_refill(id, left.remove(id).unwrap_or(0)));
        }
        self.take(found, &[]);
    }

    /// Gives back the places of a refill of which nobody knows what it would have found: the webhooks stay spilled.
    pub(crate) fn refill_failed(&self, wants: &[(WebhookId, usize)]) {
        let mut state = self.queues.lock();
        wants.iter().for_each(|(webhook_id, places)| state.queues.abandon_refill(webhook_id, *places));
        if state.stopping {
            self.ended.notify_one();
        }
    }

    /// Says that deliveries to this webhook are due in the table.
    pub(crate) fn due_in_table(&self, webhook_id: &WebhookId) {
        self.queues.lock().queues.mark_spilled(webhook_id);
    }

    /// Goes on with a webhook that got nothing for a while.
    pub(crate) fn go_on(self: &Arc<Self>, webhook_id: &WebhookId) {
        self.due_in_table(webhook_id);
        self.room_again.notify_one();
        self.start(webhook_id);
    }

    /// Takes out what waits in memory for this webhook. The caller cancels it or gives it back.
    pub(crate) fn withdraw(&self, webhook_id: &WebhookId) -> Vec<DeliveryId> {
        let waiting = self.queues.lock().queues.drain_destination(webhook_id);
        waiting.into_iter().map(|delivery| delivery.id).collect()
    }

    /// Takes out all that waits in memory. The caller gives it back.
    pub(crate) fn withdraw_all(&self) -> Vec<DeliveryId> {
        let mut state = self.queues.lock();
        let waiting = state.queues.drain();
        waiting.iter().for_each(|delivery| state.queues.mark_spilled(&delivery.webhook_id));
        waiting.into_iter().map(|delivery| delivery.id).collect()
    }

    /// Starts nothing any more and forgets what waits: the table has it.
    pub(crate) fn stop(&self) {
        let mut state = self.queues.lock();
        state.stopping = true;
        state.queues.drain();
    }

    /// Waits until no attempt is under way, nor a transaction that leases deliveries to this node. To be called after
    /// [`Dispatcher::stop`].
    pub(crate) async fn idle(&self) {
        let is_busy = || {
            let load = self.queues.lock().queues.total_load();
            load.in_flight + load.reserved > 0
        };
        while is_busy() {
            self.ended.notified().await;
        }
    }

    /// How many deliveries to this webhook are in memory.
    pub(crate) fn held(&self, webhook_id: &WebhookId) -> i64 {
        i64::try_from(self.queues.lock().queues.load(webhook_id).held()).unwrap_or(i64::MAX)
    }

    /// How many attempts are under way, and how many deliveries wait in memory.
    pub(crate) fn load(&self) -> (usize, usize) {
        let load = self.queues.lock().queues.total_load();
        (load.in_flight, load.queued)
    }
}

/// How many deliveries of a limited webhook are in memory at most, on one of so many nodes.
fn ahead(rate: Rate, sharers: u32) -> usize {
    let share = u64::from(rate.count) * SECONDS_AHEAD / (u64::from(rate.seconds) * u64::from(sharers)).max(1);
    usize::try_from(share).unwrap_or(WINDOW).clamp(1, WINDOW)
}

impl Room for Dispatcher {
    fn reserve(&self, webhook: &WebhookId, want: usize) -> usize {
        // All nodes take it from the table, each at its pace, or later.
        let waits = self.rate(webhook).is_some() || self.gate.holds(webhook);
        let mut state = self.queues.lock();
        if state.stopping {
            return 0;
        }
        if waits {
            state.queues.mark_spilled(webhook);
            return 0;
        }
        state.queues.reserve(webhook, want)
    }

    fn release(&self, webhook: &WebhookId, count: usize) {
        let mut state = self.queues.lock();
        state.queues.release_reserved(webhook, count);
        if state.stopping {
            self.ended.notify_one();
        }
    }
}
