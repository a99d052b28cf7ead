//! Chance, from a seed.

use std::ops::RangeInclusive;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The only source of chance in a log: the same seed throws the same numbers, on every machine.
#[derive(Debug)]
pub struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Dice {
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A number of this range, all alike.
    pub fn number(&mut self, range: RangeInclusive<i64>) -> i64 {
        self.rng.random_range(range)
    }

    /// An index below `length`, which is not 0.
    pub fn index(&mut self, length: usize) -> usize {
        let last = i64::try_from(length).unwrap_or(i64::MAX).saturating_sub(1);
        usize::try_from(self.number(0..=last)).unwrap_or(0)
    }

    /// A count of this range, all alike.
    pub fn count(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.index(range.end() - range.start() + 1)
    }

    /// True in that many of a thousand cases.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.number(0..=999) < i64::from(per_mille)
    }

    /// One of these, all alike.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of these, all alike.
    pub fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.index(from.len())]
    }

    /// One of these, each with its weight.
    pub fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let total: i64 = from.iter().map(|(weight, _)| i64::from(*weight)).sum();
        let mut left = self.number(0..=total - 1);
        for (weight, value) in from {
            left -= i64::from(*weight);
            if left < 0 {
                return *value;
            }
        }
        from[from.len() - 1].1
    }

    /// Any bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length)
            .map(|_| u8::try_from(self.number(0..=255)).unwrap_or(0))
            .collect()
    }
}
