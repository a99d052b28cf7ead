//! A small stage for one scenario: a broker behind a proxy, one partition, processes named a and b.

use std::path::PathBuf;
use std::time::Duration;

use crate::judge;
use crate::member::Member;
use crate::stranger::Stranger;
use crate::watcher::Watcher;
use crate::world::{GROUP, Plan, World};

/// Longest wait for what has to happen in a scenario.
pub const SOON: Duration = Duration::from_secs(30);

/// Under what a scenario is played.
#[derive(Clone, Debug)]
pub struct Under {
    pub program: PathBuf,
    /// Defences that are switched off; empty for none.
    pub off: String,
}

pub struct Stage {
    pub a: Member,
    pub b: Member,
    pub watcher: Watcher,
    pub stranger: Stranger,
    pub world: World,
    pub under: Under,
    options: Vec<String>,
}

impl Stage {
    /// Starts the broker and process a, which owns the partition when this returns.
    pub fn new(under: &Under, keys: &[(&str, &str)]) -> Stage {
        let mut plan = Plan::new(&under.program, 1, 1).proxied();
        for (key, value) in keys {
            plan = plan.with(key, value);
        }
        let world = World::new(plan);
        let mut stage = Stage {
            a: world.member("process-a"),
            b: world.member("process-b"),
            watcher: Watcher::new(&world.bootstrap_servers(), GROUP),
            stranger: world.stranger(),
            world,
            under: under.clone(),
            options: Vec::new(),
        };
        stage.start_a();
        stage
    }

    pub fn start_a(&mut self) {
        let arguments = self.world.processing(&self.options);
        self.a.start(&arguments, &self.under.off);
    }

    pub fn start_b(&mut self) {
        let arguments = self.world.processing(&self.options);
        self.b.start(&arguments, &self.under.off);
    }

    /// Puts facts into the log.
    pub fn import(&mut self, lines: &[String]) {
        self.world.import(lines);
    }

    /// Waits until all of the input is folded and committed.
    pub fn catch_up(&mut self, at_most: Duration) -> Result<(), String> {
        let mut members = [&mut self.a, &mut self.b];
        self.world.catch_up(&mut members, at_most).map(|_| ())
    }

    /// Everything that came out must be right, once all is folded.
    pub fn judge(&mut self) -> Result<(), String> {
        self.catch_up(SOON)?;
        self.stranger.read();
        let mut violations = self.stranger.violations(std::iter::empty());
        violations.extend(judge::violations(&self.stranger));
        if !violations.is_empty() {
            return Err(violations[..violations.len().min(3)].join("\n"));
        }
        self.world.verify()?;
        self.world.went_well();
        Ok(())
    }
}

/// Something that the scenario needs, and that is no finding about a defence.
pub fn expect(holds: bool, what: &str) {
    assert!(holds, "the scenario did not come about: expected {what}");
}
