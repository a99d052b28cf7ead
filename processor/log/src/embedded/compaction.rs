//! Compaction: of a topic where only the latest record of a key counts, the others go. Offsets keep their numbers.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::EmbeddedLog;
use super::database::{Database, damaged, read_error};
use super::keys::{base_of, record_key};
use super::request::{Change, Kind};
use super::retention::Removed;
use super::stored::{MAX_BYTES, MAX_RECORDS, Records, SparseBuilder};
use crate::batch::RecordRef;
use crate::coding::CodingError;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// Keys held in memory at once; with more, the topic is compacted in several passes over a share of the keys each.
const KEYS_BYTES: usize = 64 << 20;
/// A pass hands the writer its changes in pieces of about this size.
const PIECE_BYTES: usize = 1 << 20;
/// Batches that become one, at most.
const MERGED_BATCHES: usize = 4_096;
/// What a key costs beside its bytes.
const KEY_OVERHEAD_BYTES: usize = 64;

/// What is known of a key.
#[derive(Clone, Copy, Debug)]
struct Latest {
    offset: Offset,
    /// Whether there are older records of it.
    supersedes: bool,
}

/// The latest record of every key of one share of the keys.
struct Keys {
    latest: HashMap<Vec<u8>, Latest>,
    bytes: usize,
    hasher: RandomState,
    shares: u64,
    share: u64,
}

/// What one pass changes.
#[derive(Default)]
struct Pass {
    changes: Vec<Change>,
    bytes: usize,
    removed: Removed,
}

/// Batches that become one.
struct Merge {
    builder: SparseBuilder,
    /// The bases of the batches after the first.
    others: Vec<Offset>,
    end: Offset,
    source: Removed,
    bytes_before: u64,
}

impl EmbeddedLog {
    /// Removes every record of the topic that a later one of the same key supersedes. A record without a value stays for
    /// the compaction that removes what it supersedes, so that readers may see it, and goes in the next. A partition's
    /// last batch stays as it is. Readers and writers go on meanwhile.
    ///
    /// # Errors
    /// [`LogError::Stop`] for a topic that is not compacted or a damaged batch; otherwise as [`LogError`] says. What was
    /// removed before stays removed.
    pub fn compact(&self, topic: Topic) -> Result<Removed, LogError> {
        if !topic.is_compacted() {
            return Err(LogError::Stop(format!("{topic} is not a compacted topic")));
        }
        let _one_at_a_time = self.tidying.lock();
        let mut removed = Removed::default();
        let partitions = self.shared.slots.all();
        for (_, partition, _) in partitions.filter(|(other, _, _)| *other == topic) {
            let mut keys = Keys::new(1);
            while keys.share < keys.shares {
                let end = self
                    .shared
                    .slots
                    .bounds(self.shared.slot(topic, partition)?)
                    .end;
                let fit = self
                    .shared
                    .with_database(|database| keys.collect(database, topic, partition, end))?;
                if !fit {
                    keys = Keys::new(keys.shares * 2);
                    continue;
                }
                let passed = self.pass(topic, partition, end, &keys)?;
                removed.records += passed.records;
                removed.bytes += passed.bytes;
                keys.next_share();
            }
        }
        Ok(removed)
    }

    /// Rewrites the partition's batches before the last one without what the keys say is superseded.
    fn pass(
        &self,
        topic: Topic,
        partition: Partition,
        end: Offset,
        keys: &Keys,
    ) -> Result<Removed, LogError> {
        let mut removed = Removed::default();
        let mut from = Offset(0);
        loop {
            let (pass, next) = self
                .shared
                .with_database(|database| piece(database, topic, partition, from..end, keys))?;
            if !pass.changes.is_empty() {
                let bytes = pass.bytes as u64;
                self.submit(Vec::new(), Kind::Tidy(pass.changes), bytes)?;
            }
            removed.records += pass.removed.records;
            removed.bytes += pass.removed.bytes;
            match next {
                Some(next) => from = next,
                None => return Ok(removed),
            }
        }
    }
}

impl Keys {
    fn new(shares: u64) -> Keys {
        Keys {
            latest: HashMap::new(),
            bytes: 0,
            hasher: RandomState::new(),
            shares,
            share: 0,
        }
    }

    fn next_share(&mut self) {
        self.latest.clear();
        self.bytes = 0;
        self.share += 1;
    }

    fn has(&self, key: &[u8]) -> bool {
        self.shares == 1 || self.hasher.hash_one(key) % self.shares == self.share
    }

    /// Reads every record of the partition; false when the keys do not fit into memory.
    fn collect(
        &mut self,
        database: &Database,
        topic: Topic,
        partition: Partition,
        end: Offset,
    ) -> Result<bool, LogError> {
        let mut batches = database.batches(topic, partition, end);
        batches.seek_to_first();
        while let Some((key, value)) = batches.item() {
            let base = base_of(key).unwrap_or_default();
            self.note(base, value)
                .map_err(|error| damaged(topic, partition, base, error))?;
            if self.bytes > KEYS_BYTES {
                return Ok(false);
            }
            batches.next();
        }
        batches.status().map_err(read_error)?;
        Ok(true)
    }

    fn note(&mut self, base: Offset, value: &[u8]) -> Result<(), CodingError> {
        let mut records = Records::open(base, value)?;
        while let Some(offset) = records.advance()? {
            let (record, _) = records.take()?;
            let Some(key) = record.key.filter(|key| self.has(key)) else {
                continue;
            };
            match self.latest.get_mut(key) {
                Some(latest) => {
                    *latest = Latest {
                        offset,
                        supersedes: true,
                    };
                }
                None => {
                    self.bytes += key.len() + KEY_OVERHEAD_BYTES;
                    let latest = Latest {
                        offset,
                        supersedes: false,
                    };
                    self.latest.insert(key.to_vec(), latest);
                }
            }
        }
        Ok(())
    }

    /// Whether the record stays. One without a key says nothing that another could supersede.
    fn keep(&self, record: &RecordRef<'_>) -> bool {
        let Some(latest) = record.key.and_then(|key| self.latest.get(key)) else {
            return true;
        };
        match record.value {
            None => {
                record.offset > latest.offset
                    || (record.offset == latest.offset && latest.supersedes)
            }
            Some(_) => record.offset >= latest.offset,
        }
    }
}

/// Rewrites batches of the range from the front on until there is enough for one write, and says where to go on.
fn piece(
    database: &Database,
    topic: Topic,
    partition: Partition,
    range: std::ops::Range<Offset>,
    keys: &Keys,
) -> Result<(Pass, Option<Offset>), LogError> {
    let mut pass = Pass::default();
    let mut merge: Option<Merge> = None;
    let mut batches = database.batches(topic, partition, range.end);
    batches.seek(record_key(topic, partition, range.start));
    let mut current = batches
        .item()
        .map(|(key, value)| (base_of(key).unwrap_or_default(), value.to_vec()));
    while let Some((base, value)) = current {
        batches.next();
        // The last batch stays: it says where the partition ends.
        let Some((key, next)) = batches.item() else {
            break;
        };
        current = Some((base_of(key).unwrap_or_default(), next.to_vec()));
        let add = add(
            &mut merge,
            &mut pass,
            (topic, partition),
            base,
            &value,
            keys,
        );
        add.map_err(|error| damaged(topic, partition, base, error))?;
        if pass.bytes >= PIECE_BYTES {
            if let Some(merge) = merge {
                merge.finish(topic, partition, &mut pass);
            }
            return Ok((pass, current.map(|(base, _)| base)));
        }
    }
    batches.status().map_err(read_error)?;
    if let Some(merge) = merge {
        merge.finish(topic, partition, &mut pass);
    }
    Ok((pass, None))
}

/// Adds what stays of a batch to the merge, after finishing that one when it is full.
fn add(
    merge: &mut Option<Merge>,
    pass: &mut Pass,
    (topic, partition): (Topic, Partition),
    base: Offset,
    value: &[u8],
    keys: &Keys,
) -> Result<(), CodingError> {
    let mut records = Records::open(base, value)?;
    let header = records.header();
    if let Some(full) = merge.take_if(|merge| !merge.has_room_for(header.count, value.len(), base))
    {
        full.finish(topic, partition, pass);
    }
    let merge = match merge {
        Some(merge) => {
            merge.others.push(base);
            merge
        }
        None => merge.insert(Merge::new(base, header.bytes_before)),
    };
    merge.end = Offset(base.0.saturating_add(header.span.into()));
    merge.source.records += u64::from(header.count);
    merge.source.bytes += value.len() as u64;
    while records.advance()?.is_some() {
        let (record, encoded) = records.take()?;
        if keys.keep(&record) {
            merge.builder.push(&record, encoded);
        }
    }
    Ok(())
}

impl Merge {
    fn new(base: Offset, bytes_before: u64) -> Merge {
        Merge {
            builder: SparseBuilder::new(base),
            others: Vec::new(),
            end: base,
            source: Removed::default(),
            bytes_before,
        }
    }

    fn has_room_for(&self, count: u32, bytes: usize, base: Offset) -> bool {
        let span = base.0.saturating_sub(self.builder.base().0);
        self.builder.count().saturating_add(count) <= MAX_RECORDS
            && self.builder.bytes() + bytes <= MAX_BYTES
            && self.others.len() < MERGED_BATCHES
            && span < u64::from(u32::MAX / 2)
    }

    /// One batch in the place of the first, and the others gone; nothing if nothing would change.
    fn finish(self, topic: Topic, partition: Partition, pass: &mut Pass) {
        let kept = u64::from(self.builder.count());
        if kept == self.source.records && self.others.is_empty() {
            return;
        }
        let first = record_key(topic, partition, self.builder.base());
        pass.removed.records += self.source.records - kept;
        pass.removed.bytes += self
            .source
            .bytes
            .saturating_sub(self.builder.bytes() as u64);
        pass.bytes += self.builder.bytes() + 32 * (self.others.len() + 1);
        if kept == 0 {
            pass.changes.push(Change::Delete(first));
        } else {
            let span = u32::try_from(self.end.0 - self.builder.base().0).unwrap_or(u32::MAX);
            let value = self.builder.finish(span, self.bytes_before);
            pass.changes.push(Change::Put(first, value));
        }
        let others = self.others.into_iter();
        pass.changes
            .extend(others.map(|base| Change::Delete(record_key(topic, partition, base))));
    }
}
