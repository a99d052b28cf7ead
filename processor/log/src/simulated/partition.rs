//! One partition of the simulated log, as its task sees it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::RngExt;

use super::World;
use super::faults::BackendDefect;
use crate::batch::Batch;
use crate::commit::{Commit, Meta, PartitionLog};
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// The task's side of one partition.
pub struct SimulatedPartition {
    world: Arc<Mutex<World>>,
    partition: Partition,
    epoch: u64,
}

impl SimulatedPartition {
    pub(super) fn new(world: Arc<Mutex<World>>, partition: Partition) -> SimulatedPartition {
        SimulatedPartition {
            world,
            partition,
            epoch: 0,
        }
    }
}

impl World {
    /// What any call may meet: a delayed commit that arrives now, or a failure.
    fn disturb(&mut self, partition: Partition) -> Result<(), LogError> {
        let arrives = self.delayed.contains_key(&partition) && self.chance(self.faults.arrival);
        if arrives && let Some(commit) = self.delayed.remove(&partition) {
            self.write(partition, &commit);
        }
        if self.chance(self.faults.read_failure) {
            return Err(LogError::StartOver(
                "simulated failure of a read".to_owned(),
            ));
        }
        Ok(())
    }

    fn crash(&mut self) -> LogError {
        self.crashed = true;
        LogError::Stop("simulated crash".to_owned())
    }

    /// A crash in the middle of a commit, which a sound backend writes whole or not at all.
    fn crash_in_commit(&mut self, partition: Partition, commit: &Commit) -> LogError {
        match self.defect {
            Some(BackendDefect::PositionBeforeOutputs) => self.write_meta(partition, commit),
            Some(BackendDefect::OutputsBeforePosition) => self.write_outputs(partition, commit),
            Some(BackendDefect::StatesBeforeTheRest) => self.write_states(partition, commit),
            _ => {
                if self.chance(0.5) {
                    self.write(partition, commit);
                }
            }
        }
        self.crash()
    }

    fn doubt(&mut self, partition: Partition, commit: &Commit) -> LogError {
        match self.dice.random_range(0..3) {
            0 => self.write(partition, commit),
            1 => {}
            _ => drop(self.delayed.insert(partition, commit.clone())),
        }
        LogError::StartOver("simulated doubt about a commit".to_owned())
    }

    fn read(
        &mut self,
        topic: Topic,
        partition: Partition,
        from: u64,
        count: usize,
        batch: &mut Batch,
    ) {
        batch.clear();
        let records = self.topics.get(&(topic, partition));
        let records = records.map_or(&[][..], Vec::as_slice);
        let places = records
            .iter()
            .enumerate()
            .skip(usize::try_from(from).unwrap_or(usize::MAX));
        for (offset, record) in places.take(count) {
            batch.push(Offset(offset as u64), record);
        }
    }
}

impl PartitionLog for SimulatedPartition {
    fn partition(&self) -> Partition {
        self.partition
    }

    fn recover(&mut self) -> Result<Option<Meta>, LogError> {
        let mut world = self.world.lock();
        // A commit that is under way lands before the take-over, or never.
        if world.defect != Some(BackendDefect::LateCommitNotFenced)
            && let Some(commit) = world.delayed.remove(&self.partition)
            && world.chance(0.5)
        {
            world.write(self.partition, &commit);
        }
        let epoch = world.epochs.entry(self.partition).or_default();
        *epoch += 1;
        self.epoch = *epoch;
        Ok(world.metas.get(&self.partition).copied())
    }

    fn start(&mut self) -> Result<Offset, LogError> {
        Ok(Offset(0))
    }

    fn end(&mut self) -> Result<Offset, LogError> {
        Ok(self
            .world
            .lock()
            .end(Topic::ConversationEvents, self.partition))
    }

    fn poll(
        &mut self,
        from: Offset,
        max_records: usize,
        _wait: Duration,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        let mut world = self.world.lock();
        world.disturb(self.partition)?;
        batch.clear();
        let faults = world.faults;
        if world.chance(faults.empty_poll) {
            return Ok(());
        }
        let again = world.chance(faults.redelivery);
        let back = if again {
            world.dice.random_range(0..8)
        } else {
            0
        };
        let count = world.dice.random_range(1..=max_records.max(1));
        let from = from.0.saturating_sub(back);
        world.read(
            Topic::ConversationEvents,
            self.partition,
            from,
            count,
            batch,
        );
        Ok(())
    }

    fn load(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, LogError> {
        let mut world = self.world.lock();
        world.disturb(self.partition)?;
        let state = |key: &&[u8]| world.states.get(&(self.partition, key.to_vec())).cloned();
        Ok(keys.iter().map(state).collect())
    }

    fn settings(&mut self, from: Offset, batch: &mut Batch) -> Result<(), LogError> {
        let mut world = self.world.lock();
        world.disturb(self.partition)?;
        world.read(
            Topic::WorkspaceSettings,
            Partition(0),
            from.0,
            usize::MAX,
            batch,
        );
        Ok(())
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), LogError> {
        let mut world = self.world.lock();
        world.disturb(self.partition)?;
        if world.epochs.get(&self.partition) != Some(&self.epoch) {
            return Err(LogError::GiveUp(
                "another task recovered this partition".to_owned(),
            ));
        }
        let faults = world.faults;
        if world.chance(faults.wait) {
            return Err(LogError::Wait("simulated full disk".to_owned()));
        }
        if world.chance(faults.crash) {
            return Err(world.crash_in_commit(self.partition, commit));
        }
        if world.chance(faults.in_doubt) {
            return Err(world.doubt(self.partition, commit));
        }
        world.write(self.partition, commit);
        Ok(())
    }
}
