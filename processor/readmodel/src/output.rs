//! Outputs as they are read from the log: decoded, with the fact that caused each, and repetitions passed over.

use std::time::SystemTime;

use afterword_log::kafka::Defence;
use afterword_log::{Batch, INDEX_HEADER, Log, Offset, Partition, RecordRef, SOURCE_HEADER, Topic};
use afterword_schemas::records::{Output, WorkspaceSettings};
use afterword_schemas::{SchemaStore, Schemas, limits};
use afterword_trace::Span;
use tracing::warn;

use crate::error::ReadModelError;
use crate::positions::{Applied, Place, Position};
use crate::traced;

const AUTHOR_HEADER: &str = "afterword-by";

/// The fact that caused an output, always one of `conversation-events`, and the output's place among that fact's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub partition: u32,
    pub offset: u64,
    pub index: u32,
}

/// An output, its source, and where it was read.
#[derive(Clone, Debug)]
pub(crate) struct Sourced {
    pub output: Output,
    pub source: Source,
    pub topic: Topic,
    pub at: Offset,
}

/// What one read of a topic partition gave.
#[derive(Debug, Default)]
pub(crate) struct OutputsRead {
    pub outputs: Vec<Sourced>,
    pub repeated: u64,
    /// Of outputs of sampled facts, begun when they were read.
    pub spans: Vec<Span>,
    /// Where this topic partition stands once the outputs are applied.
    pub position: Position,
}

/// A version of settings as it stands in the log.
#[derive(Clone, Debug)]
pub(crate) struct SettingsRecord {
    pub at: Offset,
    /// By the clock of who appended it.
    pub appended_at: i64,
    /// The header `afterword-by`, where there is one.
    pub appended_by: Option<String>,
    pub settings: WorkspaceSettings,
}

/// What was read of the settings.
#[derive(Debug, Default)]
pub(crate) struct SettingsRead {
    pub versions: Vec<SettingsRecord>,
    pub undecodable: u64,
    pub position: Position,
}

/// Where an output was read and what caused it, for messages.
pub(crate) fn place(topic: Topic, at: Offset, source: Source) -> String {
    let Source {
        partition, offset, ..
    } = source;
    format!("{topic} {partition} offset {at} (of conversation-events {partition} offset {offset})")
}

/// Our own outputs are not input: one that cannot be read was written by a newer build, or the log is damaged. Passing over
/// it would make the reports wrong for good, as its position would be left behind; stopping costs nothing but time, since
/// everything stays in the log until a build that can read it goes on from the same position. So the law that bad *input* never
/// stops a partition does not apply here, and does to the settings, which anybody may write.
fn unreadable(place: Place, at: Offset, why: impl std::fmt::Display) -> ReadModelError {
    let (topic, partition) = place;
    ReadModelError::Stop(format!(
        "{topic} {partition} offset {at} cannot be read ({why}): if a newer build wrote it, run that build's projector; \
         it goes on from here"
    ))
}

/// Reads `topic/partition/offset` and the index of an output's headers.
fn source_of<'a>(record: &RecordRef<'a>) -> Option<(&'a str, Source)> {
    let header = |name: &str| {
        std::str::from_utf8(record.header(name).unwrap_or_default()).unwrap_or_default()
    };
    let source = record.header(SOURCE_HEADER)?;
    let mut parts = std::str::from_utf8(source).ok()?.splitn(3, '/');
    let topic = parts.next()?;
    let partition = parts.next()?.parse().ok()?;
    let offset = parts.next()?.parse().ok()?;
    let index = header(INDEX_HEADER).parse().ok()?;
    Some((
        topic,
        Source {
            partition,
            offset,
            index,
        },
    ))
}

fn checked_source(place: Place, record: &RecordRef<'_>) -> Result<Source, ReadModelError> {
    let expected = Topic::ConversationEvents.name();
    match source_of(record) {
        Some((topic, source)) if topic == expected && source.partition == place.1.0 => Ok(source),
        found => {
            let found = found.map(|(topic, source)| format!("{topic}/{}", source.partition));
            let why = format!(
                "expected headers {SOURCE_HEADER}: {expected}/{}/… and {INDEX_HEADER}, found {found:?}",
                place.1
            );
            Err(unreadable(place, record.offset, why))
        }
    }
}

fn decode(topic: Topic, schemas: &SchemaStore, value: &[u8]) -> Result<Output, String> {
    let output = match topic {
        Topic::RatingRequested => schemas.decode(value).map(Output::RatingRequested),
        Topic::RatingSubmitted => schemas.decode(value).map(Output::RatingSubmitted),
        Topic::EligibilityDecided => schemas.decode(value).map(Output::EligibilityDecided),
        Topic::AnswerRefused => schemas.decode(value).map(Output::AnswerRefused),
        other => return Err(format!("{other} holds no outputs")),
    };
    output.map_err(|error| error.to_string())
}

/// Where to read on. Offsets have gaps, and a log may know that nothing comes right after the last record, or that there was
/// none to be had at all (on Kafka the markers of transactions take offsets): so the batch says it, not its records.
fn after(batch: &Batch, from: Offset) -> Offset {
    batch.next().unwrap_or(from).max(from)
}

/// Reads and decodes the outputs of a topic partition after its position. With a time, spans begin at it.
pub(crate) fn read_outputs(
    log: &dyn Log,
    schemas: &Schemas,
    place: Place,
    position: &Position,
    max_bytes: usize,
    read_at: Option<SystemTime>,
    batch: &mut Batch,
) -> Result<OutputsRead, ReadModelError> {
    let (topic, partition) = place;
    log.read(topic, partition, position.next, max_bytes, batch)?;
    let mut read = OutputsRead {
        outputs: Vec::with_capacity(batch.len()),
        repeated: 0,
        spans: Vec::new(),
        position: *position,
    };
    let known = schemas.for_values(batch.iter().filter_map(|record| record.value))?;
    read.position.next = after(batch, position.next);
    for record in batch.iter() {
        let source = checked_source(place, &record)?;
        let applied: Applied = (source.offset, source.index);
        let is_repeated = read.position.applied.is_some_and(|last| applied <= last);
        if is_repeated && !Defence::DedupByHeaders.is_off() {
            read.repeated += 1;
            continue;
        }
        let output = decode(topic, &known, record.value.unwrap_or_default())
            .map_err(|why| unreadable(place, record.offset, why))?;
        read.position.applied = Some(applied);
        read.spans
            .extend(traced::begun(read_at, place, source, &record));
        read.outputs.push(Sourced {
            output,
            source,
            topic,
            at: record.offset,
        });
    }
    Ok(read)
}

/// Who appended a version, if its record says so.
fn author(record: &RecordRef<'_>) -> Option<String> {
    let by = std::str::from_utf8(record.header(AUTHOR_HEADER)?).ok()?;
    limits::check_id(by).ok().map(|()| by.to_owned())
}

/// Reads the settings after their position, adds them, and says whether the position moved. What is no settings record is passed
/// over, counted and told: anybody may write there, and nothing that could be reported is lost. Only one of an unknown schema
/// stops the projection, because a registry or a newer build can still make sense of it.
pub(crate) fn read_settings(
    log: &dyn Log,
    schemas: &Schemas,
    read: &mut SettingsRead,
    max_bytes: usize,
    batch: &mut Batch,
) -> Result<bool, ReadModelError> {
    let place = (Topic::WorkspaceSettings, Partition(0));
    let from = read.position.next;
    log.read(place.0, place.1, from, max_bytes, batch)?;
    let known = schemas.for_values(batch.iter().filter_map(|record| record.value))?;
    read.position.next = after(batch, from);
    for record in batch.iter() {
        let at = record.offset;
        // A tombstone: compaction forgot a version. What was projected of it stays.
        let Some(value) = record.value else { continue };
        match known.decode::<WorkspaceSettings>(value) {
            Ok(settings) => read.versions.push(SettingsRecord {
                at,
                appended_at: record.timestamp_ms,
                appended_by: author(&record),
                settings,
            }),
            Err(error) if error.unknown_schema().is_some() => {
                return Err(unreadable(place, at, error));
            }
            Err(error) => {
                read.undecodable += 1;
                warn!(offset = at.0, %error, "a record of workspace-settings was passed over");
            }
        }
    }
    Ok(read.position.next > from)
}
