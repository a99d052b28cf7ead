//! What a step records of its work, and who takes it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::context::{SpanId, TraceContext};

/// Bytes of a conversation id, at most: as long as one may be. A record that cannot be decoded may have any key.
const LONGEST_ID: usize = 256;

/// The steps of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Until the fact is durable in the log.
    Append,
    /// From reading the fact until its outputs are committed.
    Decide,
    /// From reading an output until it is in the report database and its scorecards are published.
    Project,
}

/// Where the record stands that a step worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub topic: &'static str,
    pub partition: u32,
    /// `None` where it never came into the log.
    pub offset: Option<u64>,
}

/// One step of one sampled fact, done. Has no text of anybody's and no id but the conversation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub context: TraceContext,
    pub parent: Option<SpanId>,
    pub step: Step,
    pub place: Place,
    /// The record's key.
    pub conversation_id: String,
    pub started: SystemTime,
    pub ended: SystemTime,
    /// What happened meanwhile, and when.
    pub events: Vec<(&'static str, SystemTime)>,
    /// What came of the step: names of topics.
    pub outputs: Vec<&'static str>,
    /// The class of what went wrong, if something did.
    pub error: Option<&'static str>,
}

impl Place {
    /// As the header `afterword-source` says it.
    #[must_use]
    pub fn name(&self) -> String {
        let offset = self.offset.unwrap_or_default();
        format!("{}/{}/{offset}", self.topic, self.partition)
    }
}

impl Span {
    /// A step that begins and ends at once; who makes it says the rest.
    #[must_use]
    pub fn new(
        context: TraceContext,
        parent: Option<SpanId>,
        (step, place): (Step, Place),
        key: Option<&[u8]>,
        started: SystemTime,
    ) -> Span {
        let key = key.unwrap_or_default();
        let key = &key[..key.len().min(LONGEST_ID)];
        Span {
            context,
            parent,
            step,
            place,
            conversation_id: String::from_utf8_lossy(key).into_owned(),
            started,
            ended: started,
            events: Vec::new(),
            outputs: Vec::new(),
            error: None,
        }
    }
}

/// Takes spans. A call must never block and never fail: what has no room is dropped and counted.
pub trait Recorder: Send + Sync {
    fn record(&self, span: Span);
}

/// Where a part of the program leaves its spans; by default nowhere, and then nothing is recorded and nothing looked at.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<dyn Recorder>>);

impl Tracer {
    /// A tracer that hands its spans to this recorder.
    #[must_use]
    pub fn to(recorder: Arc<dyn Recorder>) -> Tracer {
        Tracer(Some(recorder))
    }

    /// Whether anything is recorded at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands a span over.
    pub fn record(&self, span: Span) {
        if let Some(recorder) = &self.0 {
            recorder.record(span);
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() {
            "Tracer(on)"
        } else {
            "Tracer(off)"
        })
    }
}
