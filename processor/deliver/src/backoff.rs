//! Waits between attempts: growing, bounded, and never the same for all.

use std::time::Duration;

use rand::RngExt;

/// How much longer each wait is than the one before.
const FACTOR: u32 = 4;
/// A wait is up to this share shorter or longer, in percent, so that what failed together is not tried again together.
const JITTER_PERCENT: u32 = 25;

/// The wait after this many attempts (from 1).
pub fn wait(attempts: i64, first: Duration, longest: Duration) -> Duration {
    let power = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let factor = FACTOR.checked_pow(power).unwrap_or(u32::MAX);
    jittered(first.saturating_mul(factor).min(longest))
}

/// About this long.
pub fn jittered(wait: Duration) -> Duration {
    let percent = rand::rng().random_range(100 - JITTER_PERCENT..=100 + JITTER_PERCENT);
    wait.saturating_mul(percent) / 100
}

/// A pause of a whole lane: while the other side as such cannot be reached, there is no use in trying one delivery after the
/// other.
#[derive(Debug)]
pub struct Pause(Duration);

impl Pause {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);

    pub fn new() -> Pause {
        Pause(Pause::FIRST)
    }

    pub fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Pause::LONGEST);
        jittered(wait)
    }

    pub fn over(&mut self) {
        self.0 = Pause::FIRST;
    }
}

#[test]
fn waits_grow_to_their_limit() {
    let (first, longest) = (Duration::from_secs(5), Duration::from_secs(3_600));
    for (attempts, expected_s) in [(1, 5), (2, 20), (3, 80), (6, 3_600), (60, 3_600), (0, 5)] {
        let found = wait(attempts, first, longest).as_secs_f64();
        let expected = f64::from(expected_s);
        assert!(
            (expected * 0.74..=expected * 1.26).contains(&found),
            "{attempts}: {found}"
        );
    }
    let mut pause = Pause::new();
    let waits: Vec<_> = (0..8).map(|_| pause.next().as_secs()).collect();
    assert!(waits[7] <= 75 && waits[7] >= 45, "{waits:?}");
}
