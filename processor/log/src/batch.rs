//! Records as they were read: one buffer for all of a poll, and views into it.

use std::ops::Range;

use crate::coding::{CodingError, Reader, put_optional_bytes, put_signed, put_varint};
use crate::record::{Offset, Record};

/// Records of one partition, in the order of their offsets. Reuse one over many polls: it keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    buffer: Vec<u8>,
    records: Vec<Place>,
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
pub struct Headers<'a> {
    reader: Reader<'a>,
    left: u64,
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
        let headers = Headers {
            reader: reader.clone(),
            left,
        };
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

    /// The first header of this name that has a value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .clone()
            .find(|(found, _)| *found == name)
            .and_then(|(_, value)| value)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = self.reader.optional_bytes().ok()??;
        let value = self.reader.optional_bytes().ok()?;
        Some((std::str::from_utf8(name).unwrap_or_default(), value))
    }
}

impl Batch {
    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.records.clear();
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many bytes the records take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The offset after the last record.
    #[must_use]
    pub fn next(&self) -> Option<Offset> {
        self.records.last().map(|place| place.offset.next())
    }

    /// When the last record was made.
    #[must_use]
    pub fn last_timestamp_ms(&self) -> Option<i64> {
        let place = self.records.last()?;
        Reader::new(&self.buffer[place.range.clone()]).signed().ok()
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
        self.records.iter().filter_map(|place| {
            let mut reader = Reader::new(&self.buffer[place.range.clone()]);
            RecordRef::decode(place.offset, &mut reader).ok()
        })
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
