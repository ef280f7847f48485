//! The world as a script sees it: one moment, and one sequence of random numbers.

use std::cell::Cell;

use rquickjs::{Ctx, Function, Result};

const SOURCE: &str = include_str!("surroundings.js");

/// Makes `Date` stand at `now` (milliseconds since the Unix epoch) and `Math.random` follow from `seed`.
pub(crate) fn install(ctx: &Ctx<'_>, now: i64, seed: u64) -> Result<()> {
    let state = Cell::new(seed);
    let random = Function::new(ctx.clone(), move || next_random(&state))?.with_name("random")?;
    let install: Function<'_> = ctx.eval(SOURCE)?;
    install.call((now as f64, random))
}

/// The next number of the sequence, from 0 up to and without 1, by SplitMix64 (Steele, Lea, Flood: Fast Splittable
/// Pseudorandom Number Generators, 2014). Good for a choice or a sample, not for secrets.
fn next_random(state: &Cell<u64>) -> f64 {
    let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    state.set(next);
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // A double has 53 bits for the digits.
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_fill_the_unit_interval_evenly() {
        let state = Cell::new(7);
        let mut buckets = [0_u32; 10];
        for _ in 0..10_000 {
            buckets[(next_random(&state) * 10.0) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (850..1150).contains(count)), "{buckets:?}");
    }
}
