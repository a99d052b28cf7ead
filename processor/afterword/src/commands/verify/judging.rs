//! Joining what is expected with what is there.

use std::collections::BTreeSet;
use std::time::Duration;

use afterword_log::{Log, Offset, Partition, RecordRef, Topic};
use afterword_schemas::DecodeError;
use afterword_schemas::records::{EligibilityDecided, Output, RatingRequested};

use super::codec::Codec;
use super::found::{Cause, Found, Stream};
use super::pass::{Held, Plan, of_fact};
use super::reader::Trouble;
use super::report::{Kind, OUTPUTS, Report};
use super::{across, compare};

const LETTERS: usize = 4;
/// Causes of outputs that are missing, or were there too early, that are remembered: to tell a late output from one that is
/// there again.
pub(super) const REMEMBERED: usize = 10_000;

/// What tells which settings judged a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgedBy {
    Version(i64),
    /// There is no decision.
    Unsaid,
    /// Retention may have removed the decision: nobody can tell any more.
    Removed,
}

/// Compares, and reports.
pub struct Judge<'a> {
    pub(super) log: &'a dyn Log,
    codec: Codec<'a>,
    pub(super) partition: Partition,
    /// The first fact that is kept.
    pub(super) first: Offset,
    pub(super) patience: Duration,
    pub(super) streams: [Stream<'a>; 5],
    pub report: Report,
    pub(super) missing: BTreeSet<(usize, Cause)>,
    /// What was told when it stood before its place.
    pub(super) early: BTreeSet<(usize, Cause)>,
    pub(super) looked_up: u32,
    scratch: Vec<u8>,
}

/// Where an output goes.
fn slot_of(output: &Output) -> usize {
    match output {
        Output::EligibilityDecided(_) => 0,
        Output::RatingRequested(_) => 1,
        Output::RatingSubmitted(_) => 2,
        Output::AnswerRefused(_) => 3,
    }
}

fn version_of<R>(decoded: Result<R, DecodeError>, version: impl FnOnce(R) -> i64) -> Option<i64> {
    decoded.ok().map(version)
}

impl<'a> Judge<'a> {
    pub fn new(plan: &Plan<'a>, streams: [Stream<'a>; 5]) -> Judge<'a> {
        Judge {
            log: plan.log,
            codec: plan.codec,
            partition: plan.partition,
            first: plan.facts.start,
            patience: plan.patience,
            streams,
            report: Report::new(plan.most),
            missing: BTreeSet::new(),
            early: BTreeSet::new(),
            looked_up: 0,
            scratch: Vec::new(),
        }
    }

    /// The dead letters.
    pub fn letters(&mut self) -> &mut Stream<'a> {
        &mut self.streams[LETTERS]
    }

    /// Reports a difference that belongs to a fact.
    pub fn tell(
        &mut self,
        kind: Kind,
        record: &RecordRef<'_>,
        index: usize,
        topic: Topic,
        detail: String,
    ) {
        let finding = of_fact(kind, self.partition, record, index, topic, detail);
        self.report.add(finding);
    }

    /// The version of the settings that judged a close, as its decision names it, or its request.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn judged_by(&mut self, source: Offset) -> Result<JudgedBy, Trouble> {
        let codec = self.codec;
        for slot in 0..2 {
            let head = self.streams[slot].head_patiently()?;
            let head =
                head.filter(|found| matches!(&found.cause, Ok(cause) if cause.offset == source));
            let Some(value) = head.and_then(|found| found.record.value.as_deref()) else {
                continue;
            };
            let store = codec.of_value(value)?;
            let version = match slot {
                0 => version_of(store.decode(value), |it: EligibilityDecided| {
                    it.settings_version
                }),
                _ => version_of(store.decode(value), |it: RatingRequested| {
                    it.settings_version
                }),
            };
            if let Some(version) = version {
                return Ok(JudgedBy::Version(version));
            }
        }
        Ok(match self.streams[0].kept_from {
            Some(kept_from) if source < kept_from => JudgedBy::Removed,
            _ => JudgedBy::Unsaid,
        })
    }

    /// Reports whatever stands before the outputs of this fact: nobody expects it.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn clear_before(&mut self, source: Offset) -> Result<(), Trouble> {
        for slot in 0..OUTPUTS.len() {
            while let Some(found) = self.streams[slot].head()? {
                if matches!(&found.cause, Ok(cause) if cause.offset >= source) {
                    break;
                }
                self.stray(slot)?;
            }
        }
        Ok(())
    }

    /// Takes the outputs of a fact away that nobody can judge.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn pass_over(&mut self, source: Offset) -> Result<(), Trouble> {
        for slot in 0..LETTERS {
            while let Some(found) = self.streams[slot].head()? {
                let Ok(cause) = found.cause else { break };
                let is_repeated = self.streams[slot].last == Some(cause);
                if cause.offset != source || is_repeated {
                    break;
                }
                self.streams[slot].take();
                self.streams[slot].last = Some(cause);
                self.report.tally.unjudged += 1;
            }
        }
        Ok(())
    }

    /// Joins the outputs of a fact with those that are there.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn outputs(
        &mut self,
        record: &RecordRef<'_>,
        expected: &[Output],
        held: &mut Held,
    ) -> Result<(), Trouble> {
        let (mut there, mut missing) = (0, Vec::new());
        for (index, output) in expected.iter().enumerate() {
            let slot = slot_of(output);
            let cause = Cause {
                offset: record.offset,
                index,
            };
            self.report.tally.expected[slot] += 1;
            match self.take(slot, cause)? {
                Some(found) => {
                    there += 1;
                    self.output(record, index, output, &found, held)?;
                }
                None => missing.push((slot, cause)),
            }
        }
        held.is_told |= !missing.is_empty();
        for (slot, cause) in missing {
            let (kind, detail) = match there {
                0 => (Kind::Missing, "it is not there"),
                _ => (
                    Kind::Torn,
                    "other outputs of the fact are there, this one is not",
                ),
            };
            self.missing(record, slot, cause, kind, detail.to_owned());
        }
        Ok(())
    }

    fn output(
        &mut self,
        record: &RecordRef<'_>,
        index: usize,
        expected: &Output,
        found: &Found,
        held: &mut Held,
    ) -> Result<(), Trouble> {
        let slot = slot_of(expected);
        let topic = OUTPUTS[slot];
        let (codec, scratch) = (self.codec, &mut self.scratch);
        let timestamp_ms = record.timestamp_ms;
        let mut differences =
            compare::output(codec, topic, expected, &found.record, timestamp_ms, scratch)?;
        differences.extend(compare::trace(record, &found.record));
        self.report.tally.proven[slot] += u64::from(differences.is_empty());
        held.is_told |= !differences.is_empty();
        self.differs(record, index, topic, found, &differences);
        if let Some((kind, detail)) = across::follow(held, record.offset, expected) {
            let mut finding = of_fact(kind, self.partition, record, index, topic, detail);
            finding.at = Some(found.at);
            self.report.add(finding);
        }
        Ok(())
    }

    /// Joins the dead letter that this record must have become with the one that is there.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn letter(&mut self, record: &RecordRef<'_>, class: &str) -> Result<(), Trouble> {
        let cause = Cause {
            offset: record.offset,
            index: 0,
        };
        self.report.tally.expected[LETTERS] += 1;
        let Some(found) = self.take(LETTERS, cause)? else {
            let detail = format!("the record is no fact ({class}), and no dead letter tells of it");
            self.missing(record, LETTERS, cause, Kind::Missing, detail);
            return Ok(());
        };
        let source = (Topic::ConversationEvents, self.partition);
        let differences = compare::letter(source, record, class, &found.record);
        self.report.tally.proven[LETTERS] += u64::from(differences.is_empty());
        self.differs(record, 0, Topic::DeadLetters, &found, &differences);
        Ok(())
    }

    fn differs(
        &mut self,
        record: &RecordRef<'_>,
        index: usize,
        topic: Topic,
        found: &Found,
        differences: &[String],
    ) {
        if differences.is_empty() {
            return;
        }
        let detail = differences.join("; ");
        let mut finding = of_fact(Kind::Differs, self.partition, record, index, topic, detail);
        finding.at = Some(found.at);
        self.report.add(finding);
    }

    /// The record of exactly this cause, after what stands before it and nobody expects.
    fn take(&mut self, slot: usize, wanted: Cause) -> Result<Option<Found>, Trouble> {
        while let Some(found) = self.streams[slot].head_patiently()? {
            match &found.cause {
                Ok(cause) if *cause == wanted => {
                    self.streams[slot].last = Some(wanted);
                    return Ok(self.streams[slot].take());
                }
                Ok(cause) if *cause > wanted => {
                    let early = *cause;
                    if !self.streams[slot].is_right_behind(wanted)? {
                        return Ok(None);
                    }
                    self.early(slot, early, wanted);
                }
                _ => self.stray(slot)?,
            }
        }
        Ok(None)
    }

    fn missing(
        &mut self,
        record: &RecordRef<'_>,
        slot: usize,
        cause: Cause,
        kind: Kind,
        detail: String,
    ) {
        let kept_from = self.streams[slot].kept_from;
        if kept_from.is_some_and(|kept_from| cause.offset < kept_from) {
            self.report.tally.unjudged += 1;
            return;
        }
        if self.early.remove(&(slot, cause)) {
            return;
        }
        if self.missing.len() < REMEMBERED {
            self.missing.insert((slot, cause));
        }
        self.tell(kind, record, cause.index, OUTPUTS[slot], detail);
    }
}
