//! A commit is data: one value that a backend writes as a whole or not at all.

use std::time::Duration;

use crate::batch::Batch;
use crate::coding::{CodingError, Reader, put_signed, put_varint};
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// One record for an output topic; it goes to the same partition number as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecord {
    pub topic: Topic,
    pub record: Record,
}

/// One conversation's state as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// What a task knows of its own past, written with every commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// S: every fact before this offset is in a stored state.
    pub stored_below: Offset,
    /// C: every fact before this offset has been folded and its outputs are committed.
    pub next: Offset,
    /// The rules and thresholds under which the debt between the two was folded.
    pub rules_version: i32,
    pub threshold_characters: i32,
    pub threshold_ms: i64,
    /// Every settings record before this offset was known, and none after it.
    pub settings_next: Offset,
}

/// What a task hands its backend: all of it is written, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub outputs: Vec<OutputRecord>,
    pub states: Vec<StateWrite>,
    pub meta: Meta,
}

const META_FORMAT: u8 = 1;

impl Meta {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![META_FORMAT];
        put_varint(&mut out, self.stored_below.0);
        put_varint(&mut out, self.next.0);
        put_signed(&mut out, self.rules_version.into());
        put_signed(&mut out, self.threshold_characters.into());
        put_signed(&mut out, self.threshold_ms);
        put_varint(&mut out, self.settings_next.0);
        out
    }

    /// Reads [`Meta::encode`]'s form.
    ///
    /// # Errors
    /// When the bytes are damaged or of a later format.
    pub fn decode(bytes: &[u8]) -> Result<Meta, CodingError> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != META_FORMAT {
            return Err(CodingError {
                expected: "format 1 of a task's meta record",
                at: 0,
            });
        }
        let number = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        Ok(Meta {
            stored_below: Offset(reader.varint()?),
            next: Offset(reader.varint()?),
            rules_version: number(reader.signed()?),
            threshold_characters: number(reader.signed()?),
            threshold_ms: reader.signed()?,
            settings_next: Offset(reader.varint()?),
        })
    }
}

/// One partition of the facts as its one task sees it. The task is the same small loop on every log.
///
/// Calls may block; each task has a thread of its own.
pub trait PartitionLog: Send {
    /// Which partition this is.
    fn partition(&self) -> Partition;

    /// Takes the partition over (fencing a former owner) and returns what was committed last, `None` at the very
    /// beginning. After it, [`PartitionLog::load`] sees the stored states of that commit, and nothing of any other.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn recover(&mut self) -> Result<Option<Meta>, LogError>;

    /// The first fact kept. Facts before it were removed by retention.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn start(&mut self) -> Result<Offset, LogError>;

    /// One past the last fact that may be read.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn end(&mut self) -> Result<Offset, LogError>;

    /// Replaces the batch by the facts from `from` on, at most `max_records` of them; waits at most this long for one.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn poll(
        &mut self,
        from: Offset,
        max_records: usize,
        wait: Duration,
        batch: &mut Batch,
    ) -> Result<(), LogError>;

    /// The stored states of these keys, in their order.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn load(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, LogError>;

    /// Replaces the batch by the records of `workspace-settings` from `from` on, all there are now if they fit.
    ///
    /// # Errors
    /// As [`LogError`] says.
    fn settings(&mut self, from: Offset, batch: &mut Batch) -> Result<(), LogError>;

    /// Writes the commit as a whole and durably.
    ///
    /// # Errors
    /// [`LogError::Wait`] when nothing was written and the same commit may be tried again; otherwise as [`LogError`]
    /// says.
    fn commit(&mut self, commit: &Commit) -> Result<(), LogError>;
}
