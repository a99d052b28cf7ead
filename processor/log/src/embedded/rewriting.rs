//! A copy of the whole log in which some records and states are others: same topics, partitions, offsets, positions, name.
//!
//! What is written nowhere is in no file: the copy is a database of its own, into which the old bytes never come.

use rocksdb::{DBRawIterator, WriteBatch, WriteOptions};

use super::EmbeddedLog;
use super::database::{Database, damaged, read_error};
use super::keys::{base_of, place_of};
use super::replacing::Replacement;
use super::shared::DATABASE;
use super::stored::{Records, rebuild};
use crate::batch::RecordRef;
use crate::coding::CodingError;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// Written at once.
const PIECE_BYTES: usize = 4 << 20;

/// Says what is to be other in a copy.
pub trait Rewriter {
    /// The record as it is to be in the copy, `None` for one that stays. Records come by topic (in the order of
    /// [`Topic::ALL`]), partition and offset, before all states.
    ///
    /// # Errors
    /// Ends the copying.
    fn record(
        &mut self,
        topic: Topic,
        partition: Partition,
        record: &RecordRef<'_>,
    ) -> Result<Option<Record>, LogError>;

    /// The stored state of this key as it is to be in the copy, `None` for one that stays.
    ///
    /// # Errors
    /// Ends the copying.
    fn state(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, LogError>;
}

impl EmbeddedLog {
    /// Begins a new state of the directory, without anything in it.
    ///
    /// # Errors
    /// [`LogError::Wait`] when it cannot be written.
    pub fn replacement(&self) -> Result<Replacement, LogError> {
        Replacement::begin(&self.shared.directory).map_err(|error| unwritten(&error))
    }

    /// Copies the log into a new state of its directory, as the rewriter says, and makes it durable. Nobody may append
    /// meanwhile; whoever reads goes on.
    ///
    /// # Errors
    /// [`LogError::Wait`] when it cannot be written, [`LogError::Stop`] for damage, and whatever the rewriter says.
    pub fn rewrite(&self, into: &Replacement, rewriter: &mut dyn Rewriter) -> Result<(), LogError> {
        let target = Database::open(&into.place().join(DATABASE), &self.shared.options)
            .map_err(|error| unwritten(&error))?;
        self.shared.with_database(|source| {
            Copying::new(source, &target).records(rewriter)?;
            Copying::new(source, &target).states(rewriter)?;
            Copying::new(source, &target).meta()
        })?;
        target.flush().map_err(|error| unwritten(&error))
    }

    /// Shows every stored state, by partition and key.
    ///
    /// # Errors
    /// When the log cannot be read, or what `each` says.
    pub fn states(
        &self,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        self.shared.with_database(|database| {
            let mut states = database.all(database.states());
            while let Some((key, value)) = states.item() {
                each(own_key(key)?, value)?;
                states.next();
            }
            states.status().map_err(read_error)
        })
    }
}

fn unwritten(error: &dyn std::fmt::Display) -> LogError {
    LogError::Wait(format!("the rewritten log cannot be written: {error}"))
}

/// A state's key without its partition.
fn own_key(key: &[u8]) -> Result<&[u8], LogError> {
    let own = key.get(4..);
    own.ok_or_else(|| LogError::Stop("a stored state has no partition in its key".to_owned()))
}

struct Copying<'a> {
    source: &'a Database,
    target: &'a Database,
    batch: WriteBatch,
}

impl<'a> Copying<'a> {
    fn new(source: &'a Database, target: &'a Database) -> Copying<'a> {
        Copying {
            source,
            target,
            batch: WriteBatch::default(),
        }
    }

    fn records(mut self, rewriter: &mut dyn Rewriter) -> Result<(), LogError> {
        let mut batches = self.source.all(self.source.records());
        while let Some((key, value)) = batches.item() {
            let (topic, partition) = place_of(key)
                .ok_or_else(|| LogError::Stop("a stored batch is of no topic".to_owned()))?;
            let base = base_of(key).unwrap_or_default();
            let rewritten = rewrite_batch(topic, partition, base, value, rewriter)?;
            let value = rewritten.as_deref().unwrap_or(value);
            self.batch.put_cf(self.target.records(), key, value);
            self.write_some()?;
            batches.next();
        }
        self.end(&batches)
    }

    fn states(mut self, rewriter: &mut dyn Rewriter) -> Result<(), LogError> {
        let mut states = self.source.all(self.source.states());
        while let Some((key, value)) = states.item() {
            let rewritten = rewriter.state(own_key(key)?, value)?;
            let value = rewritten.as_deref().unwrap_or(value);
            self.batch.put_cf(self.target.states(), key, value);
            self.write_some()?;
            states.next();
        }
        self.end(&states)
    }

    fn meta(mut self) -> Result<(), LogError> {
        let mut entries = self.source.all(self.source.meta());
        while let Some((key, value)) = entries.item() {
            self.batch.put_cf(self.target.meta(), key, value);
            entries.next();
        }
        self.end(&entries)
    }

    fn write_some(&mut self) -> Result<(), LogError> {
        match self.batch.size_in_bytes() >= PIECE_BYTES {
            true => self.write(),
            false => Ok(()),
        }
    }

    /// Not synced: all is flushed before the copy counts.
    fn write(&mut self) -> Result<(), LogError> {
        let batch = std::mem::take(&mut self.batch);
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        let written = self.target.write(batch, &options);
        written.map_err(|error| unwritten(&error))
    }

    fn end(mut self, iterator: &DBRawIterator<'_>) -> Result<(), LogError> {
        iterator.status().map_err(read_error)?;
        self.write()
    }
}

/// The batch with what the rewriter says; `None` when all of it stays.
fn rewrite_batch(
    topic: Topic,
    partition: Partition,
    base: Offset,
    value: &[u8],
    rewriter: &mut dyn Rewriter,
) -> Result<Option<Vec<u8>>, LogError> {
    let broken = |error: CodingError| damaged(topic, partition, base, error);
    let mut records = Records::open(base, value).map_err(broken)?;
    let mut changed = Vec::new();
    while records.advance().map_err(broken)?.is_some() {
        let (record, _) = records.take().map_err(broken)?;
        if let Some(other) = rewriter.record(topic, partition, &record)? {
            changed.push((record.offset, other));
        }
    }
    if changed.is_empty() {
        return Ok(None);
    }
    rebuild(base, value, &changed).map(Some).map_err(broken)
}
