//! One pass over the facts of a partition.

use afterword_log::{Batch, Bounds, Log, LogError, Offset, Partition, RecordRef, Topic};
use afterword_schemas::SchemaStore;

use super::codec::Codec;
use super::reader::{Bucket, Reader, Trouble, patiently};

/// The facts of a partition that were decided.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The position that was committed, where there is one.
    pub committed: Option<Offset>,
    /// All facts that are there.
    pub held: Bounds,
    /// From the first one kept up to the committed position.
    pub facts: Bounds,
}

impl Extent {
    /// Asks for the position first: all that it announces is in what is looked at after it.
    ///
    /// # Errors
    /// When the log cannot tell.
    pub fn of(log: &dyn Log, partition: Partition) -> Result<Extent, LogError> {
        let committed = patiently(|| log.committed(partition))?;
        let held = patiently(|| log.bounds(Topic::ConversationEvents, partition))?;
        let end = committed.unwrap_or(held.start);
        let facts = Bounds {
            start: held.start,
            end: end.min(held.end).max(held.start),
        };
        Ok(Extent {
            committed,
            held,
            facts,
        })
    }

    /// How many offsets the decided facts take.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.facts.end.0 - self.facts.start.0
    }
}

/// What a pass goes over.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    pub log: &'a dyn Log,
    pub codec: Codec<'a>,
    pub partition: Partition,
    pub facts: Bounds,
    pub bucket: Bucket,
    pub memory_bytes: usize,
}

/// Looks at each record of the bucket.
pub trait Visit {
    /// The next record, and what reads it.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    fn record(&mut self, store: &SchemaStore, record: &RecordRef<'_>) -> Result<(), Trouble>;

    /// Memory that is held, by estimate.
    fn held_bytes(&self) -> usize;
}

impl Walk<'_> {
    /// Goes over the facts. `told` is called with the offsets gone by.
    ///
    /// # Errors
    /// When the facts cannot be read, or what is held takes more memory than it may.
    pub fn run(&self, visit: &mut impl Visit, told: &mut dyn FnMut(u64)) -> Result<(), Trouble> {
        let facts = self.facts;
        let mut reader = Reader {
            log: self.log,
            topic: Topic::ConversationEvents,
            partition: self.partition,
            next: facts.start,
            end: facts.end,
        };
        let mut batch = Batch::default();
        while reader.read(&mut batch)? {
            let store = self.codec.of_batch(&batch)?;
            for record in batch.iter() {
                if record.offset < facts.end && self.bucket.has(record.key) {
                    visit.record(&store, &record)?;
                }
            }
            let gone = reader.next.min(facts.end).0 - facts.start.0;
            told(gone);
            if visit.held_bytes() > self.memory_bytes {
                let whole = (facts.end.0 - facts.start.0).max(1);
                let done = gone as f64 / whole as f64;
                return Err(Trouble::Memory { done });
            }
        }
        Ok(())
    }
}
