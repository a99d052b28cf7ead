//! Outputs as records: where they go, and the headers by which a consumer can tell a repetition.

use afterword_log::{
    INDEX_HEADER, OutputRecord, Partition, Record, RecordRef, SOURCE_HEADER, Topic,
};
use afterword_schemas::records::Output;
use afterword_schemas::{Framings, Record as _, encode};
use afterword_trace::{TRACEPARENT, TraceContext, sampled};

/// Headers that a dead letter carries beside those of the record it was.
pub mod dead {
    pub const TOPIC: &str = "afterword-dead-topic";
    pub const PARTITION: &str = "afterword-dead-partition";
    pub const OFFSET: &str = "afterword-dead-offset";
    pub const CLASS: &str = "afterword-dead-class";
    pub const ERROR: &str = "afterword-dead-error";
    pub const BUILD: &str = "afterword-dead-build";
}

/// Where the record that is being worked on stands.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub topic: Topic,
    pub partition: Partition,
    pub record: &'a RecordRef<'a>,
}

impl Source<'_> {
    fn header(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.record.offset)
    }

    /// The sampled trace that the fact belongs to, by its own header.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        sampled(self.record.header(TRACEPARENT)?)
    }
}

/// The record of an output. Its timestamp is that of the fact's record, and so is the trace it belongs to, so that the same log
/// gives the same bytes, whether traces are recorded here or not.
pub fn output_record(
    output: &Output,
    index: usize,
    source: &Source<'_>,
    framings: Framings,
) -> OutputRecord {
    let (topic, conversation_id) = match output {
        Output::EligibilityDecided(decided) => {
            (Topic::EligibilityDecided, &decided.conversation_id)
        }
        Output::RatingRequested(requested) => (Topic::RatingRequested, &requested.conversation_id),
        Output::RatingSubmitted(submitted) => (Topic::RatingSubmitted, &submitted.conversation_id),
        Output::AnswerRefused(refused) => (Topic::AnswerRefused, &refused.conversation_id),
    };
    let mut value = Vec::with_capacity(192);
    encode(output, framings.of(output.record_kind()), &mut value);
    let record = Record::new(
        conversation_id.as_bytes(),
        value,
        source.record.timestamp_ms,
    )
    .with_header(SOURCE_HEADER, source.header())
    .with_header(INDEX_HEADER, index.to_string());
    let record = match source.trace() {
        Some(context) => record.with_header(TRACEPARENT, context.to_string()),
        None => record,
    };
    OutputRecord { topic, record }
}

/// A record that could not be folded, byte for byte, with headers that say where it stood and what was wrong.
pub fn dead_letter(source: &Source<'_>, class: &str, error: &str, build: &str) -> OutputRecord {
    let record = source
        .record
        .to_record()
        .with_header(dead::TOPIC, source.topic.name())
        .with_header(dead::PARTITION, source.partition.to_string())
        .with_header(dead::OFFSET, source.record.offset.to_string())
        .with_header(dead::CLASS, class)
        .with_header(dead::ERROR, error)
        .with_header(dead::BUILD, build)
        .with_header(SOURCE_HEADER, source.header())
        .with_header(INDEX_HEADER, "0");
    OutputRecord {
        topic: Topic::DeadLetters,
        record,
    }
}
