//! The records of an output topic as they stand, with what their headers say of their cause.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use afterword_log::{
    Batch, Bounds, INDEX_HEADER, Offset, Partition, Record, RecordRef, SOURCE_HEADER, Topic,
};
use afterword_trace::TRACEPARENT;

use super::reader::{Bucket, Reader, Trouble, patiently};

/// Records behind the head that are looked at, to tell a head that stands too early from records that are missing.
const LOOKED_AHEAD: usize = 8;

/// An output's source and its place among the outputs of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    pub offset: Offset,
    pub index: usize,
}

/// A record of an output topic.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands itself.
    pub at: Offset,
    /// Where it says that it comes from, or why it does not say.
    pub cause: Result<Cause, String>,
    pub record: Record,
}

/// One partition of one output topic, record by record.
pub struct Stream<'a> {
    pub reader: Reader<'a>,
    pub bucket: Bucket,
    /// Whose outputs these are: facts', or the letters of settings that were refused.
    source: Topic,
    /// How long records are waited for that a commit has announced; what was waited is taken off.
    pub patience: Duration,
    /// The cause of the record that was taken last.
    pub last: Option<Cause>,
    /// Records of sources before this offset may have been removed by retention.
    pub kept_from: Option<Offset>,
    is_cut: bool,
    queue: VecDeque<Found>,
    batch: Batch,
}

impl<'a> Stream<'a> {
    pub fn new(
        mut reader: Reader<'a>,
        source: Topic,
        bounds: Bounds,
        bucket: Bucket,
        patience: Duration,
    ) -> Stream<'a> {
        (reader.next, reader.end) = (bounds.start, bounds.end);
        let is_cut = bounds.start > Offset(0);
        Stream {
            reader,
            bucket,
            source,
            patience,
            last: None,
            kept_from: is_cut.then_some(Offset(u64::MAX)),
            is_cut,
            queue: VecDeque::new(),
            batch: Batch::default(),
        }
    }

    /// The next record, if there is one.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn head(&mut self) -> Result<Option<&Found>, Trouble> {
        while self.queue.is_empty() && self.fill()? {}
        Ok(self.queue.front())
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> Result<bool, Trouble> {
        let mut batch = std::mem::take(&mut self.batch);
        let read = self.reader.read(&mut batch);
        if matches!(read, Ok(true)) {
            self.queue_all(&batch);
        }
        self.batch = batch;
        read
    }

    /// The same; at the end it waits for what a commit has announced and readers may see a moment later.
    ///
    /// # Errors
    /// As [`Stream::head`].
    pub fn head_patiently(&mut self) -> Result<Option<&Found>, Trouble> {
        while self.head()?.is_none() && !self.patience.is_zero() {
            let begun = Instant::now();
            let Reader {
                log,
                topic,
                partition,
                next,
                ..
            } = self.reader;
            let turn = self.patience.min(Duration::from_millis(500));
            if !log.wait_for(topic, partition, next, turn) {
                std::thread::sleep(turn.saturating_sub(begun.elapsed()));
            }
            self.patience = self.patience.saturating_sub(begun.elapsed());
            self.reader.end = patiently(|| log.bounds(topic, partition))?
                .end
                .max(self.reader.end);
        }
        Ok(self.queue.front())
    }

    /// Whether the record of this cause stands right behind the head: then the head is before its place.
    ///
    /// # Errors
    /// As [`Stream::head`].
    pub fn is_right_behind(&mut self, wanted: Cause) -> Result<bool, Trouble> {
        while self.queue.len() <= LOOKED_AHEAD && self.fill()? {}
        let behind = self.queue.iter().skip(1).take(LOOKED_AHEAD);
        Ok(behind
            .filter_map(|found| found.cause.as_ref().ok())
            .any(|cause| *cause == wanted))
    }

    /// Takes the record that [`Stream::head`] has shown.
    pub fn take(&mut self) -> Option<Found> {
        self.queue.pop_front()
    }

    fn queue_all(&mut self, batch: &Batch) {
        let end = self.reader.end;
        for record in batch.iter().filter(|record| record.offset < end) {
            let Some(cause) = self.own_cause(&record) else {
                continue;
            };
            if self.is_cut
                && let Ok(cause) = &cause
            {
                (self.kept_from, self.is_cut) = (Some(cause.offset), false);
            }
            if self.bucket.has(record.key) {
                let at = record.offset;
                let record = owned(&record, self.reader.topic);
                self.queue.push_back(Found { at, cause, record });
            }
        }
    }

    /// The cause, when the record belongs to this stream: of the dead letters of partition 0 some come from facts and some
    /// from settings. What belongs to neither is shown among those of facts.
    fn own_cause(&self, record: &RecordRef<'_>) -> Option<Result<Cause, String>> {
        let (topic, partition) = (self.reader.topic, self.reader.partition);
        let of_settings = (Topic::WorkspaceSettings, Partition(0));
        let is_first = (topic, partition) == (Topic::DeadLetters, Partition(0));
        let cause = cause(record);
        let is_of_settings =
            matches!(&cause, Ok((other, of, _)) if is_first && (*other, *of) == of_settings);
        if is_of_settings != (self.source == Topic::WorkspaceSettings) {
            return None;
        }
        Some(match cause {
            Ok((other, of, cause)) if (other, of) == (self.source, partition) => Ok(cause),
            Ok((other, of, cause)) => Err(format!(
                "expected a source in partition {partition} of {}, found {other}/{of}/{}",
                Topic::ConversationEvents,
                cause.offset
            )),
            Err(error) => Err(error),
        })
    }
}

/// Of a dead letter all headers are compared; of an output the one of its trace, beside those that name its cause.
fn owned(record: &RecordRef<'_>, topic: Topic) -> Record {
    match topic {
        Topic::DeadLetters => record.to_record(),
        _ => Record {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: trace_of(record),
            timestamp_ms: record.timestamp_ms,
        },
    }
}

fn trace_of(record: &RecordRef<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let header = record.header(TRACEPARENT).map(<[u8]>::to_vec);
    let headers = header.map(|value| (TRACEPARENT.to_owned(), Some(value)));
    headers.into_iter().collect()
}

/// Reads the headers that name the cause. Of several the last counts: a dead letter begins with the headers of the record
/// that it was.
///
/// # Errors
/// What was expected and what was found.
pub fn cause(record: &RecordRef<'_>) -> Result<(Topic, Partition, Cause), String> {
    let text = |name: &str| {
        let last = record
            .headers
            .clone()
            .filter(|(found, _)| *found == name)
            .last();
        last.and_then(|(_, value)| value)
            .and_then(|value| std::str::from_utf8(value).ok())
    };
    let (source, index) = (text(SOURCE_HEADER), text(INDEX_HEADER));
    let parsed = || {
        let mut parts = source?.split('/');
        let topic = Topic::from_name(parts.next()?)?;
        let partition = Partition(parts.next()?.parse().ok()?);
        let offset = Offset(parts.next()?.parse().ok()?);
        let index = index?.parse().ok()?;
        parts
            .next()
            .is_none()
            .then_some((topic, partition, Cause { offset, index }))
    };
    parsed().ok_or_else(|| {
        format!(
            "expected headers {SOURCE_HEADER} (topic/partition/offset) and {INDEX_HEADER} (a number), \
             found {source:?} and {index:?}"
        )
    })
}
