//! What the topics of outputs show, beside what was committed.
//!
//! A transaction is all or nothing as long as its coordinator marks every partition of it. A broker that has a partition to
//! itself and is killed meanwhile was seen (Kafka 4.3.1) to forget some of the marks of a transaction that it had decided. So
//! each meta record says which output was the last of each topic, and whoever takes a partition over looks at the
//! topics: an output that is there is not written again, and one that is missing is found among what was never marked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::client::Consumer;
use super::cursor::{self, Cursor};
use super::producer::SWEEP_KEY;
use super::task::Ownership;
use crate::batch::RecordRef;
use crate::coding::{CodingError, Reader, put_varint};
use crate::commit::OutputRecord;
use crate::error::LogError;
use crate::record::{INDEX_HEADER, Offset, Partition, Record, SOURCE_HEADER};
use crate::topic::{Bounds, Topic};

/// Every topic that a task's transactions write to, beside its changelog.
pub(super) const OUTPUTS: [Topic; 5] = [
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::EligibilityDecided,
    Topic::AnswerRefused,
    Topic::DeadLetters,
];
/// How far back the last output of a topic is looked for at first, and by what that grows.
const FIRST_LOOK: u64 = 16;
const FURTHER: u64 = 16;

/// An output's place among all of its partition: the fact that caused it, and its place among that fact's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub source: Offset,
    pub index: u64,
}

impl Place {
    fn of<'a>(header: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Place> {
        let text = |name| std::str::from_utf8(header(name)?).ok();
        let source = text(SOURCE_HEADER)?.rsplit('/').next()?.parse().ok()?;
        let index = text(INDEX_HEADER)?.parse().ok()?;
        let source = Offset(source);
        Some(Place { source, index })
    }
}

/// One topic's outputs, as one group wrote them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    /// Where this group's outputs begin: before it lies what another one wrote.
    since: Offset,
    last: Option<Place>,
}

/// The last output of each topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written([Line; OUTPUTS.len()]);

impl Written {
    /// Takes note of an output that is to be written; false when it has been already.
    pub(super) fn take(&mut self, output: &OutputRecord) -> bool {
        let topic = OUTPUTS.iter().position(|topic| *topic == output.topic);
        let place = Place::of(|name| output.record.header(name));
        let (Some(topic), Some(place)) = (topic, place) else {
            return true;
        };
        let line = &mut self.0[topic];
        let is_new = line.last.is_none_or(|last| last < place);
        if is_new {
            line.last = Some(place);
        }
        is_new
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for line in &self.0 {
            put_varint(out, line.since.0);
            match line.last {
                None => put_varint(out, 0),
                Some(place) => {
                    put_varint(out, place.source.0 + 1);
                    put_varint(out, place.index);
                }
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Written, CodingError> {
        let mut written = Written::default();
        for line in &mut written.0 {
            line.since = Offset(reader.varint()?);
            line.last = match reader.varint()?.checked_sub(1) {
                None => None,
                Some(source) => Some(Place {
                    source: Offset(source),
                    index: reader.varint()?,
                }),
            };
        }
        Ok(written)
    }
}

/// One topic as whoever reads what is committed sees it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    bounds: Bounds,
    /// Looked through from here to the end.
    from: Offset,
    last: Option<(Place, Offset)>,
}

/// What all of them show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown([Seen; OUTPUTS.len()]);

impl Shown {
    /// Whether each topic ends with what was written last, or was cut short by its retention.
    pub(super) fn is(&self, written: &Written) -> bool {
        let mut pairs = self.0.iter().zip(&written.0);
        pairs.all(|(seen, line)| match seen.last {
            Some((place, _)) => Some(place) == line.last,
            None => line.last.is_none() || line.since < seen.bounds.start,
        })
    }
}

/// How what is shown stands to what was committed.
pub(super) enum Agreement {
    /// From now on this is written.
    Reached(Written),
    /// These were committed and are not shown.
    Missing(Vec<(Topic, Record)>),
}

/// The topics of outputs, one partition of each.
pub(super) struct Outputs<'a> {
    /// Sees what is committed.
    pub consumer: &'a Arc<Consumer>,
    pub partition: Partition,
    pub ownership: &'a Ownership,
}

impl Outputs<'_> {
    /// The last output that each topic shows. Look only when the former owner is fenced.
    ///
    /// # Errors
    /// `Wait` when no broker answers, `GiveUp` when the partition is revoked meanwhile.
    pub(super) fn look(&self, written: Option<&Written>) -> Result<Shown, LogError> {
        let mut seen = Vec::with_capacity(OUTPUTS.len());
        for topic in OUTPUTS {
            let bounds = cursor::bounds(self.consumer, topic.name(), self.partition)?;
            seen.push(Seen {
                bounds,
                from: bounds.end,
                last: None,
            });
        }
        let Ok(seen) = <[Seen; OUTPUTS.len()]>::try_from(seen) else {
            return Err(LogError::StartOver("a topic was not looked at".to_owned()));
        };
        let mut shown = Shown(seen);
        let Some(written) = written else {
            return Ok(shown);
        };
        for (seen, line) in shown.0.iter_mut().zip(&written.0) {
            // A topic that is shorter than it was has been made anew.
            if line.since <= seen.bounds.end {
                seen.bounds.start = seen.bounds.start.max(line.since);
            }
        }
        self.find_last(&mut shown)?;
        Ok(shown)
    }

    /// Reads all topics at once, further and further back, since a broker lets a reader at the end wait a while.
    fn find_last(&self, shown: &mut Shown) -> Result<(), LogError> {
        let mut look = FIRST_LOOK;
        loop {
            let mut open = Vec::new();
            for (topic, seen) in OUTPUTS.iter().zip(&mut shown.0) {
                let Bounds { start, end } = seen.bounds;
                if seen.last.is_some() || seen.from <= start {
                    continue;
                }
                seen.from = Offset(end.0.saturating_sub(look)).max(start);
                let cursor = Cursor::open(self.consumer, topic.name(), self.partition, seen.from)?;
                open.push((cursor, seen));
            }
            if open.is_empty() {
                return Ok(());
            }
            for (cursor, seen) in &mut open {
                let end = seen.bounds.end;
                cursor.read_to(end, self.ownership, |batch, _| {
                    for record in batch.iter().filter(|record| record.offset < end) {
                        let place = Place::of(|name| record.header(name));
                        seen.last = place.map(|place| (place, record.offset)).or(seen.last);
                    }
                    Ok(())
                })?;
            }
            look = look.saturating_mul(FURTHER);
        }
    }

    /// Holds what is shown against what was committed; `None` when nothing was that says so. `everything` makes a consumer that
    /// sees what is not committed, too.
    ///
    /// # Errors
    /// As [`Outputs::look`].
    pub(super) fn agree(
        &self,
        written: Option<&Written>,
        shown: &Shown,
        everything: impl Fn() -> Result<Arc<Consumer>, LogError>,
    ) -> Result<Agreement, LogError> {
        let mut lines = [Line::default(); OUTPUTS.len()];
        let mut missing = Vec::new();
        for (index, (topic, seen)) in OUTPUTS.iter().zip(&shown.0).enumerate() {
            let last = seen.last.map(|(place, _)| place);
            let Some(line) = written.map(|written| written.0[index]) else {
                // Nothing is known of what lies there.
                lines[index].since = seen.bounds.end;
                continue;
            };
            lines[index] = Line {
                since: line.since.min(seen.bounds.end),
                last: last.max(line.last),
            };
            if last > line.last {
                tracing::warn!(
                    %topic,
                    partition = self.partition.0,
                    "outputs are there of which the changelog knows nothing: a broker forgot a commit on it; they are not repeated"
                );
            }
            if let Some(upto) = line.last.filter(|upto| last < Some(*upto)) {
                let found =
                    self.find_forgotten(*topic, seen, (line.since, upto), &everything()?)?;
                missing.extend(found.into_iter().map(|record| (*topic, record)));
            }
        }
        Ok(match missing.is_empty() {
            true => Agreement::Reached(Written(lines)),
            false => Agreement::Missing(missing),
        })
    }

    /// The outputs after the last one shown and up to the last one committed, among what was written and never marked as
    /// committed. What several owners tried to write is told apart by their sweeps; the latest that came so far did commit it.
    fn find_forgotten(
        &self,
        topic: Topic,
        seen: &Seen,
        (since, upto): (Offset, Place),
        everything: &Arc<Consumer>,
    ) -> Result<Vec<Record>, LogError> {
        let (after, from) = match seen.last {
            Some((place, offset)) => (Some(place), offset.next()),
            None => (None, seen.bounds.start),
        };
        let end = cursor::bounds(everything, topic.name(), self.partition)?.end;
        let mut forgotten = Vec::new();
        let mut tried = BTreeMap::new();
        let mut close = |tried: &mut BTreeMap<Place, Record>| {
            let tried = std::mem::take(tried);
            if tried.contains_key(&upto) {
                forgotten = tried.into_values().collect();
            }
        };
        if from < end {
            let mut cursor = Cursor::open(everything, topic.name(), self.partition, from)?;
            cursor.read_to(end, self.ownership, |batch, _| {
                for record in batch.iter() {
                    match place_tried(&record) {
                        Tried::Swept => close(&mut tried),
                        Tried::Output(place) if Some(place) > after && place <= upto => {
                            tried.insert(place, record.to_record());
                        }
                        Tried::Output(_) | Tried::Other => {}
                    }
                }
                Ok(())
            })?;
        }
        close(&mut tried);
        if forgotten.is_empty() && seen.bounds.start <= since {
            tracing::error!(
                %topic,
                partition = self.partition.0,
                "outputs up to that of fact {} were committed and are lost; `afterword verify` names them",
                upto.source
            );
        }
        Ok(forgotten)
    }
}

enum Tried {
    Swept,
    Output(Place),
    Other,
}

fn place_tried(record: &RecordRef<'_>) -> Tried {
    match Place::of(|name| record.header(name)) {
        _ if record.key == Some(SWEEP_KEY) => Tried::Swept,
        Some(place) => Tried::Output(place),
        None => Tried::Other,
    }
}
