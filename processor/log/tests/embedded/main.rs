//! The embedded log on a real disk, through its public interface.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_macros, reason = "tests")]

mod appending;
mod committing;
mod copying;
mod crashing;
mod opening;
mod space;
mod tidying;

use std::path::Path;
use std::sync::Arc;

use afterword_log::{Batch, EmbeddedLog, EmbeddedOptions, Log, Offset, Partition, Record, Topic};

/// What most tests open.
pub fn options(partitions: u32) -> EmbeddedOptions {
    EmbeddedOptions {
        partitions: Some(partitions),
        ..EmbeddedOptions::default()
    }
}

pub fn open(directory: &Path, partitions: u32) -> Arc<EmbeddedLog> {
    EmbeddedLog::open(directory, options(partitions)).unwrap()
}

pub fn record(key: &str, value: &str) -> Record {
    Record::new(key, value, 1_000)
}

/// Everything a partition holds, read in pieces of this size.
pub fn read_all(
    log: &EmbeddedLog,
    topic: Topic,
    partition: u32,
    max_bytes: usize,
) -> Vec<(u64, Record)> {
    let mut all = Vec::new();
    let mut batch = Batch::default();
    let mut from = Offset(0);
    loop {
        log.read(topic, Partition(partition), from, max_bytes, &mut batch)
            .unwrap();
        let Some(next) = batch.next() else {
            return all;
        };
        from = next;
        all.extend(
            batch
                .iter()
                .map(|record| (record.offset.0, record.to_record())),
        );
    }
}
