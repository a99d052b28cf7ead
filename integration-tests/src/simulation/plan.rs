//! What a seed decides beside the facts.

use std::time::Duration;

use afterword_engine::TaskOptions;
use afterword_log::simulated::Faults;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::traced;
use crate::facts::Config;

/// One simulated life of a partition.
pub struct Plan {
    pub facts: Config,
    pub faults: Faults,
    /// How likely the process is killed between two steps.
    pub kill: f64,
    /// Always this debt, when given.
    debt_facts: Option<u64>,
    processes: usize,
    dice: ChaCha8Rng,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Plan {
        let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        let facts = Config {
            beyond_memory: dice.random_bool(0.02),
            facts: dice.random_range(20..400),
            workspaces: dice.random_range(1..3),
            conversations: dice.random_range(1..12),
            poison_per_mille: *[0, 0, 10, 100].choose(&mut dice).unwrap_or(&0),
            settings_per_mille: *[0, 5, 30, 100].choose(&mut dice).unwrap_or(&0),
            ..Config::default()
        };
        let calm = dice.random_bool(0.1);
        Plan {
            facts,
            faults: if calm { Faults::none() } else { Faults::some() },
            kill: if calm { 0.0 } else { 0.03 },
            debt_facts: None,
            processes: 0,
            dice,
        }
    }

    /// A plan without failures for [`super::long`].
    #[must_use]
    pub fn long() -> Plan {
        Plan {
            faults: Faults::none(),
            kill: 0.0,
            debt_facts: Some(super::long::DEBT_FACTS),
            ..Plan::of(0)
        }
    }

    /// Options of a process; each start may have others, and no output may depend on them.
    pub fn options(&mut self) -> TaskOptions {
        let dice = &mut self.dice;
        self.processes += 1;
        TaskOptions {
            poll_records: dice.random_range(1..60),
            commit_records: dice.random_range(1..80),
            commit_interval: Duration::from_millis(dice.random_range(0..200)),
            debt_facts: self
                .debt_facts
                .unwrap_or(*[0, 1, 7, 40, 1_000_000].choose(dice).unwrap_or(&0)),
            cache_bytes: *[0, 3_000, 1 << 20].choose(dice).unwrap_or(&0),
            build: "simulated".to_owned(),
            tracer: traced::tracer(self.processes),
        }
    }

    /// How many entries of the log arrive before the next step.
    pub fn arrivals(&mut self) -> usize {
        if self.dice.random_bool(0.5) {
            0
        } else {
            self.dice.random_range(0..40)
        }
    }

    /// Whether the process is killed now.
    pub fn is_killed(&mut self) -> bool {
        self.dice.random_bool(self.kill)
    }

    /// Whether the process is stopped gracefully now and started again.
    pub fn is_restarted(&mut self) -> bool {
        self.dice.random_bool(self.kill / 2.0)
    }

    /// How long the next step takes.
    pub fn tick(&mut self) -> Duration {
        Duration::from_millis(self.dice.random_range(0..30))
    }
}
