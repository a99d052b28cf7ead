//! One record of a topic, and where it stands.

use std::fmt;

/// The header of every output that names the fact that caused it: topic/partition/offset.
pub const SOURCE_HEADER: &str = "afterword-source";
/// The header with an output's place among those of its fact, from 0.
pub const INDEX_HEADER: &str = "afterword-index";

/// A partition's number, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// A record's place in its partition, from 0. A position is the offset *next to read*, never the last one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    #[must_use]
    pub fn next(self) -> Offset {
        Offset(self.0 + 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record to be appended. A null key or value is `None`, as on Kafka; so is a header's null value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When it was made, in milliseconds since 1970, by its producer's clock or its fact's time.
    pub timestamp_ms: i64,
}

impl Record {
    /// A record with a key and a value and no headers.
    #[must_use]
    pub fn new(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, timestamp_ms: i64) -> Record {
        Record {
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
            timestamp_ms,
        }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Record {
        self.headers.push((name.to_owned(), Some(value.into())));
        self
    }

    /// The last header of this name, as [`RecordRef::header`](crate::RecordRef::header).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().rfind(|(found, _)| found == name)?;
        found.1.as_deref()
    }
}
