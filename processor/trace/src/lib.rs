//! What a trace of a fact is, as plain data: where in which trace a record was made, how that stands in its header, and
//! what each step records of its own work. No I/O and no clock: whoever does a step says when, and a [`Recorder`] takes
//! what it says.
//!
//! A trace crosses the log in a fact's header `traceparent` (W3C Trace Context). Outputs carry the same header, so that they
//! stay a function of the log. The id of each step's span is derived from that header and from the place of the record that
//! the step worked on: nothing about a trace is drawn by lot after the append, and whoever comes later knows the id of the step before
//! without being told.

mod context;
mod span;

pub use context::{Parent, SpanId, TRACEPARENT, TraceContext, TraceId, parent, sampled};
pub use span::{Place, Recorder, Span, Step, Tracer};
