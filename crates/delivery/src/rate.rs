//! How often something may happen: a token bucket, kept as the one number that it takes.
//!
//! That is the generic cell rate algorithm (ITU-T I.371, annex A): instead of counting tokens it remembers when the bucket
//! will be full again.

use std::collections::HashMap;
use std::hash::Hash;

/// Microseconds of a second: fine enough for a million a second.
const MICROS: i64 = 1_000_000;

/// So many in so much time; all of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// In how many seconds; at least 1.
    pub seconds: u32,
}

/// What has been taken. A new one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When it is full again, in microseconds since the Unix epoch.
    full_at: i64,
}

impl Rate {
    fn window(self) -> i64 {
        i64::from(self.seconds.max(1)) * MICROS
    }

    /// Between two of them, for one of so many that share the rate evenly.
    fn interval(self, sharers: u32) -> i64 {
        self.window().saturating_mul(i64::from(sharers.max(1))) / i64::from(self.count.max(1))
    }
}

impl Bucket {
    /// Takes one at this moment (milliseconds since the Unix epoch).
    ///
    /// # Errors
    /// If there is none: after how many milliseconds there will be one.
    pub fn take(&mut self, rate: Rate, now: i64) -> Result<(), i64> {
        self.take_share(rate, 1, now)
    }

    /// The same where so many share the rate evenly, each with a bucket of its own: all of them together let through what
    /// one alone would, as long as there is at least one for each.
    ///
    /// # Errors
    /// The same.
    pub fn take_share(&mut self, rate: Rate, sharers: u32, now: i64) -> Result<(), i64> {
        self.take_within(rate, rate.window(), sharers, now)
    }

    /// The same for who can wait: only a tenth may come at once, the rest evenly after it. So the first window after a
    /// pause holds hardly more than any other.
    ///
    /// # Errors
    /// The same.
    pub fn take_paced(&mut self, rate: Rate, sharers: u32, now: i64) -> Result<(), i64> {
        self.take_within(rate, rate.window() / 10, sharers, now)
    }

    /// Takes one out of a bucket that fills in `holds` microseconds.
    fn take_within(&mut self, rate: Rate, holds: i64, sharers: u32, now: i64) -> Result<(), i64> {
        let now = now.saturating_mul(1_000);
        let interval = rate.interval(sharers);
        // A share holds at least one, or it would never let anything through.
        let holds = holds.max(interval);
        // What was taken at another rate, or by a clock that was ahead, empties it and no more.
        let full_at = self.full_at.clamp(now, now.saturating_add(holds)).saturating_add(interval);
        let excess = full_at.saturating_sub(now).saturating_sub(holds);
        if excess > 0 {
            return Err((excess + 999) / 1_000);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Whether it is as good as a new one.
    pub fn is_full(&self, now: i64) -> bool {
        self.full_at <= now.saturating_mul(1_000)
    }
}

/// The buckets of many, of whom so many are remembered at most. Those that are full are forgotten first.
#[derive(Debug)]
pub struct Buckets<K> {
    buckets: HashMap<K, Bucket>,
    most: usize,
}

impl<K: Hash + Eq> Buckets<K> {
    /// For at most so many at once.
    pub fn new(most: usize) -> Self {
        Self { buckets: HashMap::new(), most }
    }

    /// Takes one for `key`, as [`Bucket::take_share`] does.
    ///
    /// # Errors
    /// The same; and a second, if there is no room for another one.
    pub fn take_share(&mut self, key: K, rate: Rate, sharers: u32, now: i64) -> Result<(), i64> {
        self.bucket(key, now)?.take_share(rate, sharers, now)
    }

    /// Takes one for `key`, as [`Bucket::take_paced`] does.
    ///
    /// # Errors
    /// The same; and a second, if there is no room for another one.
    pub fn take_paced(&mut self, key: K, rate: Rate, sharers: u32, now: i64) -> Result<(), i64> {
        self.bucket(key, now)?.take_paced(rate, sharers, now)
    }

    fn bucket(&mut self, key: K, now: i64) -> Result<&mut Bucket, i64> {
        if self.buckets.len() >= self.most && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            if self.buckets.len() >= self.most {
                return Err(1_000);
            }
        }
        Ok(self.buckets.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate { count: 3, seconds: 1 };
        let mut bucket = Bucket::default();
        let now = 1_792_000_000_000;
        assert_eq!([(); 4].map(|()| bucket.take(rate, now)), [Ok(()), Ok(()), Ok(()), Err(334)]);
        assert_eq!(bucket.take(rate, now + 333), Err(1));
        assert_eq!(bucket.take(rate, now + 334), Ok(()));
        assert_eq!(bucket.take(rate, now + 334), Err(333));
        assert!(!bucket.is_full(now + 334));
        assert!(bucket.is_full(now + 334 + 1_000));
    }

    #[test]
    fn a_clock_that_goes_back_and_another_rate_stop_it_for_no_longer_than_an_empty_bucket() {
        let rate = Rate { count: 1, seconds: 10 };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(rate, 1_000_000), Ok(()));
        assert_eq!(bucket.take(rate, 990_000), Err(10_000));
        let mut hourly = Bucket::default();
        assert_eq!(hourly.take(Rate { count: 1, seconds: 3_600 }, 0), Ok(()));
        assert_eq!(hourly.take(Rate { count: 100, seconds: 1 }, 0), Err(10));
    }

    #[test]
    fn a_share_is_its_part_of_the_burst_and_of_the_rate() {
        let rate = Rate { count: 9, seconds: 9 };
        let mut bucket = Bucket::default();
        let mut burst = |now| (0..20).filter(|_| bucket.take_share(rate, 3, now).is_ok()).count();
        assert_eq!(burst(1_000_000), 3);
        assert_eq!((burst(1_002_999), burst(1_003_000)), (0, 1));
        let mut lonely = Bucket::default();
        let one = Rate { count: 1, seconds: 10 };
        assert_eq!(lonely.take_share(one, 4, 0), Ok(()));
        assert_eq!(lonely.take_share(one, 4, 0), Err(40_000), "its turn is every fourth time");
    }

    #[test]
    fn of_too_many_those_that_are_full_are_forgotten() {
        let rate = Rate { count: 1, seconds: 1 };
        let mut buckets = Buckets::new(3);
        for key in 0..3 {
            assert_eq!(buckets.take_share(key, rate, 1, 0), Ok(()));
        }
        assert_eq!(buckets.take_share(3, rate, 1, 0), Err(1_000));
        assert_eq!(buckets.take_share(3, rate, 1, 1_000), Ok(()));
        assert_eq!(buckets.buckets.len(), 1);
    }

    proptest! {
        #[test]
        fn prop_no_window_holds_more_than_a_burst_and_what_flows_in(
            count in 1u32..50, seconds in 1u32..100, steps in prop::collection::vec(0i64..5_000, 1..200)
        ) {
            let rate = Rate { count, seconds };
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 1_000_000_000_i64, Vec::new());
            for step in steps {
                now += step;
                if bucket.take(rate, now).is_ok() {
                    taken.push(now);
                }
            }
            let window = i64::from(seconds) * 1_000;
            for (position, first) in taken.iter().enumerate() {
                let within = taken[position..].iter().filter(|at| **at - first < window).count();
                prop_assert!(within <= 2 * count as usize, "{within} in one window of {count}");
            }
        }

        #[test]
        fn prop_shares_together_are_one_rate(
            sharers in 1u32..8, count in 1u32..50, seconds in 1u32..100,
            steps in prop::collection::vec((0i64..3_000, 0usize..8), 1..300)
        ) {
            let rate = Rate { count, seconds };
            let mut buckets = vec![Bucket::default(); sharers as usize];
            let (mut now, mut taken) = (1_000_000_000_i64, Vec::new());
            for (step, bucket) in steps {
                now += step;
                if buckets[bucket % sharers as usize].take_share(rate, sharers, now).is_ok() {
                    taken.push(now);
                }
            }
            let window = i64::from(seconds) * 1_000;
            // A burst and what flows in; where there is not one for each, each has one all the same.
            let most = count.max(sharers) + count + sharers;
            for (position, first) in taken.iter().enumerate() {
                let within = taken[position..].iter().filter(|at| **at - first < window).count();
                prop_assert!(within <= most as usize, "{within} in one window of {count} by {sharers}");
            }
        }

        #[test]
        fn prop_a_pace_is_held_within_a_tenth(
            sharers in 1u32..4, count in 1u32..200, seconds in 1u32..100, waits in prop::collection::vec(0i64..50, 1..300)
        ) {
            // Each takes as soon as it may, or a little later, for three windows.
            let rate = Rate { count, seconds };
            let window = i64::from(seconds) * 1_000;
            let start = 1_000_000_000_i64;
            let mut taken = Vec::new();
            for _ in 0..sharers {
                let (mut bucket, mut now, mut waits) = (Bucket::default(), start, waits.iter().cycle());
                while now < start + 3 * window {
                    match bucket.take_paced(rate, sharers, now) {
                        Ok(()) => taken.push(now),
                        Err(wait) => now += wait + waits.next().unwrap(),
                    }
                }
            }
            taken.sort_unstable();
            let most = count + (count / 10).max(sharers) + sharers;
            for (position, first) in taken.iter().enumerate() {
                let within = taken[position..].iter().filter(|at| **at - first < window).count();
                prop_assert!(within <= most as usize, "{within} in one window of {count} by {sharers}");
            }
        }

        #[test]
        fn prop_who_waits_as_told_gets_one(count in 1u32..1_000, seconds in 1u32..1_000, taken in 1usize..2_000) {
            let rate = Rate { count, seconds };
            let (mut bucket, now) = (Bucket::default(), 1_000_000_000_i64);
            let mut wait = 0;
            for _ in 0..taken {
                wait = bucket.take(rate, now).err().unwrap_or(0);
            }
            if wait > 0 {
                prop_assert!(bucket.take(rate, now + wait - 1).is_err());
                prop_assert_eq!(bucket.take(rate, now + wait), Ok(()));
            }
        }
    }
}
