//! Retention: old batches go, whole and from the front, and only what nobody needs any more.

use super::EmbeddedLog;
use super::database::{Database, damaged, read_error};
use super::keys::{base_of, batches_before};
use super::request::{Change, Kind};
use super::stored::Header;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// When a batch is old. A batch goes when either says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Every record in it has a timestamp before this instant (milliseconds since 1970).
    pub older_than_ms: Option<i64>,
    /// The partition holds more bytes than this (as appended, before compression).
    pub partition_bytes: Option<u64>,
}

/// What retention or compaction took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Records that are gone.
    pub records: u64,
    /// Bytes they took as appended, before compression.
    pub bytes: u64,
}

/// The front of a partition that may go.
#[derive(Clone, Copy, Debug, Default)]
struct Front {
    /// The first offset that stays.
    start: Offset,
    removed: Removed,
}

impl EmbeddedLog {
    /// Removes old batches of every topic that is not compacted: never one with an offset at or after `keep_from`, never
    /// a partition's last one. Readers and writers go on meanwhile.
    ///
    /// # Errors
    /// [`LogError::Stop`] when a batch is damaged; otherwise as [`LogError`] says. What was removed before stays removed.
    pub fn retain(
        &self,
        policy: &Retention,
        keep_from: &dyn Fn(Topic, Partition) -> Offset,
    ) -> Result<Removed, LogError> {
        let _one_at_a_time = self.tidying.lock();
        let mut removed = Removed::default();
        for (topic, partition, slot) in self.shared.slots.all() {
            if topic.is_compacted() {
                continue;
            }
            let end = self
                .shared
                .slots
                .bounds(slot)
                .end
                .min(keep_from(topic, partition));
            let front = self
                .shared
                .with_database(|database| front(database, topic, partition, end, policy))?;
            if front.removed.records == 0 {
                continue;
            }
            let range = batches_before(topic, partition, front.start);
            let changes = vec![Change::DeleteRange(range.start, range.end)];
            self.submit(Vec::new(), Kind::Tidy(changes), 64)?;
            self.shared.slots.publish(slot, front.start, Offset(0));
            self.shared.with_database(|database| {
                database.reclaim(topic, partition, front.start);
                Ok(())
            })?;
            removed.records += front.removed.records;
            removed.bytes += front.removed.bytes;
        }
        Ok(removed)
    }
}

/// The batches from the front on that the policy lets go, up to `end` and without the partition's last one.
fn front(
    database: &Database,
    topic: Topic,
    partition: Partition,
    end: Offset,
    policy: &Retention,
) -> Result<Front, LogError> {
    let mut front = Front::default();
    let bytes_appended = database.tail(topic, partition)?.bytes;
    let mut batches = database.batches(topic, partition, Offset(u64::MAX));
    batches.seek_to_first();
    // A batch is the last one unless another is behind it: it is judged when the next one is seen.
    let mut before: Option<(Header, usize)> = None;
    while let Some((key, value)) = batches.item() {
        let base = base_of(key).unwrap_or_default();
        let header =
            Header::decode(value).map_err(|error| damaged(topic, partition, base, error))?;
        if let Some((header, length)) = before {
            let is_old = policy
                .older_than_ms
                .is_some_and(|limit| header.newest_ms < limit);
            let bytes_held = bytes_appended.saturating_sub(header.bytes_before);
            let is_too_much = policy
                .partition_bytes
                .is_some_and(|limit| bytes_held > limit);
            if base > end || !(is_old || is_too_much) {
                return Ok(front);
            }
            front.start = base;
            front.removed.records += u64::from(header.count);
            front.removed.bytes += length as u64;
        }
        before = Some((header, value.len()));
        batches.next();
    }
    batches.status().map_err(read_error)?;
    Ok(front)
}
