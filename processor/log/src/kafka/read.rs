//! Readers for everybody but the tasks: a pool of partitions that consumers are assigned, each standing where its last
//! reader left it, so that whoever reads on goes on without a new start.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{Consumer, KafkaOptions};
use super::cursor::{self, Cursor, Purpose};
use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// Records taken at once, at most.
const FETCH: usize = 10_000;
/// How long what the broker is known to have may take to come.
const COMING: Duration = Duration::from_secs(5);
/// Readers of one partition at different places, before the one unused for longest is moved.
const CONSUMERS: usize = 8;

type Place = (Topic, Partition);

/// One partition at one position, lent to one caller at a time.
pub(super) struct Reader {
    place: Place,
    consumer: usize,
    cursor: Cursor,
    /// What came while somebody waited for it, and where that begins.
    waiting: Batch,
    began: Offset,
    /// The end that somebody was told: what lies before it must come.
    told_end: Offset,
    used: Instant,
}

impl Reader {
    fn stands_at(&self, from: Offset) -> bool {
        match self.waiting.iter().next() {
            Some(_) => self.began == from,
            // It may have passed over marks of the log while somebody waited.
            None => self.cursor.next() == from || self.began == from,
        }
    }

    /// Replaces the batch by what comes next. What the partition is known to hold is waited for; nothing else is.
    ///
    /// # Errors
    /// `Wait` when it does not come.
    pub(super) fn read(&mut self, max_bytes: usize, batch: &mut Batch) -> Result<(), LogError> {
        self.used = Instant::now();
        if !self.waiting.is_empty() {
            std::mem::swap(batch, &mut self.waiting);
            self.waiting.clear();
            self.began = self.cursor.next();
            return Ok(());
        }
        self.began = self.cursor.next();
        // Records are counted and not their bytes: the client holds back as many bytes as it may anyway.
        let most = (max_bytes / 256).clamp(1, FETCH);
        let until = Instant::now() + COMING;
        loop {
            let must_come = self.cursor.next() < self.told_end;
            let wait = match must_come {
                true => Duration::from_millis(100),
                false => Duration::ZERO,
            };
            self.cursor.fetch(most, wait, batch)?;
            if !batch.is_empty() || self.cursor.next() >= self.told_end {
                return Ok(());
            }
            if Instant::now() >= until {
                let ((topic, partition), next) = (self.place, self.cursor.next());
                return Err(LogError::Wait(format!(
                    "{topic} {partition} ends at {}, and nothing came from offset {next} for {} s",
                    self.told_end,
                    COMING.as_secs()
                )));
            }
        }
    }

    /// Waits for what comes next, at most this long; says whether it came.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn wait(&mut self, at_most: Duration) -> Result<bool, LogError> {
        self.used = Instant::now();
        if self.waiting.is_empty() {
            self.began = self.cursor.next();
            self.cursor.fetch(FETCH, at_most, &mut self.waiting)?;
        }
        Ok(!self.waiting.is_empty() || self.cursor.next() > self.began)
    }
}

/// Every reader that nobody uses now.
pub(super) struct Readers {
    options: KafkaOptions,
    /// A consumer can have a partition once; so there are some.
    consumers: Vec<Arc<Consumer>>,
    idle: Vec<Reader>,
    /// Which consumer has which partition lent out.
    lent: Vec<(Place, usize)>,
    told_ends: HashMap<Place, Offset>,
}

impl Readers {
    pub(super) fn new(options: &KafkaOptions) -> Readers {
        Readers {
            options: options.clone(),
            consumers: Vec::new(),
            idle: Vec::new(),
            lent: Vec::new(),
            told_ends: HashMap::new(),
        }
    }

    /// Somebody was told that the partition ends here.
    pub(super) fn tell_end(&mut self, topic: Topic, partition: Partition, end: Offset) {
        let known = self.told_ends.entry((topic, partition)).or_default();
        *known = end.max(*known);
    }

    /// A reader that stands at this offset.
    ///
    /// # Errors
    /// When the client refuses, or too many read this partition at once.
    pub(super) fn take(
        &mut self,
        topic: Topic,
        partition: Partition,
        from: Offset,
    ) -> Result<Reader, LogError> {
        let place = (topic, partition);
        let told_end = self.told_ends.get(&place).copied().unwrap_or_default();
        let at = |reader: &Reader| reader.place == place && reader.stands_at(from);
        if let Some(found) = self.idle.iter().position(at) {
            let mut reader = self.idle.swap_remove(found);
            reader.told_end = told_end;
            self.lent.push((place, reader.consumer));
            return Ok(reader);
        }
        let number = self.free_consumer(place)?;
        let cursor = Cursor::open(&self.consumers[number], topic.name(), partition, from)?;
        self.lent.push((place, number));
        Ok(Reader {
            place,
            consumer: number,
            cursor,
            waiting: Batch::default(),
            began: from,
            told_end,
            used: Instant::now(),
        })
    }

    /// A consumer that does not have this partition; the reader unused for longest gives way when there is none.
    fn free_consumer(&mut self, place: Place) -> Result<usize, LogError> {
        let has = |number: usize| {
            self.lent.contains(&(place, number))
                || self
                    .idle
                    .iter()
                    .any(|reader| reader.place == place && reader.consumer == number)
        };
        if let Some(free) = (0..self.consumers.len()).find(|number| !has(*number)) {
            return Ok(free);
        }
        if self.consumers.len() < CONSUMERS {
            self.consumers
                .push(cursor::consumer(&self.options, Purpose::Browse)?);
            return Ok(self.consumers.len() - 1);
        }
        let oldest = self
            .idle
            .iter()
            .enumerate()
            .filter(|(_, reader)| reader.place == place)
            .min_by_key(|(_, reader)| reader.used)
            .map(|(index, _)| index);
        match oldest {
            Some(index) => Ok(self.idle.swap_remove(index).consumer),
            None => Err(LogError::Wait(format!(
                "{CONSUMERS} readers are at {} {} already",
                place.0, place.1
            ))),
        }
    }

    /// Takes a reader back: for whoever reads on, unless it failed.
    pub(super) fn put_back(&mut self, reader: Reader, failed: bool) {
        self.lent
            .retain(|lent| *lent != (reader.place, reader.consumer));
        if !failed {
            self.idle.push(reader);
        }
    }
}
