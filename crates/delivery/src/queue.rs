//! What waits to be sent: one bounded queue for each destination.
//!
//! A destination has a window of slots. A slot is held from the moment it is reserved, through the time its
//! job is queued, until the job is finished. So a destination that hangs fills its own window and nothing
//! else, and memory is bounded by the number of destinations times the window.
//!
//! The deliveries themselves are rows of a table, and what finds no slot waits there: the destination has
//! *spilled*. How the pieces use it, each under the same mutex and never across I/O:
//!
//! - **The committer** calls [`reserve`](Queues::reserve) before it writes, writes as many rows as it got slots
//!   already leased to this node, and the rest free for anyone. After the commit it [`push`](Queues::push)es
//!   the jobs that have a slot and calls [`mark_spilled`](Queues::mark_spilled) if there was a rest. If the
//!   commit failed, it calls [`release_reserved`](Queues::release_reserved).
//! - **The workers** take jobs with [`start`](Queues::start) until it gives none, and end each with
//!   [`finish`](Queues::finish).
//! - **The sweeper** (one a process) refills. Woken by a timer it marks the destinations for which the table
//!   has due rows (retries, and what a dead node left behind). Then it goes through
//!   [`destinations_to_refill`](Queues::destinations_to_refill). For each it calls
//!   [`begin_refill`](Queues::begin_refill), claims as many rows as it got slots, `push`es them and calls
//!   `release_reserved` for what is left over. If anything was left over, the table has no more, and it calls
//!   [`mark_caught_up`](Queues::mark_caught_up).
//!
//! While a destination is spilled, `reserve` gives it nothing: older rows are waiting, and new ones must not
//! overtake them, or they would wait for as long as new ones keep coming.
//!
//! Invariants, each with a property test: reserved, queued and in flight never exceed the window; jobs leave in
//! the order in which they came, each once; what one destination does never changes another's room; an idle
//! destination takes no memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How much the queues may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The window: how many jobs a destination may have in memory, be they reserved, queued or in flight.
    /// 0 counts as 1: with no slot at all nothing would ever be sent.
    pub per_destination: usize,
}

/// What a destination holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Slots reserved for jobs that are not here yet.
    pub reserved: usize,
    /// Jobs that wait.
    pub queued: usize,
    /// Jobs that were started and not finished.
    pub in_flight: usize,
}

impl Load {
    /// All of it.
    pub fn held(&self) -> usize {
        self.reserved + self.queued + self.in_flight
    }
}

/// A job was pushed without a reserved slot. It was not taken in: its row waits in the table until its lease
/// runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no slot is reserved for this destination")]
pub struct NotReserved;

/// Bounded queues of jobs `J`, one for each destination `K`.
#[derive(Debug)]
pub struct Queues<K, J> {
    limits: Limits,
    /// Destinations that hold a slot, and only those.
    destinations: HashMap<K, Destination<J>>,
    /// Destinations for which rows wait in the table. They may hold no slot at all.
    spilled: HashMap<K, Spill>,
}

#[derive(Debug)]
struct Destination<J> {
    reserved: usize,
    in_flight: usize,
    queued: VecDeque<J>,
}

#[derive(Debug)]
struct Spill {
    /// Rows may have come after the last refill began, so what it read of the table doesn't show that
    /// nothing waits.
    since_refill: bool,
}

impl<J> Destination<J> {
    fn new() -> Self {
        Self { reserved: 0, in_flight: 0, queued: VecDeque::new() }
    }

    fn load(&self) -> Load {
        Load { reserved: self.reserved, queued: self.queued.len(), in_flight: self.in_flight }
    }
}

impl<K: Eq + Hash + Clone, J> Queues<K, J> {
    /// Empty queues.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { per_destination: limits.per_destination.max(1) };
        Self { limits, destinations: HashMap::new(), spilled: HashMap::new() }
    }

    /// Reserves up to `want` slots for new jobs and says how many. If it is fewer than `want`, the
    /// destination is spilled from here on.
    ///
    /// Each slot is used up by [`push`](Self::push) or given back by
    /// [`release_reserved`](Self::release_reserved).
    pub fn reserve(&mut self, destination: &K, want: usize) -> usize {
        let granted = if self.has_spilled(destination) { 0 } else { self.take_slots(destination, want) };
        if granted < want {
            self.mark_spilled(destination);
        }
        granted
    }

    /// Gives back `count` reserved slots: the commit failed, or the table had fewer rows.
    pub fn release_reserved(&mut self, destination: &K, count: usize) {
        let Some(held) = self.destinations.get_mut(destination) else {
            debug_assert!(count == 0, "released a slot that wasn't reserved");
            return;
        };
        debug_assert!(count <= held.reserved, "released a slot that wasn't reserved");
        held.reserved = held.reserved.saturating_sub(count);
        self.forget_if_idle(destination);
    }

    /// Queues a job in a reserved slot.
    ///
    /// # Errors
    /// [`NotReserved`] if the destination has none: the caller has lost count.
    pub fn push(&mut self, destination: &K, job: J) -> Result<(), NotReserved> {
        let held = self.destinations.get_mut(destination).filter(|held| held.reserved > 0);
        let held = held.ok_or(NotReserved)?;
        held.reserved -= 1;
        held.queued.push_back(job);
        Ok(())
    }

    /// Whether [`start`](Self::start) would give one.
    pub fn can_start(&self, destination: &K, concurrency: usize) -> bool {
        let held = self.destinations.get(destination);
        held.is_some_and(|held| held.in_flight < concurrency && !held.queued.is_empty())
    }

    /// Takes the job that has waited longest, unless `concurrency` jobs of the destination are in flight.
    /// Every job that is taken is ended by [`finish`](Self::finish), whatever comes of it.
    pub fn start(&mut self, destination: &K, concurrency: usize) -> Option<J> {
        let held = self.destinations.get_mut(destination)?;
        if held.in_flight >= concurrency {
            return None;
        }
        let job = held.queued.pop_front()?;
        held.in_flight += 1;
        Some(job)
    }

    /// Ends a job that was started: its slot is free.
    pub fn finish(&mut self, destination: &K) {
        let Some(held) = self.destinations.get_mut(destination).filter(|held| held.in_flight > 0) else {
            debug_assert!(false, "finished a job that wasn't started");
            return;
        };
        held.in_flight -= 1;
        self.forget_if_idle(destination);
    }

    /// Notes that rows of the destination wait in the table. To be called after these rows are visible to a
    /// claim: that is what makes [`mark_caught_up`](Self::mark_caught_up) safe against a commit that happens
    /// while the sweeper reads.
    pub fn mark_spilled(&mut self, destination: &K) {
        match self.spilled.get_mut(destination) {
            Some(spill) => spill.since_refill = true,
            None => {
                self.spilled.insert(destination.clone(), Spill { since_refill: true });
            }
        }
    }

    /// Whether rows of the destination may wait in the table.
    pub fn has_spilled(&self, destination: &K) -> bool {
        self.spilled.contains_key(destination)
    }

    /// The spilled destinations with at least half of their window free: enough to make a claim worth its
    /// transaction, early enough that the other half keeps the destination busy meanwhile.
    pub fn destinations_to_refill(&self) -> Vec<K> {
        let half = self.limits.per_destination.div_ceil(2);
        self.spilled.keys().filter(|destination| self.room(destination) >= half).cloned().collect()
    }

    /// Reserves up to `max` slots for rows that wait in the table and says how many, 0 if there is no room.
    /// One refill of a destination at a time.
    pub fn begin_refill(&mut self, destination: &K, max: usize) -> usize {
        if let Some(spill) = self.spilled.get_mut(destination) {
            spill.since_refill = false;
        }
        self.take_slots(destination, max)
    }

    /// Notes that the refill found nothing more in the table, so that new jobs get slots again. It has no
    /// effect if the destination was marked spilled after the refill began: then it goes on.
    pub fn mark_caught_up(&mut self, destination: &K) {
        if self.spilled.get(destination).is_some_and(|spill| !spill.since_refill) {
            self.spilled.remove(destination);
        }
    }

    /// Takes out every job of the destination that wasn't started, oldest first: it was paused or removed,
    /// and their leases are to be given back.
    pub fn drain_destination(&mut self, destination: &K) -> Vec<J> {
        let Some(held) = self.destinations.get_mut(destination) else { return Vec::new() };
        let jobs = std::mem::take(&mut held.queued);
        self.forget_if_idle(destination);
        jobs.into()
    }

    /// Takes out every job that wasn't started: the program stops, and their leases are to be given back.
    pub fn drain(&mut self) -> Vec<J> {
        let jobs = self.destinations.values_mut().flat_map(|held| held.queued.drain(..)).collect();
        self.destinations.retain(|_, held| held.load().held() > 0);
        jobs
    }

    /// What the destination holds.
    pub fn load(&self, destination: &K) -> Load {
        self.destinations.get(destination).map(Destination::load).unwrap_or_default()
    }

    /// What all destinations hold together, for metrics. Walks all of them.
    pub fn total_load(&self) -> Load {
        let mut total = Load::default();
        for load in self.destinations.values().map(Destination::load) {
            total.reserved += load.reserved;
            total.queued += load.queued;
            total.in_flight += load.in_flight;
        }
        total
    }

    /// How many destinations have spilled, for metrics.
    pub fn spilled_count(&self) -> usize {
        self.spilled.len()
    }

    fn room(&self, destination: &K) -> usize {
        self.limits.per_destination - self.load(destination).held()
    }

    fn take_slots(&mut self, destination: &K, want: usize) -> usize {
        let granted = want.min(self.room(destination));
        if granted == 0 {
            return 0;
        }
        match self.destinations.get_mut(destination) {
            Some(held) => held.reserved += granted,
            None => {
                let held = Destination { reserved: granted, ..Destination::new() };
                self.destinations.insert(destination.clone(), held);
            }
        }
        granted
    }

    fn forget_if_idle(&mut self, destination: &K) {
        if self.load(destination).held() == 0 {
            self.destinations.remove(destination);
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
