//! The embedded log as Kafka would show it: markers of transactions take offsets that no reader gets to see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use afterword_log::{Batch, Bounds, Log, LogError, Offset, Partition, Record, Topic};

/// What a batch says of a marker that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markers {
    /// It ends behind it.
    Passed,
    /// It ends before it; the next batch has no records and ends behind it.
    Alone,
    /// Nothing: only a record behind it tells that there was one.
    Unknown,
}

/// Offsets 0, 3, 6, … are markers: one before everything, and one behind every two records.
pub struct GappyLog {
    log: Arc<dyn Log>,
    markers: Markers,
    reads: AtomicU64,
}

fn is_marker(offset: Offset) -> bool {
    offset.0.is_multiple_of(3)
}

/// Where the record with this offset of the log behind appears.
fn outer(inner: Offset) -> Offset {
    Offset(inner.0 / 2 * 3 + 1 + inner.0 % 2)
}

/// The first record of the log behind that appears here or later.
fn inner(outer: Offset) -> Offset {
    Offset(outer.0 / 3 * 2 + u64::from(outer.0 % 3 == 2))
}

impl GappyLog {
    pub fn new(log: &Arc<dyn Log>, markers: Markers) -> Arc<GappyLog> {
        let (log, reads) = (Arc::clone(log), AtomicU64::new(0));
        Arc::new(GappyLog {
            log,
            markers,
            reads,
        })
    }

    /// How often it was read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Log for GappyLog {
    fn partitions(&self, topic: Topic) -> u32 {
        self.log.partitions(topic)
    }

    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        let appended = self.log.append(topic, records)?;
        let appended = appended.into_iter();
        Ok(appended.map(|(at, offset)| (at, outer(offset))).collect())
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        batch.clear();
        let end = self.bounds(topic, partition)?.end;
        if self.markers == Markers::Alone && is_marker(from) && from < end {
            batch.set_next(from.next());
            return Ok(());
        }
        let mut found = Batch::default();
        self.log
            .read(topic, partition, inner(from), max_bytes, &mut found)?;
        for record in found.iter() {
            batch.push(outer(record.offset), &record.to_record());
        }
        let next = batch.next().unwrap_or(from);
        if self.markers == Markers::Passed && is_marker(next) && next < end {
            batch.set_next(next.next());
        }
        Ok(())
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        let end = outer(self.log.bounds(topic, partition)?.end);
        // The second record of a transaction is to come: it has no marker yet.
        let start = Offset(0);
        Ok(Bounds { start, end })
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
        let until = Instant::now() + at_most;
        loop {
            let bounds = self.bounds(topic, partition);
            if bounds.is_ok_and(|bounds| bounds.end > from) {
                return true;
            }
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return false;
            }
            // A marker comes with the record before it, so a wait for a record may wake too late, but not for ever.
            self.log.wait_for(
                topic,
                partition,
                inner(from),
                rest.min(Duration::from_millis(20)),
            );
            sleep(Duration::from_millis(1));
        }
    }

    fn impediment(&self) -> Option<String> {
        self.log.impediment()
    }
}
