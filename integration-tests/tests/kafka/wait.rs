//! Waiting for something that happens elsewhere.

use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_millis(50);

/// Whether this holds before the time is over.
pub fn until(at_most: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() >= at_most {
            return false;
        }
        std::thread::sleep(BETWEEN);
    }
}
