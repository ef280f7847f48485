//! What waits to be sent: one bounded queue for each destination.
//!
//! A destination has a window of slots. A slot is held from the moment it is reserved, through the time its
//! job is queued, until the job is finished. So a destination that hangs fills its own window and nothing
//! else. The windows of all share one budget: each may hold a fixed part of what is free of it, so that they
//! shrink the more destinations are at work, and one slot in any case. Those who may have jobs in flight are
//! bounded in the same way. (That is the dynamic threshold of switches with shared memory: Choudhury and
//! Hahne, 1998.)
//!
//! The deliveries themselves are rows of a table, and what finds no slot waits there: the destination has
//! *spilled*. How the pieces use it, each under the same mutex and never across I/O:
//!
//! - **The committer** calls [`reserve`](Queues::reserve) before it writes, writes as many rows as it got slots
//!   already leased to this node, and the rest free for anyone. After the commit it [`push`](Queues::push)es
//!   the jobs that have a slot and calls [`mark_spilled`](Queues::mark_spilled) if there was a rest. If the
//!   commit failed, it calls [`release_reserved`](Queues::release_reserved).
//! - **The workers** take jobs with [`start`](Queues::start) until it gives none, and end each with
//!   [`finish`](Queues::finish). Where it gave none because too many of all are in flight, the destination is
//!   in line: after each `finish` they start one of whom [`next_turn`](Queues::next_turn) names.
//! - **The sweeper** (one a process) refills. Woken by a timer it marks the destinations for which the table
//!   has due rows (retries, and what a dead node left behind). Then it takes destinations with
//!   [`next_to_refill`](Queues::next_to_refill), which goes round. For each it calls
//!   [`begin_refill`](Queues::begin_refill), claims as many rows as it got slots, `push`es them and calls
//!   [`end_refill`](Queues::end_refill) with what is left over. If anything is, the table has no more, and the
//!   destination has caught up.
//!
//! While a destination is spilled, `reserve` gives it nothing: older rows are waiting, and new ones must not
//! overtake them, or they would wait for as long as new ones keep coming.
//!
//! Invariants, each with a property test: reserved, queued and in flight never exceed the window, nor those
//! of all the budget by more than one a destination; jobs leave in the order in which they came, each once; a
//! destination without a slot always gets one; who has spilled and has room gets its turn; an idle destination
//! takes no memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Which part of what is free one destination may hold, as a divisor. The larger, the more destinations can
/// hang before the others notice; the smaller, the more of the budget is used when few are at work.
const SHARE: usize = 16;

/// How much the queues may hold. 0 counts as 1: with no slot at all nothing would ever be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The window: how many jobs a destination may have in memory, be they reserved, queued or in flight.
    pub per_destination: usize,
    /// How many jobs all destinations may have in memory together, beyond the one that each may have.
    pub total: usize,
    /// How many jobs of all destinations may be in flight.
    pub in_flight: usize,
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
    /// What all hold.
    all: Load,
    /// Spilled destinations with enough room for a refill, in the order of their turns. What is no such one any
    /// more is passed over when its turn comes.
    refills: VecDeque<K>,
    /// Destinations that have jobs and none in flight, because too many of others are; in the order of their turns.
    turns: VecDeque<K>,
}

#[derive(Debug)]
struct Destination<J> {
    reserved: usize,
    in_flight: usize,
    queued: VecDeque<J>,
    /// Whether it is in line for a place among those in flight.
    awaits_turn: bool,
}

#[derive(Debug)]
struct Spill {
    /// Rows may have come after the last refill began, so what it read of the table doesn't show that
    /// nothing waits.
    since_refill: bool,
    /// Whether it is in line for a refill.
    is_in_line: bool,
}

impl<J> Destination<J> {
    fn new() -> Self {
        Self { reserved: 0, in_flight: 0, queued: VecDeque::new(), awaits_turn: false }
    }

    fn load(&self) -> Load {
        Load { reserved: self.reserved, queued: self.queued.len(), in_flight: self.in_flight }
    }
}

impl<K: Eq + Hash + Clone, J> Queues<K, J> {
    /// Empty queues.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            per_destination: limits.per_destination.max(1),
            total: limits.total.max(1),
            in_flight: limits.in_flight.max(1),
        };
        Self {
            limits,
            destinations: HashMap::new(),
            spilled: HashMap::new(),
            all: Load::default(),
            refills: VecDeque::new(),
            turns: VecDeque::new(),
        }
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

    /// Gives back `count` reserved slots: the commit failed.
    pub fn release_reserved(&mut self, destination: &K, count: usize) {
        self.free_slots(destination, count);
        self.line_up(destination);
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
        self.all.reserved -= 1;
        self.all.queued += 1;
        Ok(())
    }

    /// Whether [`start`](Self::start) would give one.
    pub fn can_start(&self, destination: &K, concurrency: usize) -> bool {
        let held = self.destinations.get(destination);
        held.is_some_and(|held| !held.queued.is_empty() && held.in_flight < self.may_fly(concurrency))
    }

    /// Takes the job that has waited longest, unless `concurrency` jobs of the destination are in flight, or
    /// too many of all. Every job that is taken is ended by [`finish`](Self::finish), whatever comes of it.
    ///
    /// A destination that gets none although it has none in flight waits for its [turn](Self::next_turn).
    pub fn start(&mut self, destination: &K, concurrency: usize) -> Option<J> {
        let may_fly = self.may_fly(concurrency);
        let held = self.destinations.get_mut(destination)?;
        if held.in_flight >= may_fly {
            if may_fly == 0 && held.in_flight == 0 && !held.queued.is_empty() && !held.awaits_turn {
                held.awaits_turn = true;
                self.turns.push_back(destination.clone());
            }
            return None;
        }
        let job = held.queued.pop_front()?;
        held.in_flight += 1;
        self.all.queued -= 1;
        self.all.in_flight += 1;
        Some(job)
    }

    /// The destination that has waited longest for a place among those in flight, if there is a place now. It is
    /// to be started, and has to wait anew if that gives nothing.
    pub fn next_turn(&mut self) -> Option<K> {
        while self.all.in_flight < self.limits.in_flight {
            let destination = self.turns.pop_front()?;
            let held = self.destinations.get_mut(&destination);
            let awaited = held.is_some_and(|held| std::mem::take(&mut held.awaits_turn));
            if awaited {
                return Some(destination);
            }
        }
        None
    }

    /// Ends a job that was started: its slot is free.
    pub fn finish(&mut self, destination: &K) {
        let Some(held) = self.destinations.get_mut(destination).filter(|held| held.in_flight > 0) else {
            debug_assert!(false, "finished a job that wasn't started");
            return;
        };
        held.in_flight -= 1;
        self.all.in_flight -= 1;
        self.forget_if_idle(destination);
        self.line_up(destination);
    }

    /// Notes that rows of the destination wait in the table. To be called after these rows are visible to a
    /// claim: that is what makes it safe against a commit that happens while the sweeper reads.
    pub fn mark_spilled(&mut self, destination: &K) {
        match self.spilled.get_mut(destination) {
            Some(spill) => spill.since_refill = true,
            None => {
                self.spilled.insert(destination.clone(), Spill { since_refill: true, is_in_line: false });
            }
        }
        self.line_up(destination);
    }

    /// Whether rows of the destination may wait in the table.
    pub fn has_spilled(&self, destination: &K) -> bool {
        self.spilled.contains_key(destination)
    }

    /// Whether a destination is in line for a refill.
    pub fn wants_refill(&self) -> bool {
        !self.refills.is_empty()
    }

    /// The next spilled destination to be refilled: one with at least half of its window free, which is enough to
    /// make a claim worth its statement, and early enough that the other half keeps the destination busy meanwhile.
    /// They take turns; this one gets another when it has been refilled, or more has changed for it.
    pub fn next_to_refill(&mut self) -> Option<K> {
        loop {
            let destination = self.refills.pop_front()?;
            let spill = self.spilled.get_mut(&destination);
            let was_in_line = spill.is_some_and(|spill| std::mem::take(&mut spill.is_in_line));
            if was_in_line && self.is_worth_a_refill(&destination) {
                return Some(destination);
            }
        }
    }

    /// Reserves up to `max` slots for rows that wait in the table and says how many, 0 if there is no room.
    /// One refill of a destination at a time.
    pub fn begin_refill(&mut self, destination: &K, max: usize) -> usize {
        if let Some(spill) = self.spilled.get_mut(destination) {
            spill.since_refill = false;
        }
        self.take_slots(destination, max)
    }

    /// Ends a refill with so many of its slots left over. If any are, the table had no more, and new jobs get
    /// slots again; unless the destination was marked spilled after the refill began: then it goes on.
    pub fn end_refill(&mut self, destination: &K, left: usize) {
        if left > 0 && self.spilled.get(destination).is_some_and(|spill| !spill.since_refill) {
            self.spilled.remove(destination);
        }
        self.release_reserved(destination, left);
    }

    /// Ends a refill of which nobody knows what it would have found: the destination stays spilled, and has its
    /// turn when it is marked so again.
    pub fn abandon_refill(&mut self, destination: &K, slots: usize) {
        self.free_slots(destination, slots);
    }

    /// Takes out every job of the destination that wasn't started, oldest first: it was paused or removed,
    /// and their leases are to be given back.
    pub fn drain_destination(&mut self, destination: &K) -> Vec<J> {
        let Some(held) = self.destinations.get_mut(destination) else { return Vec::new() };
        let jobs = std::mem::take(&mut held.queued);
        self.all.queued -= jobs.len();
        self.forget_if_idle(destination);
        self.line_up(destination);
        jobs.into()
    }

    /// Takes out every job that wasn't started: their leases are to be given back.
    pub fn drain(&mut self) -> Vec<J> {
        let destinations: Vec<K> = self.destinations.keys().cloned().collect();
        destinations.iter().flat_map(|destination| self.drain_destination(destination)).collect()
    }

    /// What the destination holds.
    pub fn load(&self, destination: &K) -> Load {
        self.destinations.get(destination).map(Destination::load).unwrap_or_default()
    }

    /// What all destinations hold together.
    pub fn total_load(&self) -> Load {
        self.all
    }

    /// How many destinations have spilled.
    pub fn spilled_count(&self) -> usize {
        self.spilled.len()
    }

    /// How many slots a destination may hold now.
    fn window(&self) -> usize {
        let free = self.limits.total.saturating_sub(self.all.held());
        (free / SHARE).clamp(1, self.limits.per_destination)
    }

    fn room(&self, destination: &K) -> usize {
        self.window().saturating_sub(self.load(destination).held())
    }

    /// How many jobs of a destination may be in flight now.
    fn may_fly(&self, concurrency: usize) -> usize {
        match self.limits.in_flight.saturating_sub(self.all.in_flight) {
            0 => 0,
            free => (free / SHARE).clamp(1, concurrency.max(1)),
        }
    }

    fn is_worth_a_refill(&self, destination: &K) -> bool {
        self.room(destination) >= self.window().div_ceil(2)
    }

    /// Puts a destination in line for a refill if it wants one and there is room for it.
    fn line_up(&mut self, destination: &K) {
        if self.spilled.get(destination).is_none_or(|spill| spill.is_in_line) {
            return;
        }
        if !self.is_worth_a_refill(destination) {
            return;
        }
        if let Some(spill) = self.spilled.get_mut(destination) {
            spill.is_in_line = true;
            self.refills.push_back(destination.clone());
        }
    }

    fn take_slots(&mut self, destination: &K, want: usize) -> usize {
        let granted = want.min(self.room(destination));
        if granted == 0 {
            return 0;
        }
        self.all.reserved += granted;
        match self.destinations.get_mut(destination) {
            Some(held) => held.reserved += granted,
            None => {
                let held = Destination { reserved: granted, ..Destination::new() };
                self.destinations.insert(destination.clone(), held);
            }
        }
        granted
    }

    fn free_slots(&mut self, destination: &K, count: usize) {
        let Some(held) = self.destinations.get_mut(destination) else {
            debug_assert!(count == 0, "released a slot that wasn't reserved");
            return;
        };
        debug_assert!(count <= held.reserved, "released a slot that wasn't reserved");
        let count = count.min(held.reserved);
        held.reserved -= count;
        self.all.reserved -= count;
        self.forget_if_idle(destination);
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
