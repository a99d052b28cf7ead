//! The settings topic, read once for all tasks of a process and kept: it is compacted and small.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{Consumer, KafkaOptions};
use super::cursor::{self, Cursor, Purpose};
use super::task::Ownership;
use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// Records taken at once.
const FETCH: usize = 1_000;
/// Longest wait for the topic's present end.
const CATCHING_UP: Duration = Duration::from_secs(10);

/// What the settings topic holds, as far as it has been read.
pub(super) struct Settings {
    options: KafkaOptions,
    consumer: Option<Arc<Consumer>>,
    cursor: Option<Cursor>,
    records: Vec<(Offset, Record)>,
    next: Offset,
    batch: Batch,
}

impl Settings {
    pub(super) fn new(options: &KafkaOptions) -> Settings {
        Settings {
            options: options.clone(),
            consumer: None,
            cursor: None,
            records: Vec::new(),
            next: Offset(0),
            batch: Batch::default(),
        }
    }

    /// Replaces the batch by the records from `from` on, as far as they have come.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub(super) fn read(&mut self, from: Offset, batch: &mut Batch) -> Result<(), LogError> {
        while self.take(Duration::ZERO)? {}
        batch.clear();
        let first = self.records.partition_point(|(offset, _)| *offset < from);
        for (offset, record) in &self.records[first..] {
            batch.push(*offset, record);
        }
        Ok(())
    }

    /// Reads up to the topic's present end: a decision must know every version that was there before it.
    ///
    /// # Errors
    /// `Wait` when that is not to be had.
    pub(super) fn catch_up(&mut self, ownership: &Ownership) -> Result<(), LogError> {
        let consumer = self.consumer()?;
        let end = cursor::bounds(&consumer, Topic::WorkspaceSettings.name(), Partition(0))?.end;
        let until = Instant::now() + CATCHING_UP;
        while self.next < end {
            ownership.check()?;
            self.take(Duration::from_millis(100))?;
            if self.next < end && Instant::now() >= until {
                return Err(LogError::Wait(format!(
                    "{} ends at {end}, and nothing came from offset {} for {} s",
                    Topic::WorkspaceSettings,
                    self.next,
                    CATCHING_UP.as_secs()
                )));
            }
        }
        Ok(())
    }

    fn consumer(&mut self) -> Result<Arc<Consumer>, LogError> {
        if let Some(consumer) = &self.consumer {
            return Ok(Arc::clone(consumer));
        }
        let consumer = cursor::consumer(&self.options, Purpose::Follow)?;
        self.consumer = Some(Arc::clone(&consumer));
        Ok(consumer)
    }

    /// Takes what has come; says whether anything had.
    fn take(&mut self, wait: Duration) -> Result<bool, LogError> {
        let consumer = self.consumer()?;
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            none => {
                let start = match self.next {
                    Offset(0) => {
                        cursor::bounds(&consumer, Topic::WorkspaceSettings.name(), Partition(0))?
                            .start
                    }
                    next => next,
                };
                let topic = Topic::WorkspaceSettings.name();
                none.insert(Cursor::open(&consumer, topic, Partition(0), start)?)
            }
        };
        if let Err(error) = cursor.fetch(FETCH, wait, &mut self.batch) {
            self.cursor = None;
            return Err(error);
        }
        self.next = cursor.next();
        let records = self.batch.iter();
        self.records
            .extend(records.map(|record| (record.offset, record.to_record())));
        let came = !self.batch.is_empty();
        self.batch.clear();
        Ok(came)
    }
}
