//! Spans of sampled facts' outputs: from being read until the rows are committed and the scorecards published.

use std::collections::BTreeSet;
use std::time::SystemTime;

use afterword_log::{Partition, RecordRef, Topic};
use afterword_trace::{Span, Step, TRACEPARENT, Tracer, sampled};

use crate::output::Source;
use crate::positions::Place;

/// Spans that wait for a publication, at most. More end with their transaction.
const OPEN: usize = 1_000;

/// The spans of one projector.
pub(crate) struct Traced {
    tracer: Tracer,
    /// Committed, and their scorecards perhaps not published yet.
    open: Vec<Span>,
}

/// The span of an output that was read at this time, if its fact is sampled. Its parent is the engine's span of that fact.
pub(crate) fn begun(
    read_at: Option<SystemTime>,
    (topic, partition): Place,
    source: Source,
    record: &RecordRef<'_>,
) -> Option<Span> {
    let read_at = read_at?;
    let fact = sampled(record.header(TRACEPARENT)?)?;
    let at = |topic: Topic, offset| afterword_trace::Place {
        topic: topic.name(),
        partition: partition.0,
        offset: Some(offset),
    };
    let decided = fact.child(&at(Topic::ConversationEvents, source.offset).name());
    let place = at(topic, record.offset.0);
    let context = decided.child(&place.name());
    let step = (Step::Project, place);
    let parent = Some(decided.span_id);
    Some(Span::new(context, parent, step, record.key, read_at))
}

impl Traced {
    pub fn new(tracer: Tracer) -> Traced {
        Traced {
            tracer,
            open: Vec::new(),
        }
    }

    /// When a read begins, where spans are recorded.
    pub fn now(&self) -> Option<SystemTime> {
        self.tracer.is_on().then(SystemTime::now)
    }

    /// The transaction of these is committed, but for the partitions that were lost.
    pub fn committed(&mut self, spans: Vec<Span>, lost: &BTreeSet<Partition>) {
        if spans.is_empty() {
            return;
        }
        let now = SystemTime::now();
        for mut span in spans {
            if lost.contains(&Partition(span.place.partition)) {
                continue;
            }
            span.events.push(("committed", now));
            span.ended = now;
            match self.open.len() < OPEN {
                true => self.open.push(span),
                false => self.tracer.record(span),
            }
        }
    }

    /// Everything that was committed is published.
    pub fn published(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let now = SystemTime::now();
        for mut span in self.open.drain(..) {
            span.events.push(("published", now));
            span.ended = now;
            self.tracer.record(span);
        }
    }
}
