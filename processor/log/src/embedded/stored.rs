//! The stored form of a batch: one value of the database.
//!
//! A header of fixed size, then the records. A batch is *dense* as it was appended (the n-th record has the n-th offset
//! from the base) and *sparse* after compaction (each record says its distance from the base). Nothing in the value
//! depends on the base, so that callers encode on their own threads and the writer only chooses the place.

use crate::batch::{Batch, RecordRef};
use crate::coding::{CodingError, Reader, put_varint};
use crate::record::{Offset, Record};

/// A batch holds at most this many records …
pub(super) const MAX_RECORDS: u32 = 1_000;
/// … and is closed by the record that makes it this long, so that a reader who wants one record never decodes much more.
pub(super) const MAX_BYTES: usize = 64 << 10;

const DENSE: u8 = 1;
const SPARSE: u8 = 2;
const HEADER_BYTES: usize = 25;

/// What a stored batch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sparse: bool,
    /// Bytes of all batches of the partition before this one, as they were appended.
    pub(super) bytes_before: u64,
    /// How many records there are.
    pub(super) count: u32,
    /// How many offsets it covers, from its base on.
    pub(super) span: u32,
    /// The latest timestamp of its records.
    pub(super) newest_ms: i64,
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0] = if self.sparse { SPARSE } else { DENSE };
        out[1..9].copy_from_slice(&self.bytes_before.to_be_bytes());
        out[9..13].copy_from_slice(&self.count.to_be_bytes());
        out[13..17].copy_from_slice(&self.span.to_be_bytes());
        out[17..].copy_from_slice(&self.newest_ms.to_be_bytes());
        out
    }

    /// Reads a batch's header.
    pub(super) fn decode(value: &[u8]) -> Result<Header, CodingError> {
        let damaged = |expected, at| CodingError { expected, at };
        let header: &[u8; HEADER_BYTES] = value
            .first_chunk()
            .ok_or_else(|| damaged("a batch's header", value.len()))?;
        let sparse = match header[0] {
            DENSE => false,
            SPARSE => true,
            _ => return Err(damaged("format 1 or 2 of a batch", 0)),
        };
        let header = Header {
            sparse,
            bytes_before: u64::from_be_bytes(part(header, 1)),
            count: u32::from_be_bytes(part(header, 9)),
            span: u32::from_be_bytes(part(header, 13)),
            newest_ms: i64::from_be_bytes(part(header, 17)),
        };
        let counts = header.count <= header.span && (sparse || header.count == header.span);
        if header.span == 0 || !counts {
            return Err(damaged("as many offsets as records", 9));
        }
        Ok(header)
    }
}

fn part<const N: usize>(header: &[u8; HEADER_BYTES], from: usize) -> [u8; N] {
    std::array::from_fn(|index| header[from + index])
}

/// Says in a batch's value where in the partition's bytes it stands.
pub(super) fn place_after(value: &mut [u8], bytes_before: u64) {
    if let Some(place) = value.get_mut(1..9) {
        place.copy_from_slice(&bytes_before.to_be_bytes());
    }
}

/// A dense batch in the making.
#[derive(Debug)]
pub(super) struct DenseBuilder {
    value: Vec<u8>,
    count: u32,
    newest_ms: i64,
}

impl DenseBuilder {
    pub(super) fn new() -> DenseBuilder {
        DenseBuilder {
            value: vec![0; HEADER_BYTES],
            count: 0,
            newest_ms: i64::MIN,
        }
    }

    pub(super) fn push(&mut self, record: &Record) {
        record.encode(&mut self.value);
        self.count += 1;
        self.newest_ms = self.newest_ms.max(record.timestamp_ms);
    }

    pub(super) fn is_full(&self) -> bool {
        self.count >= MAX_RECORDS || self.value.len() >= MAX_BYTES
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The value; its place among the partition's bytes is still to be said.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let header = Header {
            sparse: false,
            bytes_before: 0,
            count: self.count,
            span: self.count,
            newest_ms: self.newest_ms,
        };
        self.value[..HEADER_BYTES].copy_from_slice(&header.encode());
        self.value
    }
}

/// A sparse batch in the making: what compaction leaves of one or several batches.
#[derive(Debug)]
pub(super) struct SparseBuilder {
    base: Offset,
    body: Vec<u8>,
    count: u32,
    newest_ms: i64,
}

impl SparseBuilder {
    pub(super) fn new(base: Offset) -> SparseBuilder {
        SparseBuilder {
            base,
            body: Vec::new(),
            count: 0,
            newest_ms: i64::MIN,
        }
    }

    pub(super) fn push(&mut self, record: &RecordRef<'_>, encoded: &[u8]) {
        put_varint(&mut self.body, record.offset.0 - self.base.0);
        self.body.extend_from_slice(encoded);
        self.count += 1;
        self.newest_ms = self.newest_ms.max(record.timestamp_ms);
    }

    pub(super) fn base(&self) -> Offset {
        self.base
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    pub(super) fn finish(self, span: u32, bytes_before: u64) -> Vec<u8> {
        let header = Header {
            sparse: true,
            bytes_before,
            count: self.count,
            span,
            newest_ms: self.newest_ms,
        };
        let mut value = header.encode().to_vec();
        value.extend_from_slice(&self.body);
        value
    }
}

/// The batch with these records, ascending, in the places of those of their offsets. What it says of itself stays, where it stands
/// among the partition's bytes too: those are as they were appended.
pub(super) fn rebuild(
    base: Offset,
    value: &[u8],
    changed: &[(Offset, Record)],
) -> Result<Vec<u8>, CodingError> {
    let mut records = Records::open(base, value)?;
    let mut out = value[..HEADER_BYTES].to_vec();
    let mut changed = changed.iter().peekable();
    while let Some(offset) = records.advance()? {
        if records.header.sparse {
            put_varint(&mut out, offset.0 - base.0);
        }
        let (_, encoded) = records.take()?;
        match changed.next_if(|(other, _)| *other == offset) {
            Some((_, record)) => record.encode(&mut out),
            None => out.extend_from_slice(encoded),
        }
    }
    Ok(out)
}

/// Reads the records of a stored batch, one at a time: `advance`, then one of `skip`, `push_to` and `take`.
#[derive(Debug)]
pub(super) struct Records<'a> {
    header: Header,
    base: Offset,
    body: &'a [u8],
    reader: Reader<'a>,
    read: u32,
    offset: Offset,
}

impl<'a> Records<'a> {
    pub(super) fn open(base: Offset, value: &'a [u8]) -> Result<Records<'a>, CodingError> {
        let header = Header::decode(value)?;
        let body = &value[HEADER_BYTES..];
        Ok(Records {
            header,
            base,
            body,
            reader: Reader::new(body),
            read: 0,
            offset: base,
        })
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// The offset of the next record, `None` behind the last one.
    pub(super) fn advance(&mut self) -> Result<Option<Offset>, CodingError> {
        if self.read == self.header.count {
            return match self.reader.is_at_end() {
                true => Ok(None),
                false => Err(self.damaged("the batch's end")),
            };
        }
        let distance = match self.header.sparse {
            true => self.reader.varint()?,
            false => self.read.into(),
        };
        let offset = Offset(self.base.0.saturating_add(distance));
        let increases = self.read == 0 || offset > self.offset;
        if !increases || distance >= self.header.span.into() {
            return Err(self.damaged("an offset within the batch"));
        }
        self.read += 1;
        self.offset = offset;
        Ok(Some(offset))
    }

    pub(super) fn skip(&mut self) -> Result<(), CodingError> {
        RecordRef::decode(self.offset, &mut self.reader).map(drop)
    }

    pub(super) fn push_to(&mut self, batch: &mut Batch) -> Result<(), CodingError> {
        batch.push_encoded(self.offset, &mut self.reader, self.body)
    }

    /// The record, and its stored form.
    pub(super) fn take(&mut self) -> Result<(RecordRef<'a>, &'a [u8]), CodingError> {
        let from = self.reader.position();
        let record = RecordRef::decode(self.offset, &mut self.reader)?;
        Ok((record, &self.body[from..self.reader.position()]))
    }

    fn damaged(&self, expected: &'static str) -> CodingError {
        CodingError {
            expected,
            at: HEADER_BYTES + self.reader.position(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(base: Offset, value: &[u8]) -> Result<Batch, CodingError> {
        let mut records = Records::open(base, value)?;
        let mut batch = Batch::default();
        while records.advance()?.is_some() {
            records.push_to(&mut batch)?;
        }
        Ok(batch)
    }

    fn dense(count: u32) -> Vec<u8> {
        let mut builder = DenseBuilder::new();
        for index in 0..count {
            builder.push(&Record::new(format!("k{index}"), "value", index.into()));
        }
        builder.finish()
    }

    #[test]
    fn a_dense_batch_comes_back() {
        let mut value = dense(3);
        place_after(&mut value, 77);
        let header = Header::decode(&value).unwrap();
        assert_eq!(
            (header.bytes_before, header.span, header.newest_ms),
            (77, 3, 2)
        );
        let offsets: Vec<u64> = read(Offset(40), &value)
            .unwrap()
            .iter()
            .map(|record| record.offset.0)
            .collect();
        assert_eq!(offsets, [40, 41, 42]);
    }

    #[test]
    fn a_sparse_batch_keeps_its_offsets() {
        let value = dense(5);
        let mut source = Records::open(Offset(10), &value).unwrap();
        let mut builder = SparseBuilder::new(Offset(10));
        while let Some(offset) = source.advance().unwrap() {
            let (record, encoded) = source.take().unwrap();
            if offset.0 % 2 == 0 {
                builder.push(&record, encoded);
            }
        }
        let batch = read(Offset(10), &builder.finish(5, 0)).unwrap();
        let records: Vec<_> = batch
            .iter()
            .map(|record| (record.offset.0, record.key.unwrap().to_vec()))
            .collect();
        assert_eq!(
            records,
            [
                (10, b"k0".to_vec()),
                (12, b"k2".to_vec()),
                (14, b"k4".to_vec())
            ]
        );
    }

    #[test]
    fn single_records_become_others() {
        let mut value = dense(4);
        place_after(&mut value, 77);
        let other = Record::new("k2", "a longer value than before", 2);
        let rebuilt = rebuild(Offset(10), &value, &[(Offset(12), other)]).unwrap();
        assert_eq!(Header::decode(&rebuilt), Header::decode(&value));
        let values = |value: &[u8]| -> Vec<(u64, Vec<u8>)> {
            let batch = read(Offset(10), value).unwrap();
            let records = batch.iter();
            let pair = |record: RecordRef<'_>| (record.offset.0, record.value.unwrap().to_vec());
            records.map(pair).collect()
        };
        let (before, after) = (values(&value), values(&rebuilt));
        assert_eq!(after[2], (12, b"a longer value than before".to_vec()));
        assert_eq!((&after[..2], &after[3]), (&before[..2], &before[3]));
        let mut sparse = SparseBuilder::new(Offset(10));
        let mut source = Records::open(Offset(10), &value).unwrap();
        while let Some(offset) = source.advance().unwrap() {
            let (record, encoded) = source.take().unwrap();
            if offset.0 % 2 == 1 {
                sparse.push(&record, encoded);
            }
        }
        let other = Record::new("k3", "x", 3);
        let rebuilt = rebuild(Offset(10), &sparse.finish(4, 0), &[(Offset(13), other)]).unwrap();
        assert_eq!(values(&rebuilt), [before[1].clone(), (13, b"x".to_vec())]);
    }

    #[test]
    fn every_cut_is_found() {
        let value = dense(4);
        for length in 0..value.len() {
            assert!(
                read(Offset(0), &value[..length]).is_err(),
                "cut at {length}"
            );
        }
    }

    proptest! {
        #[test]
        fn damaged_batches_never_panic(at in 0usize..60, byte: u8, tail in any::<Vec<u8>>()) {
            let mut value = dense(4);
            let at = at % value.len();
            value[at] = byte;
            let _ = read(Offset(u64::MAX - 2), &value);
            let _ = read(Offset(0), &tail);
        }
    }
}
