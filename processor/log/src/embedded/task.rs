//! A partition of conversations as its task sees it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::EmbeddedLog;
use super::database::read_error;
use super::keys::put_state_key;
use super::read::Limits;
use super::request::{Chunks, Kind, Request, TaskCommit};
use super::shared::closed;
use crate::batch::Batch;
use crate::coding::{put_bytes, put_varint};
use crate::commit::{Commit, Meta, PartitionLog, StateWrite};
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::{Bounds, Log, Topic};

/// One poll holds about this much at most, however many records were asked for.
const POLL_BYTES: usize = 16 << 20;
/// What a state costs beside its key and value.
const STATE_OVERHEAD_BYTES: u64 = 16;
/// What a commit costs beside its outputs and states.
const COMMIT_OVERHEAD_BYTES: u64 = 128;

/// One partition of a log's conversations, for its one task.
pub struct EmbeddedPartition {
    log: Arc<EmbeddedLog>,
    partition: Partition,
    /// Which recovery of the partition this one's was. `None` before its first: then it may not commit.
    epoch: Option<u64>,
}

impl EmbeddedPartition {
    pub(super) fn new(log: Arc<EmbeddedLog>, partition: Partition) -> EmbeddedPartition {
        EmbeddedPartition {
            log,
            partition,
            epoch: None,
        }
    }

    fn bounds(&self) -> Result<Bounds, LogError> {
        self.log.bounds(Topic::ConversationEvents, self.partition)
    }

    /// The keys as stored, in one buffer.
    fn stored_keys(&self, keys: &[&[u8]]) -> (Vec<u8>, Vec<Range<usize>>) {
        let bytes = keys.iter().map(|key| key.len() + size_of::<u32>()).sum();
        let mut buffer = Vec::with_capacity(bytes);
        let place = |key: &&[u8]| {
            let start = buffer.len();
            put_state_key(&mut buffer, self.partition, key);
            start..buffer.len()
        };
        let places = keys.iter().map(place).collect();
        (buffer, places)
    }
}

impl PartitionLog for EmbeddedPartition {
    fn partition(&self) -> Partition {
        self.partition
    }

    fn recover(&mut self) -> Result<Option<Meta>, LogError> {
        self.log
            .shared
            .slot(Topic::ConversationEvents, self.partition)?;
        let (reply, answer) = bounded(1);
        let request = Request::TakeOver {
            partition: self.partition,
            reply,
        };
        self.log.requests.send(request).map_err(|_| closed())?;
        let owned = answer.recv().map_err(|_| closed())??;
        self.epoch = Some(owned.epoch);
        Ok(owned.meta)
    }

    fn start(&mut self) -> Result<Offset, LogError> {
        self.bounds().map(|bounds| bounds.start)
    }

    fn end(&mut self) -> Result<Offset, LogError> {
        self.bounds().map(|bounds| bounds.end)
    }

    fn poll(
        &mut self,
        from: Offset,
        max_records: usize,
        wait: Duration,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        let shared = &self.log.shared;
        let slot = shared.slot(Topic::ConversationEvents, self.partition)?;
        shared.slots.wait(slot, from, wait);
        let limits = Limits {
            records: max_records,
            bytes: POLL_BYTES,
        };
        shared.read(
            Topic::ConversationEvents,
            self.partition,
            from,
            limits,
            batch,
        )
    }

    fn load(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, LogError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (buffer, places) = self.stored_keys(keys);
        self.log.shared.with_database(|database| {
            let found = database.load(places.into_iter().map(|place| &buffer[place]));
            let own = |value: Result<Option<rocksdb::DBPinnableSlice<'_>>, _>| {
                let value = value.map_err(read_error)?;
                Ok(value.map(|value| value.to_vec()))
            };
            found.into_iter().map(own).collect()
        })
    }

    fn settings(&mut self, from: Offset, batch: &mut Batch) -> Result<(), LogError> {
        let limits = Limits {
            records: usize::MAX,
            bytes: POLL_BYTES,
        };
        let shared = &self.log.shared;
        shared.read(Topic::WorkspaceSettings, Partition(0), from, limits, batch)
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), LogError> {
        let Some(epoch) = self.epoch else {
            let partition = self.partition;
            return Err(LogError::GiveUp(format!(
                "partition {partition} was not recovered before its commit"
            )));
        };
        let mut chunks = Chunks::default();
        for output in &commit.outputs {
            self.log.shared.slot(output.topic, self.partition)?;
            chunks.push(output.topic, self.partition, &output.record);
        }
        let size = |state: &StateWrite| state.key.len() + state.value.len();
        let capacity = commit.states.iter().map(|state| size(state) + 12).sum();
        let mut states = Vec::with_capacity(capacity);
        for state in &commit.states {
            put_varint(&mut states, (size_of::<u32>() + state.key.len()) as u64);
            put_state_key(&mut states, self.partition, &state.key);
            put_bytes(&mut states, &state.value);
        }
        let overhead = STATE_OVERHEAD_BYTES * commit.states.len() as u64 + COMMIT_OVERHEAD_BYTES;
        let bytes = states.len() as u64 + overhead;
        let task = TaskCommit {
            partition: self.partition,
            epoch,
            meta: commit.meta,
            states,
        };
        self.log
            .submit(chunks.finish(), Kind::Commit(task), bytes)?;
        Ok(())
    }
}
