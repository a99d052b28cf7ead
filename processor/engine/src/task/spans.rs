//! Spans of sampled facts: from being read until their commit is durable. Nothing here changes an output.

use std::time::SystemTime;

use afterword_log::{PartitionLog, RecordRef};
use afterword_trace::{Place, Span, Step};

use super::Task;

impl<L: PartitionLog> Task<L> {
    /// A batch was read.
    pub(super) fn note_read(&mut self) {
        self.read_at = self.options.tracer.is_on().then(SystemTime::now);
    }

    /// This fact has been folded, with the outputs behind so many others, if its trace is recorded at all.
    pub(super) fn trace(
        &mut self,
        record: &RecordRef<'_>,
        outputs_before: usize,
        error: Option<&'static str>,
    ) {
        let source = self.source(record);
        let (Some(parent), Some(read_at)) = (source.trace(), self.read_at) else {
            return;
        };
        let place = Place {
            topic: source.topic.name(),
            partition: source.partition.0,
            offset: Some(record.offset.0),
        };
        let context = parent.child(&place.name());
        let step = (Step::Decide, place);
        let mut span = Span::new(context, Some(parent.span_id), step, record.key, read_at);
        span.events.push(("folded", SystemTime::now()));
        let outputs = self.pending.outputs.iter().skip(outputs_before);
        span.outputs = outputs.map(|output| output.topic.name()).collect();
        span.error = error;
        self.pending.spans.push(span);
    }

    /// What these spans tell of is durable.
    pub(super) fn hand_over(&self, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let now = SystemTime::now();
        for mut span in spans {
            span.events.push(("committed", now));
            span.ended = now;
            self.options.tracer.record(span);
        }
    }
}
