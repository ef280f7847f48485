//! When a failed delivery is tried again.

/// The default: 5 minutes, 30 minutes and 2 hours after the first attempt.
pub const DEFAULT_OFFSETS_SECONDS: [u32; 3] = [300, 1_800, 7_200];

/// How many retries a schedule may have: twice as many as the example of the Standard Webhooks
/// specification (nine, "Deliverability and reliability"), and few enough to show all attempts on one page.
pub const MAX_RETRIES: usize = 18;

/// How late a retry may be, in seconds after the first attempt: 7 days. What a destination hasn't taken by
/// then is replayed by hand, not sent out of the blue.
pub const MAX_OFFSET_SECONDS: u32 = 7 * 24 * 3_600;

/// Jitter is at most this part of the distance between two retries: a tenth. Enough to spread what failed in one outage
/// over half a minute at the first retry of the default schedule, little enough that the offsets mean what they say.
const JITTER_PARTS: i64 = 10;

/// Why a list of offsets is not a schedule. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// More than [`MAX_RETRIES`] entries.
    #[error("{count} retries are more than {MAX_RETRIES}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// An entry that is not later than the one before it, or, for the first, than the first attempt.
    #[error("entry {position} is not later than the one before it")]
    NotIncreasing {
        /// Which one.
        position: usize,
    },
    /// An entry beyond [`MAX_OFFSET_SECONDS`].
    #[error("entry {position} is later than {MAX_OFFSET_SECONDS} s")]
    TooLate {
        /// Which one.
        position: usize,
    },
}

/// The retries of a webhook: offsets in seconds, counted **from the first attempt**, strictly increasing.
/// An empty one means one attempt and no retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<u32>);

impl Schedule {
    /// Checks the offsets.
    ///
    /// # Errors
    /// Names the first entry that is wrong; see [`ScheduleError`].
    pub fn new(offsets_seconds: Vec<u32>) -> Result<Self, ScheduleError> {
        let count = offsets_seconds.len();
        if count > MAX_RETRIES {
            return Err(ScheduleError::TooMany { count });
        }
        let mut previous = 0;
        for (position, offset) in offsets_seconds.iter().copied().enumerate() {
            if offset <= previous {
                return Err(ScheduleError::NotIncreasing { position });
            }
            if offset > MAX_OFFSET_SECONDS {
                return Err(ScheduleError::TooLate { position });
            }
            previous = offset;
        }
        Ok(Self(offsets_seconds))
    }

    /// The offsets, in seconds from the first attempt.
    pub fn offsets_seconds(&self) -> &[u32] {
        &self.0
    }

    /// When to try again after a failed attempt, in milliseconds since the Unix epoch; `None` if that was
    /// the last.
    ///
    /// The k-th retry is due at its offset from `first_attempt_ms`. If that moment is past already, because the
    /// delivery waited meanwhile (its webhook was paused, its circuit open, or the program down), it is due after its
    /// distance from the offset before, while that is inside the window: one that waited must not use up its retries
    /// within seconds. `attempts_made` counts the first attempt too.
    ///
    /// `retry_after_seconds` is what the destination asked for (429 and 503). It puts the retry off, but
    /// never past the last offset: the window of the schedule is what the user was promised. Of a delivery that
    /// waited the window ends with its next retry.
    ///
    /// `draw` is random, any number: it spreads the retries of deliveries that failed together, so that they don't
    /// come together again. A retry comes later than its offset by up to a tenth ([`JITTER_PARTS`]) of its distance
    /// from the offset before, the last one that much earlier, so that it stays inside the window.
    pub fn next_attempt(
        &self,
        first_attempt_ms: i64,
        attempts_made: u32,
        now_ms: i64,
        retry_after_seconds: Option<u32>,
        draw: u32,
    ) -> Option<i64> {
        let Some(retries_made) = attempts_made.checked_sub(1) else { return Some(now_ms) };
        let position = usize::try_from(retries_made).ok()?;
        let offset = *self.0.get(position)?;
        let last_offset = *self.0.last()?;

        let before = position.checked_sub(1).and_then(|before| self.0.get(before)).copied().unwrap_or(0);
        let distance = offset - before;
        let jitter = i64::from(distance) * 1_000 / JITTER_PARTS * i64::from(draw) / i64::from(u32::MAX);
        let is_last = position + 1 == self.0.len();
        let planned = after(first_attempt_ms, offset);
        let window_end = after(first_attempt_ms, last_offset);
        let due = match (planned > now_ms, window_end > now_ms) {
            (true, _) => planned,
            (false, true) => after(now_ms, distance).min(window_end),
            (false, false) => after(now_ms, distance),
        };
        let slot = due.saturating_add(if is_last { -jitter } else { jitter }).max(now_ms);
        let asked_for = after(now_ms, retry_after_seconds.unwrap_or(0));
        Some(slot.max(asked_for).min(window_end.max(due)))
    }
}

impl Default for Schedule {
    /// [`DEFAULT_OFFSETS_SECONDS`].
    fn default() -> Self {
        Self(DEFAULT_OFFSETS_SECONDS.to_vec())
    }
}

fn after(start_ms: i64, seconds: u32) -> i64 {
    start_ms.saturating_add(i64::from(seconds) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: i64 = 1_700_000_000_000;

    fn seconds(seconds: i64) -> i64 {
        FIRST + seconds * 1_000
    }

    #[test]
    fn the_default_retries_after_5_minutes_30_minutes_and_2_hours() {
        let schedule = Schedule::default();
        assert_eq!(Schedule::new(vec![300, 1_800, 7_200]), Ok(schedule.clone()));
        assert_eq!(schedule.next_attempt(FIRST, 1, seconds(1), None, 0), Some(seconds(300)));
        assert_eq!(schedule.next_attempt(FIRST, 2, seconds(301), None, 0), Some(seconds(1_800)));
        assert_eq!(schedule.next_attempt(FIRST, 3, seconds(1_801), None, 0), Some(seconds(7_200)));
        assert_eq!(schedule.next_attempt(FIRST, 4, seconds(7_201), None, 0), None);
        assert_eq!(schedule.next_attempt(FIRST, u32::MAX, seconds(7_201), None, 0), None);
    }

    #[test]
    fn what_was_never_tried_is_due_now() {
        assert_eq!(Schedule::default().next_attempt(FIRST, 0, seconds(5), None, 0), Some(seconds(5)));
    }

    #[test]
    fn what_waited_past_its_moment_does_not_use_up_its_retries_at_once() {
        let schedule = Schedule::default();
        assert_eq!(schedule.next_attempt(FIRST, 1, seconds(400), None, 0), Some(seconds(700)));
        assert_eq!(
            schedule.next_attempt(FIRST, 2, seconds(7_000), None, 0),
            Some(seconds(7_200)),
            "the window"
        );
        assert_eq!(schedule.next_attempt(FIRST, 2, seconds(90_000), None, 0), Some(seconds(91_500)));
        assert_eq!(schedule.next_attempt(FIRST, 3, seconds(91_500), None, 0), Some(seconds(96_900)));
        assert_eq!(schedule.next_attempt(FIRST, 3, seconds(91_500), None, u32::MAX), Some(seconds(96_360)));
    }

    #[test]
    fn retry_after_puts_a_retry_off_inside_the_window() {
        let schedule = Schedule::default();
        let next =
            |attempts, now, asked| schedule.next_attempt(FIRST, attempts, seconds(now), Some(asked), 0);
        assert_eq!(next(1, 10, 60), Some(seconds(300)), "asks for less than the schedule has");
        assert_eq!(next(1, 10, 600), Some(seconds(610)));
        assert_eq!(next(1, 10, 86_400), Some(seconds(7_200)), "the last slot bounds it");
        assert_eq!(next(3, 8_000, 60), Some(seconds(13_400)), "later by itself, for it waited");
        assert_eq!(next(3, 8_000, 9_000), Some(seconds(13_400)), "which bounds it then");
        assert_eq!(next(4, 8_000, 60), None);
        assert_eq!(next(1, 10, u32::MAX), Some(seconds(7_200)));
    }

    #[test]
    fn jitter_spreads_a_retry_over_a_tenth_of_its_distance() {
        let schedule = Schedule::default();
        let next = |attempts, draw| schedule.next_attempt(FIRST, attempts, FIRST, None, draw);
        assert_eq!(next(1, u32::MAX), Some(seconds(330)));
        assert_eq!(next(1, u32::MAX / 2), Some(FIRST + 314_999));
        assert_eq!(next(2, u32::MAX), Some(seconds(1_950)));
        assert_eq!(next(3, u32::MAX), Some(seconds(7_200 - 540)), "the last stays inside the window");
    }

    #[test]
    fn an_empty_schedule_has_no_retry() {
        let schedule = Schedule::new(vec![]).unwrap();
        assert_eq!(schedule.next_attempt(FIRST, 1, FIRST, Some(60), 0), None);
    }

    #[test]
    fn wrong_lists_are_refused_at_the_wrong_entry() {
        let not_increasing = |position| Err(ScheduleError::NotIncreasing { position });
        assert_eq!(Schedule::new(vec![0]), not_increasing(0));
        assert_eq!(Schedule::new(vec![1, 2, 2]), not_increasing(2));
        assert_eq!(Schedule::new(vec![1, 3, 2]), not_increasing(2));
        assert!(Schedule::new(vec![1, MAX_OFFSET_SECONDS]).is_ok());
        assert_eq!(
            Schedule::new(vec![1, MAX_OFFSET_SECONDS + 1]),
            Err(ScheduleError::TooLate { position: 1 })
        );
        assert!(Schedule::new((1..=18).collect()).is_ok());
        assert_eq!(Schedule::new((1..=19).collect()), Err(ScheduleError::TooMany { count: 19 }));
    }

    fn schedules() -> impl Strategy<Value = Schedule> {
        prop::collection::btree_set(1..=MAX_OFFSET_SECONDS, 0..=MAX_RETRIES)
            .prop_map(|offsets| Schedule::new(offsets.into_iter().collect()).unwrap())
    }

    proptest! {
        #[test]
        fn prop_attempts_that_fail_at_once_happen_at_the_offsets(schedule in schedules()) {
            let mut now = FIRST;
            let mut offsets = vec![];
            while let Some(due) = schedule.next_attempt(FIRST, offsets.len() as u32 + 1, now, None, 0) {
                offsets.push(u32::try_from((due - FIRST) / 1_000).unwrap());
                now = due;
            }
            prop_assert_eq!(offsets.as_slice(), schedule.offsets_seconds());
        }

        #[test]
        fn prop_no_retry_is_early_or_past_its_bounds(
            schedule in schedules(), attempts in 1..30_u32, now in FIRST..seconds(2 * 604_800),
            asked: Option<u32>, draw: u32
        ) {
            let due = schedule.next_attempt(FIRST, attempts, now, asked, draw);
            let slot = schedule.offsets_seconds().get(attempts as usize - 1).copied();
            prop_assert_eq!(due.is_some(), slot.is_some());
            let (Some(due), Some(slot)) = (due, slot) else { return Ok(()) };
            let last = *schedule.offsets_seconds().last().unwrap();
            let before = if attempts == 1 { 0 } else { schedule.offsets_seconds()[attempts as usize - 2] };
            let jitter = i64::from(slot - before) * 100;
            let (earliest, latest) = if slot == last { (-jitter, 0) } else { (0, jitter) };
            // What is past begins again with the distance from the one before.
            let planned = match now + i64::from(slot - before) * 1_000 {
                _ if seconds(slot.into()) > now => seconds(slot.into()),
                due if seconds(last.into()) > now => due.min(seconds(last.into())),
                due => due,
            };
            prop_assert!(due >= now && due >= planned + earliest);
            prop_assert!(due <= planned.max(seconds(last.into())));
            if asked.is_none() {
                prop_assert!(due <= now.max(planned + latest));
            }
        }

        #[test]
        fn prop_any_times_get_an_answer(first: i64, attempts: u32, now: i64, asked: Option<u32>, draw: u32) {
            let due = Schedule::default().next_attempt(first, attempts, now, asked, draw);
            prop_assert!(due.is_none_or(|due| due >= now));
        }
    }
}
