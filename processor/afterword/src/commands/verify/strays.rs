//! Records that nobody asked for: there again, out of order, unexpected, or newer than the proof.

use std::time::{Duration, Instant};

use afterword_log::{Batch, Bounds, Offset, Topic};

use super::found::{Cause, Found, cause};
use super::judging::{Judge, REMEMBERED};
use super::pass::text;
use super::reader::{Reader, Trouble, patiently};
use super::report::{Finding, Kind, OUTPUTS};

/// Late outputs for which the topic is read again, to tell what they are.
const LOOKED_UP: u32 = 20;

impl Judge<'_> {
    /// Reports the next record of a stream, which stands before its place, and takes it away.
    pub(super) fn early(&mut self, slot: usize, cause: Cause, before: Cause) {
        let Some(found) = self.streams[slot].take() else {
            return;
        };
        if self.early.len() < REMEMBERED {
            self.early.insert((slot, cause));
        }
        let detail = format!("it stands before an output of fact {}", before.offset);
        self.at(slot, Kind::OutOfOrder, cause, &found, detail);
    }

    /// Reports what is wrong with a record that nobody asked for.
    fn at(&mut self, slot: usize, kind: Kind, cause: Cause, found: &Found, detail: String) {
        self.report.add(Finding {
            kind,
            partition: self.partition,
            source: cause.offset,
            source_topic: Topic::ConversationEvents,
            index: cause.index,
            topic: OUTPUTS[slot],
            at: Some(found.at),
            conversation: text(found.record.key.as_deref()),
            detail,
        });
    }

    /// Reports the next record of a stream, which nobody expects, and takes it away.
    pub(super) fn stray(&mut self, slot: usize) -> Result<(), Trouble> {
        let Some(found) = self.streams[slot].take() else {
            return Ok(());
        };
        let last = self.streams[slot].last;
        if let Ok(cause) = found.cause
            && cause.offset < self.first
            && last < Some(cause)
        {
            // Of a fact that retention has removed.
            self.streams[slot].last = Some(cause);
            self.report.tally.unjudged += 1;
            return Ok(());
        }
        let (kind, cause, detail) = match found.cause.clone() {
            // It does not say whose it is: it is told beside its neighbour.
            Err(detail) => (Kind::Headers, last.unwrap_or_default(), detail),
            Ok(cause) => {
                let (kind, detail) = self.judge_stray(slot, cause, found.at)?;
                self.streams[slot].last = last.max(Some(cause));
                (kind, cause, detail)
            }
        };
        self.at(slot, kind, cause, &found, detail);
        Ok(())
    }

    fn judge_stray(
        &mut self,
        slot: usize,
        cause: Cause,
        at: Offset,
    ) -> Result<(Kind, String), Trouble> {
        let unexpected = || {
            let detail = "the fold of this fact gives no such output".to_owned();
            (Kind::Unexpected, detail)
        };
        let Some(last) = self.streams[slot].last.filter(|last| cause <= *last) else {
            return Ok(unexpected());
        };
        if self.missing.contains(&(slot, cause)) {
            let detail = format!("it stands behind an output of fact {}", last.offset);
            return Ok((Kind::OutOfOrder, detail));
        }
        if cause == last {
            let detail = "it is there again, right behind the first".to_owned();
            return Ok((Kind::Twice, detail));
        }
        self.looked_up += 1;
        let first = match self.looked_up > LOOKED_UP {
            true => None,
            false => self.first_of(slot, cause, at)?,
        };
        Ok(match first {
            Some(first) => (
                Kind::Twice,
                format!("it was there before, at offset {first}"),
            ),
            None => unexpected(),
        })
    }

    /// Where a record of the same cause stands before this one.
    fn first_of(&self, slot: usize, wanted: Cause, at: Offset) -> Result<Option<Offset>, Trouble> {
        let (topic, partition) = (OUTPUTS[slot], self.partition);
        let Bounds { start, .. } = patiently(|| self.log.bounds(topic, partition))?;
        let mut reader = Reader {
            log: self.log,
            topic,
            partition,
            next: start,
            end: at,
        };
        let mut batch = Batch::default();
        while reader.read(&mut batch)? {
            let first = batch.iter().find(|record| {
                matches!(cause(record), Ok((Topic::ConversationEvents, of, found)) if of == partition && found == wanted)
            });
            if let Some(first) = first {
                return Ok((first.offset < at).then_some(first.offset));
            }
        }
        Ok(None)
    }

    /// After the facts: outputs of facts from `end` on are newer than the proof, or stand where none may.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn rest(&mut self, end: Offset) -> Result<(), Trouble> {
        self.clear_before(end)?;
        let mut committed = patiently(|| self.log.committed(self.partition))?.unwrap_or_default();
        for slot in 0..OUTPUTS.len() {
            while let Some(found) = self.streams[slot].head()? {
                match &found.cause {
                    Ok(cause) if cause.offset >= end => {
                        let source = cause.offset;
                        self.newer(slot, source, &mut committed)?;
                    }
                    _ => self.stray(slot)?,
                }
            }
        }
        Ok(())
    }

    /// An output after the proof's end: the position that was committed since must be behind its fact.
    fn newer(
        &mut self,
        slot: usize,
        source: Offset,
        committed: &mut Offset,
    ) -> Result<(), Trouble> {
        let begun = Instant::now();
        while source >= *committed && begun.elapsed() < self.patience {
            std::thread::sleep(Duration::from_millis(50));
            *committed = patiently(|| self.log.committed(self.partition))?.unwrap_or_default();
        }
        self.report.tally.newer += 1;
        let Some(found) = self.streams[slot].take() else {
            return Ok(());
        };
        if source >= *committed {
            self.report.tally.newer -= 1;
            self.patience = Duration::ZERO;
            let cause = found.cause.clone().unwrap_or_default();
            let detail = format!(
                "it is there, and the committed position is {committed}: the fact would be folded once more"
            );
            self.at(slot, Kind::Ahead, cause, &found, detail);
        }
        Ok(())
    }
}
