//! Exports as tables: the same columns as CSV and as Parquet.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use afterword_readmodel::figures::{ConversationClose, Rating};
use jiff::Timestamp;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(Option<String>),
    Integer(Option<i64>),
    /// Milliseconds since 1970.
    Time(Option<i64>),
    Flag(bool),
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Time,
    Flag,
}

/// A column's name and what it holds.
pub type Column = (&'static str, Kind);

/// The columns of ratings.
pub const RATINGS: &[Column] = &[
    ("request_id", Kind::Text),
    ("conversation_id", Kind::Text),
    ("customer_kind", Kind::Text),
    ("customer_id", Kind::Text),
    ("teammate_id", Kind::Text),
    ("channel", Kind::Text),
    ("requested_at", Kind::Time),
    ("first_rated_at", Kind::Time),
    ("rated_day", Kind::Text),
    ("submitted_at", Kind::Time),
    ("reaction", Kind::Text),
    ("comment", Kind::Text),
    ("revision", Kind::Integer),
    ("after_reopen", Kind::Flag),
    ("followed_up_by", Kind::Text),
    ("followed_up_at", Kind::Time),
];

/// The columns of decisions.
pub const DECISIONS: &[Column] = &[
    ("conversation_id", Kind::Text),
    ("decided_at", Kind::Time),
    ("decided_day", Kind::Text),
    ("requested", Kind::Flag),
    ("failed", Kind::Text),
    ("teammate_id", Kind::Text),
    ("request_id", Kind::Text),
    ("closed_by", Kind::Text),
    ("plan", Kind::Flag),
    ("live", Kind::Flag),
    ("audience", Kind::Text),
    ("customers", Kind::Integer),
    ("teammate_replied", Kind::Flag),
    ("characters", Kind::Integer),
    ("milliseconds_since_last_reply", Kind::Integer),
    ("origin", Kind::Text),
    ("already_requested", Kind::Flag),
    ("threshold_characters", Kind::Integer),
    ("threshold_milliseconds", Kind::Integer),
    ("settings_version", Kind::Integer),
];

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(Some(text.into()))
}

/// A rating in the order of [`RATINGS`].
pub fn rating(rating: Rating) -> Vec<Cell> {
    let (by, at) = rating.follow_up.map(|mark| (mark.by, mark.at)).unzip();
    vec![
        text(rating.request_id),
        text(rating.conversation_id),
        text(rating.customer.kind),
        text(rating.customer.id),
        text(rating.teammate_id),
        text(rating.channel),
        Cell::Time(Some(rating.requested_at)),
        Cell::Time(Some(rating.first_rated_at)),
        text(rating.rated_day),
        Cell::Time(Some(rating.submitted_at)),
        text(rating.reaction),
        Cell::Text(rating.comment),
        Cell::Integer(Some(rating.revision)),
        Cell::Flag(rating.after_reopen),
        Cell::Text(by),
        Cell::Time(at),
    ]
}

/// A decision in the order of [`DECISIONS`].
pub fn decision(close: ConversationClose) -> Vec<Cell> {
    let measured = close.measured;
    vec![
        text(close.conversation_id),
        Cell::Time(Some(close.decided_at)),
        text(close.day),
        Cell::Flag(close.requested),
        text(close.failed.join(" ")),
        Cell::Text(close.teammate_id),
        Cell::Text(close.request_id),
        text(measured.closed_by),
        Cell::Flag(measured.plan),
        Cell::Flag(measured.live),
        Cell::Text(measured.audience),
        Cell::Integer(Some(measured.customers)),
        Cell::Flag(measured.teammate_replied),
        Cell::Integer(Some(measured.characters)),
        Cell::Integer(measured.milliseconds_since_last_reply),
        text(measured.origin),
        Cell::Flag(measured.already_requested),
        Cell::Integer(Some(close.thresholds.characters)),
        Cell::Integer(Some(close.thresholds.milliseconds)),
        Cell::Integer(Some(close.settings_version)),
    ]
}

/// The first line of a CSV file.
pub fn csv_head(columns: &[Column], out: &mut Vec<u8>) {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    out.extend_from_slice(names.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A line of a CSV file (RFC 4180).
pub fn csv_line(cells: &[Cell], out: &mut Vec<u8>) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match cell {
            Cell::Text(Some(text)) => csv_text(text, out),
            Cell::Integer(Some(number)) => out.extend_from_slice(number.to_string().as_bytes()),
            Cell::Time(Some(at)) => out.extend_from_slice(time(*at).as_bytes()),
            Cell::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Cell::Text(None) | Cell::Integer(None) | Cell::Time(None) => {}
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| format!("{at:.3}"))
}

/// A text always in quotes; one that a spreadsheet would take for a formula begins with an apostrophe.
fn csv_text(text: &str, out: &mut Vec<u8>) {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    out.push(b'"');
    if text.trim_start_matches(' ').starts_with(FORMULA) {
        out.push(b'\'');
    }
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Bytes that were written and not yet sent.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    /// Takes them.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A Parquet file that is written row group by row group.
pub struct Parquet {
    writer: SerializedFileWriter<Sink>,
    columns: &'static [Column],
}

impl Parquet {
    /// Begins a file.
    pub fn new(columns: &'static [Column], sink: Sink) -> Result<Parquet, ParquetError> {
        let fields: Result<Vec<_>, _> = columns
            .iter()
            .map(|column| field(column).map(Arc::new))
            .collect();
        let schema = Type::group_type_builder("afterword")
            .with_fields(fields?)
            .build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties))?;
        Ok(Parquet { writer, columns })
    }

    /// Writes rows as one group.
    pub fn rows(&mut self, rows: &[Vec<Cell>]) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (index, (_, kind)) in self.columns.iter().enumerate() {
            column(&mut group, *kind, rows.iter().map(|row| &row[index]))?;
        }
        group.close()?;
        Ok(self.writer.flush()?)
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.writer.finish().map(drop)
    }
}

fn field((name, kind): &Column) -> Result<Type, ParquetError> {
    let (physical, logical, repetition) = match kind {
        Kind::Text => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::OPTIONAL,
        ),
        Kind::Integer => (Physical::INT64, None, Repetition::OPTIONAL),
        Kind::Time => {
            let milliseconds = LogicalType::timestamp(true, parquet::basic::TimeUnit::MILLIS);
            (Physical::INT64, Some(milliseconds), Repetition::OPTIONAL)
        }
        Kind::Flag => (Physical::BOOLEAN, None, Repetition::REQUIRED),
    };
    Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
}

fn column<'a>(
    group: &mut SerializedRowGroupWriter<'_, Sink>,
    kind: Kind,
    cells: impl Iterator<Item = &'a Cell>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "fewer columns than the schema has".to_owned(),
        ));
    };
    let (mut texts, mut numbers, mut flags, mut there) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let is_there = match cell {
            Cell::Text(Some(text)) => {
                texts.push(ByteArray::from(text.as_str()));
                true
            }
            Cell::Integer(Some(number)) | Cell::Time(Some(number)) => {
                numbers.push(*number);
                true
            }
            Cell::Flag(flag) => {
                flags.push(*flag);
                true
            }
            Cell::Text(None) | Cell::Integer(None) | Cell::Time(None) => false,
        };
        there.push(i16::from(is_there));
    }
    match kind {
        Kind::Text => column
            .typed::<ByteArrayType>()
            .write_batch(&texts, Some(&there), None)?,
        Kind::Integer | Kind::Time => {
            column
                .typed::<Int64Type>()
                .write_batch(&numbers, Some(&there), None)?
        }
        Kind::Flag => column.typed::<BoolType>().write_batch(&flags, None, None)?,
    };
    column.close()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn line(cells: &[Cell]) -> String {
        let mut out = Vec::new();
        csv_line(cells, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_text_becomes_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1", "＝1", "\n=1",
        ] {
            assert_eq!(
                line(&[super::text(text)]),
                format!("\"'{text}\"\r\n"),
                "{text:?}"
            );
        }
        assert_eq!(line(&[super::text("a=1")]), "\"a=1\"\r\n");
    }

    #[test]
    fn lines_are_csv() {
        let cells = [
            super::text("a \"b\", c\nd"),
            Cell::Text(None),
            Cell::Integer(Some(-5)),
            Cell::Time(Some(1_774_699_200_000)),
            Cell::Flag(true),
        ];
        assert_eq!(
            line(&cells),
            "\"a \"\"b\"\", c\nd\",,-5,2026-03-28T12:00:00.000Z,true\r\n"
        );
    }
}
