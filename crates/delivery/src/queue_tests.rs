use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

const WINDOW: usize = 4;

fn queues() -> Queues<u8, u32> {
    Queues::new(Limits { per_destination: WINDOW })
}

fn fill(queues: &mut Queues<u8, u32>, destination: u8, jobs: impl IntoIterator<Item = u32>) {
    for job in jobs {
        assert_eq!(queues.reserve(&destination, 1), 1);
        queues.push(&destination, job).unwrap();
    }
}

#[test]
fn a_job_goes_through_and_leaves_nothing_behind() {
    let mut queues = queues();
    assert_eq!(queues.reserve(&1, 2), 2);
    assert_eq!(queues.load(&1), Load { reserved: 2, queued: 0, in_flight: 0 });
    queues.push(&1, 10).unwrap();
    queues.release_reserved(&1, 1);
    assert_eq!(queues.load(&1), Load { reserved: 0, queued: 1, in_flight: 0 });
    assert_eq!(queues.start(&1, 1), Some(10));
    assert_eq!(queues.total_load(), Load { reserved: 0, queued: 0, in_flight: 1 });
    queues.finish(&1);
    assert!(queues.destinations.is_empty() && queues.spilled.is_empty());
}

#[test]
fn concurrency_bounds_what_is_in_flight() {
    let mut queues = queues();
    fill(&mut queues, 1, [10, 11, 12]);
    assert_eq!(queues.start(&1, 2), Some(10));
    assert_eq!(queues.start(&1, 2), Some(11));
    assert_eq!(queues.start(&1, 2), None);
    queues.finish(&1);
    assert_eq!(queues.start(&1, 2), Some(12));
    assert_eq!(queues.start(&1, 3), None);
    assert_eq!(queues.start(&2, 3), None);
}

#[test]
fn a_job_without_a_slot_is_refused() {
    let mut queues = queues();
    assert_eq!(queues.push(&1, 10), Err(NotReserved));
    fill(&mut queues, 1, [10]);
    assert_eq!(queues.push(&1, 11), Err(NotReserved));
    assert_eq!(queues.load(&1).queued, 1);
}

#[test]
fn a_full_window_spills_and_new_jobs_do_not_overtake() {
    let mut queues = queues();
    assert_eq!(queues.reserve(&1, WINDOW + 1), WINDOW);
    assert!(queues.has_spilled(&1));
    queues.release_reserved(&1, WINDOW);
    assert_eq!(queues.reserve(&1, 1), 0, "there is room, but older rows wait");
    assert_eq!(queues.reserve(&2, 1), 1, "another destination is not concerned");
    assert_eq!(queues.spilled_count(), 1);
}

#[test]
fn a_window_that_is_just_filled_has_not_spilled() {
    let mut queues = queues();
    assert_eq!(queues.reserve(&1, WINDOW), WINDOW);
    assert!(!queues.has_spilled(&1));
    assert_eq!(queues.reserve(&1, 0), 0);
    assert!(!queues.has_spilled(&1));
}

#[test]
fn a_spilled_destination_is_refilled_once_half_of_its_window_is_free() {
    let mut queues = queues();
    fill(&mut queues, 1, 0..4);
    assert_eq!(queues.reserve(&1, 1), 0);
    for in_memory in [4, 3] {
        assert!(queues.destinations_to_refill().is_empty(), "{in_memory}");
        queues.start(&1, 1).unwrap();
        queues.finish(&1);
    }
    assert_eq!(queues.destinations_to_refill(), [1]);
    assert_eq!(queues.begin_refill(&1, 100), 2);
    assert!(queues.destinations_to_refill().is_empty(), "the refill holds its slots");

    queues.push(&1, 4).unwrap();
    queues.release_reserved(&1, 1);
    queues.mark_caught_up(&1);
    assert!(!queues.has_spilled(&1));
    assert_eq!(queues.reserve(&1, 1), 1);
}

#[test]
fn a_refill_takes_no_more_than_it_asks_for() {
    let mut queues = queues();
    queues.mark_spilled(&1);
    assert_eq!(queues.destinations_to_refill(), [1]);
    assert_eq!(queues.begin_refill(&1, 3), 3);
    assert_eq!(queues.begin_refill(&1, 3), 1);
    assert_eq!(queues.begin_refill(&1, 3), 0);
}

#[test]
fn a_spill_during_a_refill_is_not_forgotten() {
    let mut queues = queues();
    queues.mark_spilled(&1);
    let slots = queues.begin_refill(&1, 1);
    queues.mark_spilled(&1);
    queues.release_reserved(&1, slots);
    queues.mark_caught_up(&1);
    assert!(queues.has_spilled(&1));

    let slots = queues.begin_refill(&1, 1);
    queues.release_reserved(&1, slots);
    queues.mark_caught_up(&1);
    assert!(!queues.has_spilled(&1));
}

#[test]
fn a_window_of_one_works() {
    for per_destination in [0, 1] {
        let mut queues = Queues::new(Limits { per_destination });
        assert_eq!(queues.reserve(&1, 2), 1);
        queues.push(&1, 'a').unwrap();
        assert!(queues.destinations_to_refill().is_empty());
        assert_eq!(queues.start(&1, 1), Some('a'));
        queues.finish(&1);
        assert_eq!(queues.destinations_to_refill(), [1]);
    }
}

#[test]
fn draining_gives_back_what_was_not_started() {
    let mut queues = queues();
    fill(&mut queues, 1, [10, 11, 12]);
    fill(&mut queues, 2, [20]);
    fill(&mut queues, 3, [30]);
    assert_eq!(queues.start(&1, 1), Some(10));
    assert_eq!(queues.drain_destination(&1), [11, 12]);
    assert_eq!(queues.drain_destination(&9), []);
    assert_eq!(queues.load(&1), Load { in_flight: 1, ..Load::default() });

    let mut rest = queues.drain();
    rest.sort_unstable();
    assert_eq!(rest, [20, 30]);
    queues.finish(&1);
    assert!(queues.destinations.is_empty());
}

/// What the engine may do, on one of a few destinations.
#[derive(Debug, Clone)]
enum Step {
    /// The committer wants to hand over some new rows; its commit works, or it doesn't.
    Commit { destination: u8, rows: usize, succeeds: bool },
    /// A worker takes a job.
    Start { destination: u8, concurrency: usize },
    /// A worker ends its oldest job.
    Finish { destination: u8 },
    /// The sweeper refills whatever has room, at most so many rows each; rows of another commit appear
    /// in the table after it has read.
    Sweep { max: usize, late_rows: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let destination = || 0..3_u8;
    let step = prop_oneof![
        4 => (destination(), 0..7_usize, prop::bool::weighted(0.8)).prop_map(|(destination, rows, succeeds)| {
            Step::Commit { destination, rows, succeeds }
        }),
        6 => (destination(), 1..4_usize)
            .prop_map(|(destination, concurrency)| Step::Start { destination, concurrency }),
        5 => destination().prop_map(|destination| Step::Finish { destination }),
        2 => (1..6_usize, 0..2_usize).prop_map(|(max, late_rows)| Step::Sweep { max, late_rows }),
    ];
    prop::collection::vec(step, 0..120)
}

/// A destination as an onlooker sees it: rows get increasing numbers in the order of their commits.
#[derive(Debug, Default)]
struct Onlooker {
    next_row: u32,
    table: VecDeque<u32>,
    memory: VecDeque<u32>,
    in_flight: usize,
    sent: Vec<u32>,
}

impl Onlooker {
    fn new_rows(&mut self, count: usize) -> Vec<u32> {
        let first = self.next_row;
        self.next_row += count as u32;
        (first..self.next_row).collect()
    }
}

/// The queues under test beside the onlookers.
struct World {
    queues: Queues<u8, u32>,
    onlookers: BTreeMap<u8, Onlooker>,
}

impl World {
    fn new() -> Self {
        Self { queues: queues(), onlookers: (0..3).map(|key| (key, Onlooker::default())).collect() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit { destination, rows, succeeds } => self.commit(destination, rows, succeeds),
            Step::Start { destination, concurrency } => self.start(destination, concurrency),
            Step::Finish { destination } => self.finish(destination),
            Step::Sweep { max, late_rows } => self.sweep(max, late_rows),
        }
    }

    fn commit(&mut self, destination: u8, count: usize, succeeds: bool) {
        let granted = self.queues.reserve(&destination, count);
        if !succeeds {
            self.queues.release_reserved(&destination, granted);
            return;
        }
        let onlooker = self.onlookers.get_mut(&destination).unwrap();
        for (index, row) in onlooker.new_rows(count).into_iter().enumerate() {
            if index < granted {
                self.queues.push(&destination, row).unwrap();
                onlooker.memory.push_back(row);
            } else {
                onlooker.table.push_back(row);
            }
        }
        if granted < count {
            self.queues.mark_spilled(&destination);
        }
    }

    fn start(&mut self, destination: u8, concurrency: usize) {
        let onlooker = self.onlookers.get_mut(&destination).unwrap();
        let expected = if onlooker.in_flight < concurrency { onlooker.memory.pop_front() } else { None };
        assert_eq!(self.queues.start(&destination, concurrency), expected);
        if let Some(row) = expected {
            onlooker.in_flight += 1;
            onlooker.sent.push(row);
        }
    }

    fn finish(&mut self, destination: u8) {
        let onlooker = self.onlookers.get_mut(&destination).unwrap();
        if onlooker.in_flight > 0 {
            onlooker.in_flight -= 1;
            self.queues.finish(&destination);
        }
    }

    fn sweep(&mut self, max: usize, late_rows: usize) {
        for destination in self.queues.destinations_to_refill() {
            let slots = self.queues.begin_refill(&destination, max);
            let onlooker = self.onlookers.get_mut(&destination).unwrap();
            let claimed: Vec<u32> = onlooker.table.drain(..slots.min(onlooker.table.len())).collect();
            self.commit(destination, late_rows, true);
            let onlooker = self.onlookers.get_mut(&destination).unwrap();
            for row in &claimed {
                self.queues.push(&destination, *row).unwrap();
                onlooker.memory.push_back(*row);
            }
            self.queues.release_reserved(&destination, slots - claimed.len());
            if claimed.len() < slots {
                self.queues.mark_caught_up(&destination);
            }
        }
    }

    fn check(&self) {
        for (destination, onlooker) in &self.onlookers {
            let load = self.queues.load(destination);
            assert_eq!(
                load,
                Load { reserved: 0, queued: onlooker.memory.len(), in_flight: onlooker.in_flight }
            );
            assert!(load.held() <= WINDOW);
            assert!(onlooker.table.is_empty() || self.queues.has_spilled(destination), "rows are stuck");
            assert!(onlooker.sent.is_sorted(), "a row was overtaken or sent twice");
        }
        assert!(self.queues.destinations.values().all(|held| held.load().held() > 0), "an idle one is kept");
    }

    fn run_to_the_end(&mut self) {
        for _ in 0..1_000 {
            self.sweep(WINDOW, 0);
            for destination in 0..3 {
                self.start(destination, 1);
                self.finish(destination);
            }
        }
    }
}

proptest! {
    #[test]
    fn prop_no_window_overflows_and_every_job_is_started_once_and_in_order(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
        world.run_to_the_end();
        for onlooker in world.onlookers.values() {
            prop_assert!(onlooker.sent.iter().copied().eq(0..onlooker.next_row));
        }
        prop_assert!(world.queues.destinations.is_empty() && world.queues.spilled.is_empty());
    }

    #[test]
    fn prop_what_one_destination_does_never_changes_anothers_room(steps in steps(), want in 0..7_usize) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            let mut untouched = queues();
            prop_assert_eq!(world.queues.reserve(&9, want), untouched.reserve(&9, want));
            world.queues.release_reserved(&9, want.min(WINDOW));
            world.queues.begin_refill(&9, 0);
            world.queues.mark_caught_up(&9);
        }
    }
}
