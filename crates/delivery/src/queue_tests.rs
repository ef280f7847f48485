use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

const WINDOW: usize = 4;
/// So much that nothing is scarce but the window.
const AMPLE: Limits = Limits { per_destination: WINDOW, total: 10_000, in_flight: 10_000 };

fn queues() -> Queues<u8, u32> {
    Queues::new(AMPLE)
}

/// All that are in line for a refill.
fn to_refill(queues: &mut Queues<u8, u32>) -> Vec<u8> {
    std::iter::from_fn(|| queues.next_to_refill()).collect()
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
        assert!(!queues.wants_refill(), "{in_memory}");
        queues.start(&1, 1).unwrap();
        queues.finish(&1);
    }
    assert!(queues.wants_refill());
    assert_eq!(to_refill(&mut queues), [1]);
    assert_eq!(queues.begin_refill(&1, 100), 2);
    assert!(to_refill(&mut queues).is_empty(), "the refill holds its slots");

    queues.push(&1, 4).unwrap();
    queues.end_refill(&1, 1);
    assert!(!queues.has_spilled(&1));
    assert_eq!(queues.reserve(&1, 1), 1);
}

#[test]
fn a_refill_takes_no_more_than_it_asks_for() {
    let mut queues = queues();
    queues.mark_spilled(&1);
    assert_eq!(to_refill(&mut queues), [1]);
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
    queues.end_refill(&1, slots);
    assert!(queues.has_spilled(&1));

    let slots = queues.begin_refill(&1, 1);
    queues.end_refill(&1, slots);
    assert!(!queues.has_spilled(&1));
    assert!(to_refill(&mut queues).is_empty(), "who has caught up is passed over");
}

#[test]
fn a_refill_that_fails_has_its_turn_when_it_is_marked_again() {
    let mut queues = queues();
    queues.mark_spilled(&1);
    queues.mark_spilled(&2);
    assert_eq!(queues.next_to_refill(), Some(1));
    let slots = queues.begin_refill(&1, WINDOW);
    queues.abandon_refill(&1, slots);
    assert!(queues.has_spilled(&1));
    assert_eq!(to_refill(&mut queues), [2], "the others don't wait for it");
    queues.mark_spilled(&1);
    assert_eq!(to_refill(&mut queues), [1]);
}

#[test]
fn refills_go_round() {
    let mut queues = queues();
    (0..3).for_each(|destination| queues.mark_spilled(&destination));
    for round in 0..3 {
        assert_eq!(to_refill(&mut queues), [0, 1, 2], "{round}");
        for destination in 0..3 {
            assert_eq!(queues.begin_refill(&destination, 1), 1);
            queues.push(&destination, round).unwrap();
            queues.end_refill(&destination, 0);
            queues.start(&destination, 1).unwrap();
            queues.finish(&destination);
        }
    }
}

#[test]
fn a_window_of_one_works() {
    for limit in [0, 1] {
        let mut queues = Queues::new(Limits { per_destination: limit, total: limit, in_flight: limit });
        assert_eq!(queues.reserve(&1, 2), 1);
        queues.push(&1, 10).unwrap();
        assert!(!queues.wants_refill());
        assert_eq!(queues.start(&1, 1), Some(10));
        queues.finish(&1);
        assert_eq!(to_refill(&mut queues), [1]);
    }
}

#[test]
fn many_that_hang_leave_room_for_another_one() {
    let limits = Limits { per_destination: 64, total: 64 * 32, in_flight: 1_000 };
    let mut queues: Queues<u32, u32> = Queues::new(limits);
    for destination in 0..16 {
        assert_eq!(queues.reserve(&destination, 1_000), 64, "{destination}");
    }
    for destination in 16..10_000 {
        let window = queues.reserve(&destination, 1_000);
        assert!((1..=64).contains(&window), "{destination}: {window}");
    }
    assert!(queues.total_load().held() <= limits.total + 10_000);
    assert_eq!(queues.reserve(&10_000, 1_000), 1, "everyone has one");
    // Who has much gets nothing until it is down to what the others have.
    for _ in 0..63 {
        queues.release_reserved(&0, 1);
        assert_eq!(queues.begin_refill(&0, 1_000), 0);
    }
}

#[test]
fn those_that_wait_for_a_place_in_flight_take_turns() {
    let mut queues = Queues::new(Limits { in_flight: 2, ..AMPLE });
    for destination in 1..=4 {
        fill(&mut queues, destination, [10, 11]);
    }
    assert_eq!([queues.start(&1, 9), queues.start(&2, 9)], [Some(10), Some(10)]);
    assert!(!queues.can_start(&3, 9));
    assert_eq!([queues.start(&3, 9), queues.start(&4, 9), queues.start(&3, 9)], [None; 3]);
    assert_eq!(queues.start(&1, 9), None, "who has one in flight is not in line");
    assert_eq!(queues.next_turn(), None, "there is no place");
    for (ends, next) in [(1, 3), (2, 4)] {
        queues.finish(&ends);
        assert_eq!(queues.next_turn(), Some(next));
        assert_eq!(queues.start(&next, 9), Some(10));
        assert_eq!(queues.start(&ends, 9), None);
    }
    // One whose jobs are taken out is passed over.
    assert_eq!(queues.drain_destination(&1), [11]);
    queues.finish(&3);
    assert_eq!(queues.next_turn(), Some(2));
    assert_eq!(queues.next_turn(), None);
}

#[test]
fn a_destination_that_hangs_leaves_places_in_flight_to_others() {
    let mut queues = Queues::new(Limits { per_destination: 1_000, total: 100_000, in_flight: 256 });
    fill(&mut queues, 1, 0..500);
    let started = std::iter::from_fn(|| queues.start(&1, 64)).count();
    assert!((8..=16).contains(&started), "{started}");
    fill(&mut queues, 2, [7]);
    assert_eq!(queues.start(&2, 64), Some(7));
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

/// Limits that may be scarce.
fn limits() -> impl Strategy<Value = Limits> {
    (1..7_usize, 1..40_usize, 1..6_usize).prop_map(|(per_destination, total, in_flight)| Limits {
        per_destination,
        total,
        in_flight,
    })
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
    /// What waits for a place in flight is started.
    Turns,
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
        3 => Just(Step::Turns),
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
    limits: Limits,
    queues: Queues<u8, u32>,
    onlookers: BTreeMap<u8, Onlooker>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let onlookers = (0..3).map(|key| (key, Onlooker::default())).collect();
        Self { limits, queues: Queues::new(limits), onlookers }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit { destination, rows, succeeds } => self.commit(destination, rows, succeeds),
            Step::Start { destination, concurrency } => self.start(destination, concurrency),
            Step::Finish { destination } => self.finish(destination),
            Step::Turns => self.turns(),
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
        let in_flight: usize = self.onlookers.values().map(|onlooker| onlooker.in_flight).sum();
        let can_start = self.queues.can_start(&destination, concurrency);
        let started = self.queues.start(&destination, concurrency);
        assert_eq!(started.is_some(), can_start);
        let onlooker = self.onlookers.get_mut(&destination).unwrap();
        if onlooker.in_flight >= concurrency || in_flight >= self.limits.in_flight {
            assert_eq!(started, None);
        } else if onlooker.in_flight == 0 {
            assert_eq!(started, onlooker.memory.front().copied(), "one in flight is always allowed");
        }
        if let Some(row) = started {
            assert_eq!(onlooker.memory.pop_front(), Some(row));
            onlooker.in_flight += 1;
            onlooker.sent.push(row);
        }
    }

    fn turns(&mut self) {
        while let Some(destination) = self.queues.next_turn() {
            self.start(destination, 1);
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
        let refills: Vec<(u8, usize)> = std::iter::from_fn(|| {
            let destination = self.queues.next_to_refill()?;
            Some((destination, self.queues.begin_refill(&destination, max)))
        })
        .collect();
        for (destination, slots) in refills {
            assert!(slots > 0, "a turn without room");
            let onlooker = self.onlookers.get_mut(&destination).unwrap();
            let claimed: Vec<u32> = onlooker.table.drain(..slots.min(onlooker.table.len())).collect();
            self.commit(destination, late_rows, true);
            let onlooker = self.onlookers.get_mut(&destination).unwrap();
            for row in &claimed {
                self.queues.push(&destination, *row).unwrap();
                onlooker.memory.push_back(*row);
            }
            self.queues.end_refill(&destination, slots - claimed.len());
        }
    }

    fn check(&self) {
        for (destination, onlooker) in &self.onlookers {
            let load = self.queues.load(destination);
            assert_eq!(
                load,
                Load { reserved: 0, queued: onlooker.memory.len(), in_flight: onlooker.in_flight }
            );
            assert!(load.held() <= self.limits.per_destination);
            assert!(onlooker.table.is_empty() || self.queues.has_spilled(destination), "rows are stuck");
            assert!(onlooker.sent.is_sorted(), "a row was overtaken or sent twice");
        }
        assert!(self.queues.destinations.values().all(|held| held.load().held() > 0), "an idle one is kept");
        let all = self.queues.total_load();
        let sum: usize = self.queues.destinations.values().map(|held| held.load().held()).sum();
        assert_eq!(all.held(), sum);
        assert!(all.held() <= self.limits.total + self.queues.destinations.len());
        assert!(all.in_flight <= self.limits.in_flight);
    }

    fn run_to_the_end(&mut self) {
        for _ in 0..1_000 {
            self.sweep(WINDOW, 0);
            (0..3).for_each(|destination| self.finish(destination));
            self.turns();
            (0..3).for_each(|destination| self.start(destination, 1));
        }
    }
}

proptest! {
    #[test]
    fn prop_no_limit_is_passed_and_every_job_is_started_once_and_in_order(limits in limits(), steps in steps()) {
        let mut world = World::new(limits);
        for step in steps {
            world.take(step);
            world.check();
        }
        world.run_to_the_end();
        for onlooker in world.onlookers.values() {
            prop_assert!(onlooker.sent.iter().copied().eq(0..onlooker.next_row));
        }
        prop_assert!(world.queues.destinations.is_empty() && world.queues.spilled.is_empty());
        prop_assert_eq!(world.queues.total_load(), Load::default());
    }

    #[test]
    fn prop_a_destination_always_gets_a_slot(limits in limits(), steps in steps()) {
        let mut world = World::new(limits);
        for step in steps {
            world.take(step);
            prop_assert_eq!(world.queues.reserve(&9, 1), 1);
            world.queues.release_reserved(&9, 1);
        }
    }

    #[test]
    fn prop_with_enough_for_all_no_destination_changes_anothers_room(steps in steps(), want in 0..7_usize) {
        let mut world = World::new(AMPLE);
        for step in steps {
            world.take(step);
            let mut untouched = queues();
            prop_assert_eq!(world.queues.reserve(&9, want), untouched.reserve(&9, want));
            world.queues.release_reserved(&9, want.min(WINDOW));
            world.queues.begin_refill(&9, 0);
            world.queues.end_refill(&9, 0);
            world.queues.spilled.remove(&9);
        }
    }
}
