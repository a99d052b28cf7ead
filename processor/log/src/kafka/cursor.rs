//! Reading one partition from a position on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::client::{Consumer, Context, KafkaOptions, make};
use super::errors::{asking, is_passing};
use super::ffi::PartitionQueue;
use super::task::Ownership;
use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Bounds;

/// Longest wait for a broker's answer to a question.
pub(super) const ASK: Duration = Duration::from_secs(5);
/// Before a question is asked again.
const AGAIN: Duration = Duration::from_millis(50);
/// Events of a client served at once, at most.
const EVENTS: usize = 100_000;
/// How long one look for a broker may take.
const LOOK_WAIT: Duration = Duration::from_secs(2);
/// Records taken at once when a range is read.
const RANGE_RECORDS: usize = 10_000;
/// A broker that is silent for so long in a range that it has is taken to be away.
const SILENCE: Duration = Duration::from_secs(10);

/// One partition that a consumer is assigned, and where reading stands.
pub(super) struct Cursor {
    consumer: Arc<Consumer>,
    queue: PartitionQueue,
    topic: String,
    partition: Partition,
    next: Offset,
    /// The end that the broker told last, when reading had come to it.
    end: Option<Offset>,
}

/// What a consumer's cursors are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One partition for long.
    Follow,
    /// Many partitions, each for a while.
    Browse,
    /// The same, with what was aborted or is not committed yet.
    BrowseEverything,
}

/// A consumer for cursors.
///
/// # Errors
/// `Stop` when its properties are wrong.
pub(super) fn consumer(
    options: &KafkaOptions,
    purpose: Purpose,
) -> Result<Arc<Consumer>, LogError> {
    let fetch_wait = match purpose {
        Purpose::Follow => Duration::from_millis(100),
        Purpose::Browse | Purpose::BrowseEverything => Duration::from_millis(20),
    };
    let mut config = options.reader(fetch_wait);
    if purpose == Purpose::BrowseEverything {
        config.set("isolation.level", "read_uncommitted");
    }
    make(&config, Context::default()).map(Arc::new)
}

/// What a partition holds for this consumer: for one that reads only what is committed its end is the last stable offset.
///
/// # Errors
/// `Wait` when no broker answers.
pub(super) fn bounds(
    consumer: &Consumer,
    topic: &str,
    partition: Partition,
) -> Result<Bounds, LogError> {
    let number = i32::try_from(partition.0).unwrap_or(i32::MAX);
    let until = Instant::now() + ASK;
    let (start, end) = loop {
        match consumer.fetch_watermarks(topic, number, ASK) {
            Ok(found) => break found,
            // A leader that was just elected, or is being: the client learns of it by asking again.
            Err(error) if is_passing(&error) && Instant::now() < until => {
                std::thread::sleep(AGAIN);
            }
            Err(error) => {
                let doing = format!("asking where {topic} {partition} ends");
                return Err(asking(&doing, &error));
            }
        }
    };
    let offset = |number: i64| Offset(u64::try_from(number).unwrap_or(0));
    Ok(Bounds {
        start: offset(start),
        end: offset(end),
    })
}

impl Cursor {
    /// Assigns the partition to the consumer, from this offset on. The consumer must not have it already.
    ///
    /// # Errors
    /// When the client refuses.
    pub(super) fn open(
        consumer: &Arc<Consumer>,
        topic: &str,
        partition: Partition,
        from: Offset,
    ) -> Result<Cursor, LogError> {
        let refused = || {
            LogError::Stop(format!(
                "Kafka's client has no queue for {topic} {partition}"
            ))
        };
        let queue = PartitionQueue::of(consumer, topic, partition).ok_or_else(refused)?;
        let cursor = Cursor {
            consumer: Arc::clone(consumer),
            queue,
            topic: topic.to_owned(),
            partition,
            next: from,
            end: None,
        };
        cursor
            .consumer
            .incremental_assign(&cursor.place(Some(from))?)
            .map_err(|error| asking(&format!("beginning to read {topic} {partition}"), &error))?;
        Ok(cursor)
    }

    fn place(&self, offset: Option<Offset>) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        let partition = i32::try_from(self.partition.0).unwrap_or(i32::MAX);
        let mut entry = list.add_partition(&self.topic, partition);
        if let Some(offset) = offset {
            let offset = i64::try_from(offset.0).unwrap_or(i64::MAX);
            entry
                .set_offset(rdkafka::Offset::Offset(offset))
                .map_err(|error| asking("naming an offset", &error))?;
        }
        Ok(list)
    }

    /// The offset that is read next.
    pub(super) fn next(&self) -> Offset {
        self.next
    }

    /// Whether everything that the broker told of has been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.end.is_some_and(|end| end <= self.next)
            || self
                .queue
                .known_end(&self.topic, self.partition)
                .is_some_and(|end| end > Offset(0) && end <= self.next)
    }

    /// Replaces the batch by what comes next, at most `most` records; waits this long for the first.
    ///
    /// # Errors
    /// `Wait` when reading fails for now: this cursor must be dropped then, and another opened where this one stood.
    pub(super) fn fetch(
        &mut self,
        most: usize,
        wait: Duration,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        batch.clear();
        let fetched = self.queue.fetch(most, wait, batch.messages());
        if let Some(next) = batch.next() {
            self.next = next;
        }
        if let Some(end) = fetched.end {
            self.next = self.next.max(end);
            self.end = Some(self.next);
        }
        batch.set_next(self.next);
        if let Some((code, text)) = fetched.error {
            self.failed(code, &text)?;
        }
        if batch.is_empty() {
            self.look_around()?;
        }
        Ok(())
    }

    /// Reads on up to an offset, and hands over each batch with the offset that reading goes on from. The last batch may go
    /// further.
    ///
    /// # Errors
    /// As [`Cursor::fetch`]; `GiveUp` when the partition is revoked meanwhile.
    pub(super) fn read_to(
        &mut self,
        end: Offset,
        ownership: &Ownership,
        mut take: impl FnMut(&Batch, Offset) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut batch = Batch::default();
        let mut moved = Instant::now();
        while self.next < end {
            ownership.check()?;
            let before = self.next;
            self.fetch(RANGE_RECORDS, Duration::from_millis(100), &mut batch)?;
            take(&batch, self.next)?;
            if self.next > before {
                moved = Instant::now();
            } else if moved.elapsed() >= SILENCE {
                return Err(LogError::Wait(format!(
                    "{} {} ends at {end}, and nothing came from offset {before} for {} s",
                    self.topic,
                    self.partition,
                    SILENCE.as_secs()
                )));
            }
        }
        Ok(())
    }

    fn failed(&self, code: RDKafkaErrorCode, text: &str) -> Result<(), LogError> {
        let (topic, partition, next) = (&self.topic, self.partition, self.next);
        match code {
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                Err(LogError::Stop(format!(
                    "{topic} {partition} must be read from offset {next} on, and the broker has no such offset ({text}): \
                     the topic was made anew, or lost what it had"
                )))
            }
            _ => Err(LogError::Wait(format!(
                "reading {topic} {partition} at offset {next}: {code} ({text})"
            ))),
        }
    }

    /// Serves the client, and finds out whether silence means that no broker is there.
    fn look_around(&self) -> Result<(), LogError> {
        // All that is queued: a long outage leaves hundreds of complaints, and an old one must not look like news.
        for _ in 0..EVENTS {
            match self.consumer.poll(Duration::ZERO) {
                None => break,
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(target: "kafka", %error, "a consumer's trouble");
                }
            }
        }
        let context = self.consumer.client().context();
        let Some(reason) = context.unreachable() else {
            return Ok(());
        };
        if context.should_look() {
            let number = i32::try_from(self.partition.0).unwrap_or(i32::MAX);
            let answer = self
                .consumer
                .fetch_watermarks(&self.topic, number, LOOK_WAIT);
            if answer.is_ok() {
                context.reached();
                return Ok(());
            }
        }
        Err(LogError::Wait(format!("no broker answers: {reason}")))
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let Ok(place) = self.place(None) else { return };
        if let Err(error) = self.consumer.incremental_unassign(&place) {
            tracing::debug!(target: "kafka", %error, "a partition was not given back");
        }
    }
}
