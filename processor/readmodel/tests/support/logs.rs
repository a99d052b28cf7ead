//! The real embedded log, and one that fails on demand in front of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use afterword_log::{
    Batch, Bounds, Durability, EmbeddedLog, EmbeddedOptions, Log, LogError, Offset, Partition,
    Record, Topic,
};

pub fn open(directory: &Path, partitions: u32) -> Arc<dyn Log> {
    let options = EmbeddedOptions {
        partitions: Some(partitions),
        durability: Durability::Unsynced,
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open(directory, options).unwrap()
}

/// What happens to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    None,
    /// Nothing is appended.
    Refuse,
    /// It is appended, and the caller is not told.
    InDoubt,
}

/// A log whose appends fail.
pub struct FaultyLog {
    pub log: Arc<dyn Log>,
    fault: AtomicU8,
}

impl FaultyLog {
    pub fn new(log: &Arc<dyn Log>, fault: Fault) -> Arc<FaultyLog> {
        let fault = AtomicU8::new(fault as u8);
        let log = Arc::clone(log);
        Arc::new(FaultyLog { log, fault })
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

impl Log for FaultyLog {
    fn partitions(&self, topic: Topic) -> u32 {
        self.log.partitions(topic)
    }

    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        match self.fault.load(Ordering::SeqCst) {
            1 => Err(LogError::Wait("refused by the test".to_owned())),
            2 => {
                self.log.append(topic, records)?;
                Err(LogError::StartOver("lost by the test".to_owned()))
            }
            _ => self.log.append(topic, records),
        }
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        self.log.read(topic, partition, from, max_bytes, batch)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        self.log.bounds(topic, partition)
    }

    fn wait_for(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        at_most: Duration,
    ) -> bool {
        self.log.wait_for(topic, partition, from, at_most)
    }

    fn impediment(&self) -> Option<String> {
        self.log.impediment()
    }
}
