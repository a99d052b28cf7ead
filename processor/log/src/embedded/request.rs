//! What callers hand the writer. They encode on their own threads; the writer only chooses places.

use crossbeam_channel::Sender;

use super::keys::RecordKey;
use super::stored::DenseBuilder;
use crate::commit::Meta;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// One request to the writer.
pub(super) enum Request {
    Write(Write),
    /// A task takes its partition over.
    TakeOver {
        partition: Partition,
        reply: Sender<Result<Owned, LogError>>,
    },
    /// Writes what was accepted, closes the database, ends.
    Close,
}

/// What a task that took its partition over is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned {
    pub(super) epoch: u64,
    pub(super) meta: Option<Meta>,
}

/// Something to be written as a whole or not at all.
pub(super) struct Write {
    /// Batches to append, each with the next offsets of its partition.
    pub(super) chunks: Vec<Chunk>,
    pub(super) kind: Kind,
    /// About how many bytes it adds to the database.
    pub(super) bytes: u64,
    /// Is told the first offset of each chunk.
    pub(super) reply: Sender<Result<Vec<Offset>, LogError>>,
}

pub(super) enum Kind {
    Append,
    Commit(TaskCommit),
    /// Retention or compaction; allowed when the disk is full, since it makes room.
    Tidy(Vec<Change>),
}

/// A batch without a place yet.
pub(super) struct Chunk {
    pub(super) topic: Topic,
    pub(super) partition: Partition,
    pub(super) count: u32,
    pub(super) value: Vec<u8>,
}

/// A task's part of a commit, beside its outputs.
pub(super) struct TaskCommit {
    pub(super) partition: Partition,
    pub(super) epoch: u64,
    pub(super) meta: Meta,
    /// Keys as stored and values, each with its length before it: one buffer for all.
    pub(super) states: Vec<u8>,
}

/// A change of batches that are not the last one of their partition.
pub(super) enum Change {
    Put(RecordKey, Vec<u8>),
    Delete(RecordKey),
    DeleteRange(RecordKey, RecordKey),
}

/// Cuts the records of one partition into chunks, in their order.
#[derive(Default)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    open: Vec<(Topic, Partition, DenseBuilder)>,
}

impl Chunks {
    pub(super) fn push(&mut self, topic: Topic, partition: Partition, record: &Record) {
        let same = |open: &(Topic, Partition, DenseBuilder)| open.0 == topic && open.1 == partition;
        let index = match self.open.iter().position(same) {
            Some(index) => index,
            None => {
                self.open.push((topic, partition, DenseBuilder::new()));
                self.open.len() - 1
            }
        };
        let builder = &mut self.open[index].2;
        builder.push(record);
        if builder.is_full() {
            let full = self.open.swap_remove(index);
            self.close(full);
        }
    }

    fn close(&mut self, (topic, partition, builder): (Topic, Partition, DenseBuilder)) {
        self.chunks.push(Chunk {
            topic,
            partition,
            count: builder.count(),
            value: builder.finish(),
        });
    }

    pub(super) fn finish(mut self) -> Vec<Chunk> {
        for open in std::mem::take(&mut self.open) {
            self.close(open);
        }
        self.chunks
    }
}

/// What a chunk costs beside its value.
const CHUNK_OVERHEAD_BYTES: u64 = 32;

/// About how many bytes these chunks add to the database.
pub(super) fn bytes_of(chunks: &[Chunk]) -> u64 {
    let bytes = |chunk: &Chunk| chunk.value.len() as u64 + CHUNK_OVERHEAD_BYTES;
    chunks.iter().map(bytes).sum()
}
