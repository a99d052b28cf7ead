//! A log in memory that fails on purpose: the same seed gives the same polls, delays and failures. The engine's loop runs
//! on it unchanged, so what holds here under thousands of seeds holds for the loop.
//!
//! What is kept is what a disk or a cluster would keep: a crash takes only what was never committed.

mod faults;
mod partition;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use faults::{BackendDefect, Faults};
pub use partition::SimulatedPartition;

use crate::commit::{Commit, Meta};
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// A handle on one simulated log; clones share it.
#[derive(Clone)]
pub struct SimulatedLog {
    world: Arc<Mutex<World>>,
}

/// Everything that survives a crash, and the dice.
struct World {
    topics: BTreeMap<(Topic, Partition), Vec<Record>>,
    states: HashMap<(Partition, Vec<u8>), Vec<u8>>,
    metas: HashMap<Partition, Meta>,
    commits: Vec<(Partition, Meta)>,
    epochs: HashMap<Partition, u64>,
    /// A commit whose answer is out, and which may still arrive.
    delayed: HashMap<Partition, Commit>,
    faults: Faults,
    defect: Option<BackendDefect>,
    crashed: bool,
    dice: ChaCha8Rng,
}

impl SimulatedLog {
    /// An empty log whose dice are thrown by this seed.
    #[must_use]
    pub fn new(seed: u64, faults: Faults, defect: Option<BackendDefect>) -> SimulatedLog {
        let world = World {
            topics: BTreeMap::new(),
            states: HashMap::new(),
            metas: HashMap::new(),
            commits: Vec::new(),
            epochs: HashMap::new(),
            delayed: HashMap::new(),
            faults,
            defect,
            crashed: false,
            dice: ChaCha8Rng::seed_from_u64(seed),
        };
        SimulatedLog {
            world: Arc::new(Mutex::new(world)),
        }
    }

    /// Appends a record and returns where it went.
    pub fn append(&self, topic: Topic, partition: Partition, record: Record) -> Offset {
        self.world.lock().append(topic, partition, record)
    }

    /// Everything that a topic's partition holds.
    #[must_use]
    pub fn records(&self, topic: Topic, partition: Partition) -> Vec<Record> {
        let world = self.world.lock();
        world
            .topics
            .get(&(topic, partition))
            .cloned()
            .unwrap_or_default()
    }

    /// The meta record of every commit that was written, in order.
    #[must_use]
    pub fn commits(&self) -> Vec<(Partition, Meta)> {
        self.world.lock().commits.clone()
    }

    /// The stored states of a partition, by key.
    #[must_use]
    pub fn states(&self, partition: Partition) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let world = self.world.lock();
        let of_partition = world.states.iter().filter(|((of, _), _)| *of == partition);
        of_partition
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    /// From now on nothing fails any more, and what was delayed is gone: a run can come to its end.
    pub fn heal(&self) {
        let mut world = self.world.lock();
        world.faults = Faults::none();
    }

    /// Whether the process was to crash since the last call. The caller then drops its task and makes a new one.
    #[must_use]
    pub fn take_crash(&self) -> bool {
        std::mem::take(&mut self.world.lock().crashed)
    }

    /// One partition's log, for one task.
    #[must_use]
    pub fn task(&self, partition: Partition) -> SimulatedPartition {
        SimulatedPartition::new(Arc::clone(&self.world), partition)
    }
}

impl World {
    fn append(&mut self, topic: Topic, partition: Partition, record: Record) -> Offset {
        let records = self.topics.entry((topic, partition)).or_default();
        records.push(record);
        Offset(records.len() as u64 - 1)
    }

    fn end(&self, topic: Topic, partition: Partition) -> Offset {
        let records = self.topics.get(&(topic, partition));
        Offset(records.map_or(0, Vec::len) as u64)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.dice.random_bool(probability)
    }

    fn write(&mut self, partition: Partition, commit: &Commit) {
        self.write_outputs(partition, commit);
        self.write_states(partition, commit);
        self.write_meta(partition, commit);
    }

    fn write_outputs(&mut self, partition: Partition, commit: &Commit) {
        for output in &commit.outputs {
            self.append(output.topic, partition, output.record.clone());
        }
    }

    fn write_states(&mut self, partition: Partition, commit: &Commit) {
        for state in &commit.states {
            self.states
                .insert((partition, state.key.clone()), state.value.clone());
        }
    }

    fn write_meta(&mut self, partition: Partition, commit: &Commit) {
        self.metas.insert(partition, commit.meta);
        self.commits.push((partition, commit.meta));
    }
}
