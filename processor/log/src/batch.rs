//! Records as they were read, and views into them: one buffer for all of a poll, or Kafka's own messages, not copied.

use std::ops::Range;

use crate::coding::{CodingError, Reader, put_optional_bytes, put_signed, put_varint};
use crate::kafka::ffi::{MessageHeaders, Messages};
use crate::record::{Offset, Record};

/// Records of one partition, in the order of their offsets. Reuse one over many polls: it keeps its memory.
#[derive(Debug, Default)]
pub struct Batch {
    buffer: Vec<u8>,
    records: Vec<Place>,
    messages: Messages,
    /// Where reading goes on, when that is past the last record: a log's own marks take offsets too.
    next: Option<Offset>,
}

#[derive(Clone, Debug)]
struct Place {
    offset: Offset,
    range: Range<usize>,
}

/// One record of a [`Batch`].
#[derive(Clone, Debug)]
pub struct RecordRef<'a> {
    pub offset: Offset,
    pub timestamp_ms: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// A record's headers, in order.
#[derive(Clone, Debug)]
pub struct Headers<'a>(Source<'a>);

#[derive(Clone, Debug)]
enum Source<'a> {
    Stored { reader: Reader<'a>, left: u64 },
    Message(MessageHeaders<'a>),
}

impl Record {
    /// Appends this record's stored form: timestamp, key, value, headers.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.timestamp_ms);
        put_optional_bytes(out, self.key.as_deref());
        put_optional_bytes(out, self.value.as_deref());
        put_varint(out, self.headers.len() as u64);
        for (name, value) in &self.headers {
            put_optional_bytes(out, Some(name.as_bytes()));
            put_optional_bytes(out, value.as_deref());
        }
    }
}

impl<'a> RecordRef<'a> {
    /// Reads one record of [`Record::encode`] and leaves the reader behind it.
    ///
    /// # Errors
    /// When the bytes are not what `encode` writes.
    pub fn decode(offset: Offset, reader: &mut Reader<'a>) -> Result<RecordRef<'a>, CodingError> {
        let timestamp_ms = reader.signed()?;
        let key = reader.optional_bytes()?;
        let value = reader.optional_bytes()?;
        let left = reader.varint()?;
        let headers = Headers(Source::Stored {
            reader: reader.clone(),
            left,
        });
        for _ in 0..left {
            reader.optional_bytes()?;
            reader.optional_bytes()?;
        }
        Ok(RecordRef {
            offset,
            timestamp_ms,
            key,
            value,
            headers,
        })
    }

    /// The same record with bytes of its own.
    #[must_use]
    pub fn to_record(&self) -> Record {
        Record {
            key: self.key.map(<[u8]>::to_vec),
            value: self.value.map(<[u8]>::to_vec),
            headers: self
                .headers
                .clone()
                .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                .collect(),
            timestamp_ms: self.timestamp_ms,
        }
    }

    /// The last header of this name: a dead letter's own stand behind those that its record had.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .clone()
            .filter(|(found, _)| *found == name)
            .last()
            .and_then(|(_, value)| value)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = match &mut self.0 {
            Source::Stored { reader, left } => {
                *left = left.checked_sub(1)?;
                let name = reader.optional_bytes().ok()??;
                (name, reader.optional_bytes().ok()?)
            }
            Source::Message(headers) => headers.next()?,
        };
        Some((std::str::from_utf8(name).unwrap_or_default(), value))
    }
}

impl<'a> From<MessageHeaders<'a>> for Headers<'a> {
    fn from(headers: MessageHeaders<'a>) -> Headers<'a> {
        Headers(Source::Message(headers))
    }
}

impl Batch {
    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.records.clear();
        self.messages.clear();
        self.next = None;
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() + self.messages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.messages.is_empty()
    }

    /// How many bytes the records take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buffer.len() + self.messages.bytes()
    }

    /// Where reading goes on: after the last record and after what the log keeps for itself behind it. `None` when nothing
    /// was read and nothing passed over.
    #[must_use]
    pub fn next(&self) -> Option<Offset> {
        let stored = self.records.last().map(|place| place.offset.next());
        let message = self.messages.last_offset().map(Offset::next);
        self.next.max(stored).max(message)
    }

    /// Reading goes on at `next`, which may be past the last record.
    pub fn set_next(&mut self, next: Offset) {
        self.next = Some(next);
    }

    /// When the last record was made.
    #[must_use]
    pub fn last_timestamp_ms(&self) -> Option<i64> {
        if let Some(timestamp_ms) = self.messages.last_timestamp_ms() {
            return Some(timestamp_ms);
        }
        let place = self.records.last()?;
        Reader::new(&self.buffer[place.range.clone()]).signed().ok()
    }

    /// Where a Kafka consumer puts its messages. They stand behind the records of [`Batch::push`]: a batch holds one kind.
    pub(crate) fn messages(&mut self) -> &mut Messages {
        &mut self.messages
    }

    /// Adds a record.
    pub fn push(&mut self, offset: Offset, record: &Record) {
        let start = self.buffer.len();
        record.encode(&mut self.buffer);
        self.note(offset, start);
    }

    /// Adds a record that is in its stored form already, such as a backend read it.
    ///
    /// # Errors
    /// When the bytes at the reader are no record.
    pub fn push_encoded(
        &mut self,
        offset: Offset,
        reader: &mut Reader<'_>,
        source: &[u8],
    ) -> Result<(), CodingError> {
        let from = reader.position();
        RecordRef::decode(offset, reader)?;
        let start = self.buffer.len();
        self.buffer
            .extend_from_slice(&source[from..reader.position()]);
        self.note(offset, start);
        Ok(())
    }

    fn note(&mut self, offset: Offset, start: usize) {
        let range = start..self.buffer.len();
        self.records.push(Place { offset, range });
    }

    /// The records, in order.
    pub fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> {
        let stored = self.records.iter().filter_map(|place| {
            let mut reader = Reader::new(&self.buffer[place.range.clone()]);
            RecordRef::decode(place.offset, &mut reader).ok()
        });
        stored.chain(self.messages.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were() {
        let mut record = Record::new("c1", vec![0, 1, 2], -5).with_header("a", "b");
        record.headers.push(("null".to_owned(), None));
        let empty = Record::default();
        let mut batch = Batch::default();
        batch.push(Offset(7), &record);
        batch.push(Offset(9), &empty);
        let read: Vec<_> = batch.iter().collect();
        assert_eq!((read[0].offset, read[0].to_record()), (Offset(7), record));
        assert_eq!((read[1].offset, read[1].to_record()), (Offset(9), empty));
        assert_eq!(read[0].header("a"), Some(&b"b"[..]));
        assert_eq!(batch.next(), Some(Offset(10)));
    }
}
