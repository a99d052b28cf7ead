//! One group of writes: their places, the database's batch, and the answers.

use rocksdb::WriteBatch;

use super::database::{Database, Tail};
use super::keys::{self, GROUP_KEY, record_key};
use super::request::{Change, Kind, Write};
use super::slots::Slots;
use super::stored::place_after;
use crate::coding::Reader;
use crate::record::{Offset, Partition};

/// Writes that share one synced write of the database.
pub(super) struct Group {
    number: u64,
    batch: Option<WriteBatch>,
    bytes: u64,
    records: u64,
    writes: Vec<Write>,
    /// For each write, the first offset of each of its chunks.
    bases: Vec<Vec<Offset>>,
    /// Where every partition ends once the group is written.
    tails: Vec<Tail>,
}

impl Group {
    pub(super) fn build(
        database: &Database,
        slots: &Slots,
        tails: &[Tail],
        number: u64,
        mut writes: Vec<Write>,
    ) -> Group {
        let expected: u64 = writes.iter().map(|write| write.bytes).sum();
        let mut batch = WriteBatch::with_capacity_bytes(expected as usize + 1024);
        let mut tails = tails.to_vec();
        let mut bases = Vec::with_capacity(writes.len());
        let mut records = 0;
        for write in &mut writes {
            let mut places = Vec::with_capacity(write.chunks.len());
            for chunk in &mut write.chunks {
                let Some(slot) = slots.index(chunk.topic, chunk.partition) else {
                    unreachable!("callers check the partition before they hand a request over");
                };
                let tail = &mut tails[slot.get()];
                place_after(&mut chunk.value, tail.bytes);
                let key = record_key(chunk.topic, chunk.partition, tail.end);
                batch.put_cf(database.records(), key, &chunk.value);
                places.push(tail.end);
                tail.end = Offset(tail.end.0 + u64::from(chunk.count));
                tail.bytes += chunk.value.len() as u64;
                records += u64::from(chunk.count);
                // The bytes are in the batch now.
                chunk.value = Vec::new();
            }
            put_rest(&mut batch, database, &write.kind);
            bases.push(places);
        }
        batch.put_cf(database.meta(), GROUP_KEY, number.to_be_bytes());
        Group {
            number,
            bytes: batch.size_in_bytes() as u64,
            batch: Some(batch),
            records,
            writes,
            bases,
            tails,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn requests(&self) -> usize {
        self.writes.len()
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the database is to write; there is something the first time only.
    pub(super) fn take_batch(&mut self) -> WriteBatch {
        self.batch.take().unwrap_or_default()
    }

    /// The commits in it: the partition and the position it goes to.
    pub(super) fn committed(&self) -> impl Iterator<Item = (Partition, Offset)> + '_ {
        self.writes.iter().filter_map(|write| match &write.kind {
            Kind::Commit(commit) => Some((commit.partition, commit.meta.next)),
            _ => None,
        })
    }

    /// The group is durable: shows readers the new ends, tells every caller, and returns where the partitions end.
    pub(super) fn answer(self, slots: &Slots) -> Vec<Tail> {
        let written = self.writes.iter().flat_map(|write| &write.chunks);
        for chunk in written {
            if let Some(slot) = slots.index(chunk.topic, chunk.partition) {
                let tail = self.tails[slot.get()];
                slots.publish(slot, tail.start, tail.end);
            }
        }
        for (write, bases) in self.writes.into_iter().zip(self.bases) {
            // The caller may have gone away: nobody to tell then.
            let _ = write.reply.send(Ok(bases));
        }
        self.tails
    }

    /// The requests, for those who have to be told otherwise.
    pub(super) fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}

/// What a write does beside appending batches.
fn put_rest(batch: &mut WriteBatch, database: &Database, kind: &Kind) {
    match kind {
        Kind::Append => {}
        Kind::Commit(commit) => {
            let mut states = Reader::new(&commit.states);
            while let (Ok(key), Ok(value)) = (states.bytes(), states.bytes()) {
                batch.put_cf(database.states(), key, value);
            }
            let meta = commit.meta.encode();
            batch.put_cf(database.meta(), keys::task_key(commit.partition), meta);
        }
        Kind::Tidy(changes) => {
            for change in changes {
                match change {
                    Change::Put(key, value) => batch.put_cf(database.records(), key, value),
                    Change::Delete(key) => batch.delete_cf(database.records(), key),
                    Change::DeleteRange(from, to) => {
                        batch.delete_range_cf(database.records(), from, to)
                    }
                }
            }
        }
    }
}
