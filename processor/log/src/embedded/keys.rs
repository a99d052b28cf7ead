//! The keys of stored things. They sort as they are read: by topic, partition and offset.

use std::ops::Range;

use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// Where a stored batch stands: topic, partition, and the offset it begins at, big-endian.
pub(super) type RecordKey = [u8; 13];

/// The key of the batch that begins at this offset.
pub(super) fn record_key(topic: Topic, partition: Partition, base: Offset) -> RecordKey {
    let mut key = [0; 13];
    key[0] = topic as u8;
    key[1..5].copy_from_slice(&partition.0.to_be_bytes());
    key[5..].copy_from_slice(&base.0.to_be_bytes());
    key
}

/// The offset in a batch's key.
pub(super) fn base_of(key: &[u8]) -> Option<Offset> {
    let base = key.get(5..13)?;
    Some(Offset(u64::from_be_bytes(base.try_into().ok()?)))
}

/// The topic and the partition in a batch's key.
pub(super) fn place_of(key: &[u8]) -> Option<(Topic, Partition)> {
    let number = *key.first()?;
    let topic = Topic::ALL
        .into_iter()
        .find(|topic| *topic as u8 == number)?;
    let partition = u32::from_be_bytes(key.get(1..5)?.try_into().ok()?);
    Some((topic, Partition(partition)))
}

/// The keys of a partition's batches that begin before this offset.
pub(super) fn batches_before(topic: Topic, partition: Partition, end: Offset) -> Range<RecordKey> {
    record_key(topic, partition, Offset(0))..record_key(topic, partition, end)
}

/// Appends the key of a conversation's state.
pub(super) fn put_state_key(out: &mut Vec<u8>, partition: Partition, key: &[u8]) {
    out.extend_from_slice(&partition.0.to_be_bytes());
    out.extend_from_slice(key);
}

/// The key of what a task knows of its own past.
pub(super) fn task_key(partition: Partition) -> [u8; 9] {
    let mut key = *b"task/----";
    key[5..].copy_from_slice(&partition.0.to_be_bytes());
    key
}

/// The format of everything stored.
pub(super) const FORMAT_KEY: &[u8] = b"format";
/// How many partitions conversations have.
pub(super) const PARTITIONS_KEY: &[u8] = b"partitions";
/// The log's own name, made at creation.
pub(super) const ID_KEY: &[u8] = b"id";
/// The number of the last group of writes: whether one that failed was written after all.
pub(super) const GROUP_KEY: &[u8] = b"group";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_topic_partition_and_offset() {
        let key =
            |topic, partition, offset| record_key(topic, Partition(partition), Offset(offset));
        let sorted = [
            key(Topic::ConversationEvents, 0, 0),
            key(Topic::ConversationEvents, 0, 256),
            key(Topic::ConversationEvents, 1, 1),
            key(Topic::ConversationEvents, 256, 0),
            key(Topic::RatingRequested, 0, 0),
        ];
        assert!(sorted.is_sorted());
        assert_eq!(base_of(&sorted[1]), Some(Offset(256)));
        let place = (Topic::ConversationEvents, Partition(256));
        assert_eq!(place_of(&sorted[3]), Some(place));
        assert_eq!(place_of(&[0; 13]), None);
        assert_eq!(base_of(b"short"), None);
    }
}
