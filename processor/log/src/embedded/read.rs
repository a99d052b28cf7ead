//! Reading batches: from the one that holds the offset asked for, up to what is durable.

use super::database::{Database, damaged, read_error};
use super::keys::{base_of, record_key};
use super::shared::Shared;
use super::stored::Records;
use crate::batch::Batch;
use crate::coding::CodingError;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// A read ends with the record that reaches one of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Limits {
    fn reached_by(self, batch: &Batch) -> bool {
        let full = batch.len() >= self.records || batch.bytes() >= self.bytes;
        full && !batch.is_empty()
    }
}

impl Shared {
    /// Replaces the batch by the durable records from `from` on.
    pub(super) fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        limits: Limits,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        batch.clear();
        let end = self.slots.bounds(self.slot(topic, partition)?).end;
        if from >= end && !self.health.is_closed() {
            return Ok(());
        }
        self.with_database(|database| read(database, topic, partition, from, end, limits, batch))
    }
}

fn read(
    database: &Database,
    topic: Topic,
    partition: Partition,
    from: Offset,
    end: Offset,
    limits: Limits,
    batch: &mut Batch,
) -> Result<(), LogError> {
    let mut batches = database.batches(topic, partition, end);
    let key = record_key(topic, partition, from);
    batches.seek_for_prev(key);
    if !batches.valid() {
        batches.seek(key);
    }
    while let Some((key, value)) = batches.item() {
        let base = base_of(key).unwrap_or_default();
        copy(base, value, from, limits, batch)
            .map_err(|error| damaged(topic, partition, base, error))?;
        if limits.reached_by(batch) {
            return Ok(());
        }
        batches.next();
    }
    batches.status().map_err(read_error)
}

/// Copies the records of one stored batch from `from` on, as many as there is room for.
fn copy(
    base: Offset,
    value: &[u8],
    from: Offset,
    limits: Limits,
    batch: &mut Batch,
) -> Result<(), CodingError> {
    let mut records = Records::open(base, value)?;
    while let Some(offset) = records.advance()? {
        if offset < from {
            records.skip()?;
            continue;
        }
        records.push_to(batch)?;
        if limits.reached_by(batch) {
            return Ok(());
        }
    }
    Ok(())
}
