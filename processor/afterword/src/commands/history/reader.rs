//! Reading a partition from an offset up to an end that was taken beforehand, as any consumer would: offsets may have gaps,
//! and a batch may move on without holding a record.

use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

use afterword_log::{Batch, Log, LogError, Offset, Partition, Topic};

const READ_BYTES: usize = 4 << 20;
/// A log that holds more gives nothing so many times in a row: then it is asked no further.
const EMPTY_READS: u32 = 10;
const BETWEEN: Duration = Duration::from_secs(1);
/// A log or a registry that is away is waited for so long.
const AWAY: Duration = Duration::from_secs(30);

/// Why a pass over a partition cannot go on.
#[derive(Debug)]
pub enum Trouble {
    Log(LogError),
    /// The conversations take more memory than they may; so much of the pass was done, 0 to 1.
    Memory {
        done: f64,
    },
    /// Retention took away what was to be read.
    Removed {
        topic: Topic,
        partition: Partition,
        from: Offset,
    },
    /// The log says that there is more, and does not give it.
    Silent {
        topic: Topic,
        partition: Partition,
        from: Offset,
        end: Offset,
    },
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Trouble {
        Trouble::Log(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Log(error) => error.fmt(f),
            Trouble::Memory { .. } => {
                f.write_str("the conversations take more memory than --memory-mib allows")
            }
            Trouble::Removed {
                topic,
                partition,
                from,
            } => write!(
                f,
                "retention removed records of {topic}, partition {partition}, at offset {from} before they were read; \
                 run it again"
            ),
            Trouble::Silent {
                topic,
                partition,
                from,
                end,
            } => write!(
                f,
                "expected records of {topic}, partition {partition}, up to offset {end}, found none from {from} on; \
                 run it again, and look at the log's own health if that does not help"
            ),
        }
    }
}

/// Asks until there is an answer, for a while, when it is the surroundings that fail.
///
/// # Errors
/// The last one.
pub fn patiently<T>(mut ask: impl FnMut() -> Result<T, LogError>) -> Result<T, LogError> {
    let until = Instant::now() + AWAY;
    loop {
        match ask() {
            Err(LogError::Wait(_) | LogError::StartOver(_)) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(250));
            }
            other => return other,
        }
    }
}

/// Reads one partition of one topic.
pub struct Reader<'a> {
    pub log: &'a dyn Log,
    pub topic: Topic,
    pub partition: Partition,
    pub next: Offset,
    pub end: Offset,
}

impl Reader<'_> {
    /// Replaces the batch by the next records; false when the end is reached. The last batch may hold records beyond
    /// the end.
    ///
    /// # Errors
    /// When the log cannot be read to the end.
    pub fn read(&mut self, batch: &mut Batch) -> Result<bool, Trouble> {
        let mut empty_reads = 0;
        while self.next < self.end {
            let from = self.next;
            let (log, topic, partition) = (self.log, self.topic, self.partition);
            patiently(|| log.read(topic, partition, from, READ_BYTES, batch))?;
            match batch.next() {
                Some(next) if next > from => self.next = next,
                _ if empty_reads < EMPTY_READS => {
                    empty_reads += 1;
                    self.log.wait_for(self.topic, self.partition, from, BETWEEN);
                }
                _ => {
                    return Err(Trouble::Silent {
                        topic: self.topic,
                        partition: self.partition,
                        from,
                        end: self.end,
                    });
                }
            }
            let first = batch.iter().next().map(|record| record.offset);
            let Some(first) = first else { continue };
            if first > from && self.is_removed(from)? {
                return Err(Trouble::Removed {
                    topic: self.topic,
                    partition: self.partition,
                    from,
                });
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn is_removed(&self, from: Offset) -> Result<bool, LogError> {
        let bounds = || self.log.bounds(self.topic, self.partition);
        Ok(!self.topic.is_compacted() && patiently(bounds)?.start > from)
    }
}

/// The share of a partition's keys that one pass judges.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub index: u64,
    pub of: u64,
}

impl Bucket {
    /// Whether records of this key are judged in this pass.
    #[must_use]
    pub fn has(self, key: Option<&[u8]>) -> bool {
        if self.of == 1 {
            return true;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(key.unwrap_or_default());
        hasher.finish() % self.of == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use afterword_log::{Bounds, Record};

    /// A partition as Kafka gives it: offsets that no record has, and reads that find none and move on.
    struct Gappy {
        records: Vec<Offset>,
        end: Offset,
    }

    impl Log for Gappy {
        fn partitions(&self, _: Topic) -> u32 {
            1
        }

        fn append(
            &self,
            _: Topic,
            _: Vec<(Partition, Record)>,
        ) -> Result<Vec<(Partition, Offset)>, LogError> {
            Err(LogError::GiveUp("read only".to_owned()))
        }

        fn read(
            &self,
            _: Topic,
            _: Partition,
            from: Offset,
            _: usize,
            batch: &mut Batch,
        ) -> Result<(), LogError> {
            batch.clear();
            match self.records.iter().find(|offset| **offset >= from) {
                Some(offset) if *offset == from => batch.push(*offset, &Record::default()),
                Some(offset) => batch.set_next(*offset),
                None => batch.set_next(self.end),
            }
            Ok(())
        }

        fn bounds(&self, _: Topic, _: Partition) -> Result<Bounds, LogError> {
            let (start, end) = (Offset(0), self.end);
            Ok(Bounds { start, end })
        }

        fn committed(&self, _: Partition) -> Result<Option<Offset>, LogError> {
            Ok(None)
        }

        fn wait_for(&self, _: Topic, _: Partition, _: Offset, _: Duration) -> bool {
            true
        }

        fn impediment(&self) -> Option<String> {
            None
        }
    }

    fn offsets(records: &[u64], end: u64, until: u64) -> Result<Vec<u64>, Trouble> {
        let log = Gappy {
            records: records.iter().copied().map(Offset).collect(),
            end: Offset(end),
        };
        let mut reader = Reader {
            log: &log,
            topic: Topic::RatingRequested,
            partition: Partition(0),
            next: Offset(0),
            end: Offset(until),
        };
        let (mut batch, mut found) = (Batch::default(), Vec::new());
        while reader.read(&mut batch)? {
            found.extend(batch.iter().map(|record| record.offset.0));
        }
        Ok(found)
    }

    #[test]
    fn offsets_may_have_gaps_and_the_end_may_hold_no_record() {
        let found = offsets(&[0, 1, 4, 9], 12, 12).expect("all");
        assert_eq!(found, [0, 1, 4, 9]);
        assert!(offsets(&[], 3, 3).expect("none").is_empty());
    }

    #[test]
    fn an_end_that_is_never_reached_is_an_error() {
        let silent = offsets(&[0, 1], 2, 5).expect_err("nothing behind 2");
        assert!(matches!(
            silent,
            Trouble::Silent {
                from: Offset(2),
                end: Offset(5),
                ..
            }
        ));
        let text = silent.to_string();
        assert!(
            text.contains("up to offset 5, found none from 2 on"),
            "{text}"
        );
    }
}
