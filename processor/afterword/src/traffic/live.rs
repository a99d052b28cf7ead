//! Traffic that happens now: conversations begin at a rate and pass in seconds.

use super::{Made, Plan, Waiting};

/// Makes facts as time passes.
pub struct Live {
    plan: Plan,
    /// Between the beginnings of two conversations.
    pause_ms: f64,
    /// When the next one begins.
    next_begins_ms: f64,
    begun: u64,
    at_most: Option<u64>,
    waiting: Waiting,
}

impl Live {
    /// So many conversations a second from `now_ms` on, `at_most` so many in all.
    #[must_use]
    pub fn new(plan: Plan, rate: f64, at_most: Option<u64>, now_ms: i64) -> Live {
        let pause_ms = 1_000.0 / rate;
        Live {
            plan,
            pause_ms,
            next_begins_ms: now_ms as f64,
            begun: 0,
            at_most,
            waiting: Waiting::default(),
        }
    }

    /// What has arrived by now, at most so many facts.
    pub fn due(&mut self, now_ms: i64, at_most: usize) -> Vec<Made> {
        while self.next_begins_ms <= now_ms as f64
            && self.at_most.is_none_or(|most| self.begun < most)
        {
            self.waiting.add(
                self.plan
                    .conversation(self.begun, self.next_begins_ms as i64),
            );
            self.next_begins_ms += self.pause_ms;
            self.begun += 1;
        }
        std::iter::from_fn(|| self.waiting.take_before(now_ms + 1))
            .take(at_most)
            .collect()
    }

    /// Conversations begun so far.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at_most.is_some_and(|most| self.begun >= most) && self.waiting.is_empty()
    }
}
