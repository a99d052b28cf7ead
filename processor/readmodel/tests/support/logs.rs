//! The real embedded log, and one that fails on demand in front of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
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
    /// It waits until the fault is another one, and is then appended.
    Hold,
    /// It takes a while, longer at times.
    Slow,
}

/// A log whose appends fail.
pub struct FaultyLog {
    pub log: Arc<dyn Log>,
    fault: AtomicU8,
    held: AtomicBool,
    appends: AtomicU64,
}

impl FaultyLog {
    pub fn new(log: &Arc<dyn Log>, fault: Fault) -> Arc<FaultyLog> {
        let fault = AtomicU8::new(fault as u8);
        let log = Arc::clone(log);
        let held = AtomicBool::new(false);
        let appends = AtomicU64::new(0);
        Arc::new(FaultyLog {
            log,
            fault,
            held,
            appends,
        })
    }

    /// Whether an append was held.
    pub fn has_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
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
            3 => {
                self.held.store(true, Ordering::SeqCst);
                while self.fault.load(Ordering::SeqCst) == Fault::Hold as u8 {
                    std::thread::sleep(Duration::from_millis(2));
                }
                self.log.append(topic, records)
            }
            4 => {
                let count = self.appends.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(count * 7 % 30));
                self.log.append(topic, records)
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

    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError> {
        self.log.committed(partition)
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
