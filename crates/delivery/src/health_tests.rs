use proptest::prelude::*;

use super::*;

const START: i64 = 1_700_000_000_000;
const SECOND: i64 = 1_000;

fn tried(at: i64, sign: Sign) -> Tried {
    Tried { started: at, ended: at + 100, sign, not_before: None, draw: 0 }
}

/// After attempts of this sign, one each so many milliseconds.
fn row(health: Health, sign: Sign, count: u32, from: i64, every: i64) -> Health {
    (0..i64::from(count)).fold(health, |health, n| health.after(tried(from + n * every, sign)))
}

fn open() -> Health {
    let health = row(Health::default(), Sign::Down, OPEN_AFTER_FAILURES, START, 4 * SECOND);
    assert!(health.is_open());
    health
}

#[test]
fn a_circuit_opens_after_a_number_and_a_time() {
    let burst = row(Health::default(), Sign::Down, 1_000, START, 10);
    assert!(!burst.is_open(), "many at once are no steady failure");
    let few = row(Health::default(), Sign::Down, OPEN_AFTER_FAILURES - 1, START, 3_600 * SECOND);
    assert!(!few.is_open(), "the retries of one delivery are none either");
    assert!(burst.after(tried(START + 30 * SECOND, Sign::Down)).is_open());
    assert!(few.after(tried(START + 24 * 3_600 * SECOND, Sign::Down)).is_open());
}

#[test]
fn payloads_that_are_refused_open_no_circuit_and_close_one() {
    let refused = row(Health::default(), Sign::Refuses, 100, START, 10 * SECOND);
    assert!(!refused.is_open());
    assert_eq!(refused.failures, 100);
    let closed = open().after(tried(START + 60 * SECOND, Sign::Refuses));
    assert!(!closed.is_open());
    assert_eq!(closed.failing_since, Some(START), "nothing has arrived yet");
    let nothing = row(Health::default(), Sign::Nothing, 100, START, 10 * SECOND);
    assert!(!nothing.is_open());
}

#[test]
fn signs_of_statuses() {
    for status in [400, 409, 413, 414, 415, 422, 431] {
        assert_eq!(Sign::of_failure(status), Sign::Refuses, "{status}");
    }
    for status in [200, 301, 401, 403, 404, 408, 429, 500, 503] {
        assert_eq!(Sign::of_failure(status), Sign::Down, "{status}");
    }
    assert_eq!(Sign::of_failure(410), Sign::Gone);
}

#[test]
fn probes_come_at_growing_distances() {
    let mut health = open();
    let mut now = health.opened_at.unwrap();
    let mut distances = Vec::new();
    for _ in 0..8 {
        let at = health.probe_at.unwrap();
        assert!(!health.wants_probe(at - 1) && health.wants_probe(at));
        distances.push((at - now) / SECOND);
        health = health.probing(at);
        assert_eq!(health.circuit(), Circuit::HalfOpen);
        assert!(!health.wants_probe(at + 60 * SECOND), "one at a time");
        assert!(health.wants_probe(at + PROBE_LEASE_MS), "unless it is lost");
        health = health.after(tried(at, Sign::Down));
        assert_eq!(health.circuit(), Circuit::Open);
        now = at + 100;
    }
    assert_eq!(distances, [10, 20, 40, 80, 160, 300, 300, 300]);
}

#[test]
fn who_was_under_way_when_it_opened_is_no_probe() {
    let health = open();
    let straggler = health.after(tried(START + 40 * SECOND, Sign::Down));
    assert_eq!((straggler.probes, straggler.probe_at), (0, health.probe_at));
    let probing = straggler.probing(health.probe_at.unwrap());
    let late = probing.after(tried(START + 41 * SECOND, Sign::Down));
    assert_eq!(late.circuit(), Circuit::HalfOpen);
}

const DAY: i64 = 24 * 3_600 * SECOND;

#[test]
fn failing_is_told_then_the_end_or_the_recovery() {
    let health = row(Health::default(), Sign::Down, 20, START, 20 * SECOND);
    assert_eq!(health.notice(Some(5 * DAY)), Some(Notice::Failing));
    let told = health.told(Notice::Failing, START + 400 * SECOND);
    assert_eq!(told.notice(Some(5 * DAY)), None);
    let later = told.after(tried(START + 5 * DAY, Sign::Refuses));
    assert_eq!(later.notice(Some(5 * DAY)), Some(Notice::Exhausted));
    assert_eq!(later.notice(None), None, "never is never");
    assert!(later.told(Notice::Exhausted, 0).is_well());
    let well = later.after(tried(START + 6 * DAY, Sign::Works));
    assert_eq!((well.notice(Some(5 * DAY)), well.is_failing()), (Some(Notice::Recovered), false));
    assert!(well.told(Notice::Recovered, 0).is_well());
}

#[test]
fn a_probe_that_says_nothing_is_followed_by_another_at_once() {
    let probing = open().probing(START + DAY);
    let nothing = probing.clone().unprobed(START + DAY, START + DAY + 50);
    assert_eq!((nothing.circuit(), nothing.probes), (Circuit::Open, probing.probes));
    assert!(nothing.wants_probe(START + DAY + 50));
    let unsendable = probing.after(tried(START + DAY, Sign::Nothing));
    assert!(unsendable.wants_probe(START + DAY + SECOND) && unsendable.probing_since.is_none());
    // What began before it is none of its outcomes.
    assert_eq!(probing.clone().unprobed(START, START + DAY + 50), probing);
}

#[test]
fn time_without_attempts_is_no_failure() {
    let told = Health { warned_at: Some(START), ..row(Health::default(), Sign::Down, 4, START, SECOND) };
    assert_eq!(told.notice(Some(DAY)), None, "however long ago that was");
    assert_eq!(told.after(tried(START + DAY, Sign::Down)).notice(Some(DAY)), Some(Notice::Exhausted));
}

#[test]
fn a_webhook_with_little_to_send_is_told_of_later_but_before_its_end() {
    let few = |last: i64| row(Health::default(), Sign::Refuses, 2, START, last);
    assert_eq!(few(3_600 * SECOND).notice(Some(5 * DAY)), None);
    assert_eq!(few(WARN_AFTER_FEW_MS).notice(Some(5 * DAY)), Some(Notice::Failing));
    assert_eq!(few(WARN_AFTER_FEW_MS).notice(None), Some(Notice::Failing));
    assert_eq!(few(3 * SECOND).notice(Some(5 * SECOND)), Some(Notice::Failing));
}

#[test]
fn success_that_is_not_told_yet_counts_all_the_same() {
    let told = Health { warned_at: Some(START), ..open() };
    let again = told.after(tried(START + DAY, Sign::Works)).after(tried(START + DAY + 1, Sign::Down));
    assert_eq!((again.failing_since, again.failures), (Some(START + DAY + 1), 1));
    assert_eq!(again.notice(Some(5 * SECOND)), None);
}

fn any_sign() -> impl Strategy<Value = Sign> {
    prop_oneof![
        Just(Sign::Works),
        Just(Sign::Refuses),
        Just(Sign::Nothing),
        Just(Sign::Down),
        Just(Sign::Down),
        Just(Sign::Down),
        Just(Sign::Down),
        Just(Sign::Gone),
    ]
}

proptest! {
    #[test]
    fn prop_only_what_gets_through_closes_a_circuit(
        steps in prop::collection::vec((any_sign(), 0..60 * SECOND, any::<u32>(), any::<bool>()), 0..200),
    ) {
        let (mut health, mut now) = (Health::default(), START);
        for (sign, wait, draw, probes) in steps {
            now += wait;
            if probes && health.wants_probe(now) {
                health = health.probing(now);
            }
            let next = health.after(Tried { started: now, ended: now + 50, sign, not_before: None, draw });
            let gets_through = matches!(sign, Sign::Works | Sign::Refuses);
            if health.is_open() {
                prop_assert_eq!(next.is_open(), !gets_through);
            }
            if next.is_open() {
                prop_assert!(next.failures >= OPEN_AFTER_FAILURES);
                prop_assert!(next.probe_at.is_some());
            }
            prop_assert_eq!(next.failing_since.is_some(), next.failures > 0);
            if sign == Sign::Works && next.warned_at.is_none() {
                prop_assert!(next.is_well() || next.is_gone);
            }
            health = next;
        }
    }

    #[test]
    fn prop_jitter_is_at_most_a_tenth(failed in 0_u32..40, draw in any::<u32>()) {
        let tried = Tried { started: START, ended: START, sign: Sign::Down, not_before: None, draw };
        let exact = next_probe(failed, Tried { draw: 0, ..tried }) - START;
        let drawn = next_probe(failed, tried) - START;
        prop_assert!((exact..=exact + exact / 10).contains(&drawn));
        prop_assert!((FIRST_PROBE_MS..=MAX_PROBE_MS).contains(&exact));
    }

    #[test]
    fn prop_the_end_is_never_told_before_the_warning(
        steps in prop::collection::vec((any_sign(), 0..3_600 * SECOND), 0..100),
        after in prop::option::of(SECOND..DAY),
    ) {
        let (mut health, mut now, mut warned) = (Health::default(), START, false);
        for (sign, wait) in steps {
            now += wait;
            health = health.after(tried(now, sign));
            if let Some(notice) = health.notice(after) {
                match notice {
                    Notice::Failing => prop_assert!(!std::mem::replace(&mut warned, true)),
                    Notice::Recovered | Notice::Exhausted => prop_assert!(std::mem::take(&mut warned)),
                    Notice::Gone => warned = false,
                }
                health = health.told(notice, now);
            }
        }
    }
}

#[test]
fn a_destination_can_ask_for_a_later_probe_and_not_for_none() {
    let asks = |not_before| next_probe(0, Tried { not_before, ..tried(START, Sign::Down) }) - START - 100;
    assert_eq!(asks(None), FIRST_PROBE_MS);
    assert_eq!(asks(Some(START + 100 + 1_000)), FIRST_PROBE_MS, "sooner than it would be");
    assert_eq!(asks(Some(START + 100 + 60_000)), 60_000);
    assert_eq!(asks(Some(i64::MAX)), MAX_ASKED_MS);
}
