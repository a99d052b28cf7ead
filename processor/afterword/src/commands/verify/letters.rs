//! Settings that are refused become dead letters too: those of partition 0 tell of them, beside its own.

use std::time::Duration;

use afterword_log::{Log, Offset, Partition, RecordRef, Topic};

use super::codec::Codec;
use super::compare;
use super::found::{Cause, Found, Stream};
use super::pass::text;
use super::reader::{Bucket, Reader, Trouble};
use super::report::{Finding, Kind, OUTPUTS, Report};
use super::settings;

const FIRST: Partition = Partition(0);

/// Joins the refused records of the settings topic with the dead letters that tell of them. Those before `read_below` were
/// certainly read by the task.
///
/// # Errors
/// When a topic cannot be read.
pub fn judge(
    log: &dyn Log,
    codec: Codec<'_>,
    read_below: Offset,
    most: usize,
) -> Result<Report, Trouble> {
    let bounds = log.bounds(Topic::DeadLetters, FIRST)?;
    let reader = Reader {
        log,
        topic: Topic::DeadLetters,
        partition: FIRST,
        next: bounds.start,
        end: bounds.end,
    };
    let bucket = Bucket { index: 0, of: 1 };
    let source = Topic::WorkspaceSettings;
    let mut letters = Letters {
        stream: Stream::new(reader, source, bounds, bucket, Duration::ZERO),
        report: Report::new(most),
    };
    settings::refused(log, codec, |refused| {
        letters.refused(&refused.record, refused.class, read_below)
    })?;
    while letters.stream.head()?.is_some() {
        letters.stray();
    }
    Ok(letters.report)
}

struct Letters<'a> {
    stream: Stream<'a>,
    report: Report,
}

impl Letters<'_> {
    fn refused(
        &mut self,
        record: &RecordRef<'_>,
        class: &str,
        read_below: Offset,
    ) -> Result<(), Trouble> {
        let slot = OUTPUTS.len() - 1;
        let cause = Cause {
            offset: record.offset,
            index: 0,
        };
        while let Some(found) = self.stream.head()? {
            match &found.cause {
                Ok(found) if *found > cause => break,
                Ok(found) if *found == cause => {
                    self.report.tally.expected[slot] += 1;
                    self.stream.last = Some(cause);
                    if let Some(found) = self.stream.take() {
                        self.compare(record, class, &found);
                    }
                    return Ok(());
                }
                _ => self.stray(),
            }
        }
        let is_removed = self
            .stream
            .kept_from
            .is_some_and(|kept| record.offset < kept);
        let is_told_behind = self.stream.head()?.is_some();
        if is_removed {
            self.report.tally.unjudged += 1;
        } else if is_told_behind || record.offset < read_below {
            self.report.tally.expected[slot] += 1;
            let detail = "this version is refused, and no dead letter tells of it".to_owned();
            self.add(Kind::Missing, cause, None, text(record.key), detail);
        } else {
            // No task may have read it yet.
            self.report.tally.newer += 1;
        }
        Ok(())
    }

    fn compare(&mut self, record: &RecordRef<'_>, class: &str, found: &Found) {
        let source = (Topic::WorkspaceSettings, FIRST);
        let differences = compare::letter(source, record, class, &found.record);
        self.report.tally.proven[OUTPUTS.len() - 1] += u64::from(differences.is_empty());
        let cause = self.stream.last.unwrap_or_default();
        if !differences.is_empty() {
            let detail = differences.join("; ");
            self.add(
                Kind::Differs,
                cause,
                Some(found.at),
                text(record.key),
                detail,
            );
        }
    }

    fn stray(&mut self) {
        let last = self.stream.last;
        let Some(found) = self.stream.take() else {
            return;
        };
        let (kind, cause, detail) = match found.cause.clone() {
            Err(detail) => (Kind::Headers, last.unwrap_or_default(), detail),
            Ok(cause) if last == Some(cause) => {
                let detail = "it is there again, right behind the first".to_owned();
                (Kind::Twice, cause, detail)
            }
            Ok(cause) if last > Some(cause) => {
                let detail = "it is there again, or behind its place".to_owned();
                (Kind::OutOfOrder, cause, detail)
            }
            // It was registered later.
            Ok(cause) if compare::class(&found.record) == Some("unknown_schema") => {
                let detail = "its schema is known by now".to_owned();
                (Kind::SetAside, cause, detail)
            }
            Ok(cause) => {
                let detail = "this version of the settings is not refused".to_owned();
                (Kind::Unexpected, cause, detail)
            }
        };
        self.stream.last = last.max(Some(cause));
        let key = text(found.record.key.as_deref());
        self.add(kind, cause, Some(found.at), key, detail);
    }

    fn add(
        &mut self,
        kind: Kind,
        cause: Cause,
        at: Option<Offset>,
        key: Option<String>,
        detail: String,
    ) {
        self.report.add(Finding {
            kind,
            partition: FIRST,
            source: cause.offset,
            source_topic: Topic::WorkspaceSettings,
            index: cause.index,
            topic: Topic::DeadLetters,
            at,
            conversation: key,
            detail,
        });
    }
}
