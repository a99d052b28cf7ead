//! Spans as OpenTelemetry has them: OTLP's messages, with the semantic conventions for messaging.

use std::time::{SystemTime, UNIX_EPOCH};

use afterword_trace::{Span, Step};

use super::messages::{
    AnyValue, ArrayValue, Event, ExportTraceServiceRequest, KeyValue, Resource as ResourceMessage,
    ResourceSpans, Scope, ScopeSpans, Span as SpanMessage, SpanKind, Status, StatusCode, Value,
};
use crate::version;

/// Of the flags of a span: its trace is sampled.
const SAMPLED: u32 = 1;

/// Which log the spans tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSystem {
    Embedded,
    Kafka,
}

/// Who tells.
#[derive(Clone, Debug)]
pub struct Resource {
    pub service_name: String,
    /// Another at each start.
    pub instance_id: String,
    pub log: LogSystem,
}

impl Resource {
    /// What is sent of these spans.
    #[must_use]
    pub fn request(&self, spans: &[Span]) -> ExportTraceServiceRequest {
        let attributes = [
            ("service.name", self.service_name.clone()),
            ("service.version", version::VERSION.to_owned()),
            ("service.instance.id", self.instance_id.clone()),
        ];
        let scope = Scope {
            name: "afterword".to_owned(),
            version: version::VERSION.to_owned(),
        };
        let spans = spans.iter().map(|span| message(span, self.log));
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(ResourceMessage {
                    attributes: attributes.map(|(key, text)| of_text(key, text)).into(),
                }),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans: spans.collect(),
                }],
            }],
        }
    }
}

/// The step's name, what kind of operation that is to others, and which end of the log it stands at.
fn of_step(step: Step) -> (&'static str, &'static str, SpanKind) {
    match step {
        Step::Append => ("append", "send", SpanKind::Producer),
        Step::Decide => ("decide", "process", SpanKind::Consumer),
        Step::Project => ("project", "process", SpanKind::Consumer),
    }
}

fn message(span: &Span, log: LogSystem) -> SpanMessage {
    let (operation, _, kind) = of_step(span.step);
    let event = |(name, at): &(&'static str, SystemTime)| Event {
        time_unix_nano: nanoseconds(*at),
        name: (*name).to_owned(),
    };
    SpanMessage {
        trace_id: span.context.trace_id.0.to_vec(),
        span_id: span.context.span_id.0.to_vec(),
        parent_span_id: span.parent.map(|id| id.0.to_vec()).unwrap_or_default(),
        flags: SAMPLED,
        name: format!("{operation} {}", span.place.topic),
        kind: kind as i32,
        start_time_unix_nano: nanoseconds(span.started),
        // A clock that was set back would make it end before it began.
        end_time_unix_nano: nanoseconds(span.ended.max(span.started)),
        attributes: attributes(span, log),
        events: span.events.iter().map(event).collect(),
        status: span.error.map(|class| Status {
            message: class.to_owned(),
            code: StatusCode::Error as i32,
        }),
    }
}

fn attributes(span: &Span, log: LogSystem) -> Vec<KeyValue> {
    let (operation, operation_type, _) = of_step(span.step);
    let (system, offset) = match log {
        LogSystem::Embedded => ("afterword", "afterword.offset"),
        LogSystem::Kafka => ("kafka", "messaging.kafka.offset"),
    };
    let texts = [
        ("messaging.system", system.to_owned()),
        ("messaging.operation.name", operation.to_owned()),
        ("messaging.operation.type", operation_type.to_owned()),
        ("messaging.destination.name", span.place.topic.to_owned()),
        (
            "messaging.destination.partition.id",
            span.place.partition.to_string(),
        ),
        (
            "messaging.message.conversation_id",
            span.conversation_id.clone(),
        ),
    ];
    let mut attributes: Vec<KeyValue> = texts.map(|(key, text)| of_text(key, text)).into();
    if let Some(number) = span.place.offset.and_then(|at| i64::try_from(at).ok()) {
        attributes.push(of(offset, Value::Number(number)));
    }
    if span.step == Step::Decide {
        let names = span.outputs.iter().map(|name| AnyValue {
            value: Some(Value::Text((*name).to_owned())),
        });
        let values = names.collect();
        attributes.push(of("afterword.outputs", Value::Array(ArrayValue { values })));
    }
    if let Some(class) = span.error {
        attributes.push(of_text("error.type", class.to_owned()));
    }
    attributes
}

fn of_text(key: &str, text: String) -> KeyValue {
    of(key, Value::Text(text))
}

fn of(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    }
}

fn nanoseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
