//! Traces of facts, when the configuration names a receiver: which facts are sampled, and how their spans get out.
//!
//! The engine and the projector only fill in what they did (`afterword-trace`). Here a fact gets its trace as it is appended
//! ([`log::TracedLog`]), and spans wait in a bounded queue for a thread that sends them ([`exporter`]). Nobody ever waits for
//! that thread: what has no room is dropped and counted.

mod exporter;
mod log;
mod messages;
mod otlp;

use std::sync::Arc;

use afterword_log::Log;
use afterword_trace::{Recorder, Span, Tracer};
use crossbeam_channel::{Sender, TrySendError, bounded};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::access::Access;
use crate::config::{Config, LogKind, TelemetryConfig};
use crate::failure::Failure;
use crate::service::register;
use exporter::Exporter;
use log::TracedLog;
use otlp::Resource;

/// Spans that wait to be sent, at most: some megabytes.
const QUEUE: usize = 8_192;

/// What became of spans.
#[derive(Clone)]
pub struct SpanMetrics {
    exported: IntCounter,
    dropped: IntCounterVec,
}

/// Why a span was dropped, as the metric's label says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    /// The queue was full.
    QueueFull,
    /// The receiver was not to be reached, or in no state to take it.
    Unreachable,
    /// The receiver would not have it.
    Refused,
}

impl SpanMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(registry: &Registry) -> Result<SpanMetrics, prometheus::Error> {
        let dropped = Opts::new(
            "afterword_spans_dropped_total",
            "Spans of traces that were not exported.",
        );
        let metrics = SpanMetrics {
            exported: register(
                registry,
                IntCounter::new(
                    "afterword_spans_exported_total",
                    "Spans of traces that the receiver has taken.",
                )?,
            )?,
            dropped: register(registry, IntCounterVec::new(dropped, &["reason"])?)?,
        };
        for reason in [Dropped::QueueFull, Dropped::Unreachable, Dropped::Refused] {
            metrics.drop(reason, 0);
        }
        Ok(metrics)
    }

    fn drop(&self, reason: Dropped, spans: u64) {
        let label = match reason {
            Dropped::QueueFull => "queue_full",
            Dropped::Unreachable => "unreachable",
            Dropped::Refused => "refused",
        };
        self.dropped.with_label_values(&[label]).inc_by(spans);
    }
}

/// The bounded way to the exporter.
struct Queue {
    spans: Sender<Span>,
    metrics: SpanMetrics,
}

impl Recorder for Queue {
    fn record(&self, span: Span) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.spans.try_send(span)
        {
            self.metrics.drop(Dropped::QueueFull, 1);
        }
    }
}

/// Traces of one process; off unless a receiver is configured.
pub struct Traces(Option<On>);

struct On {
    tracer: Tracer,
    sample_ratio: f64,
    exporter: Exporter,
}

impl Traces {
    /// Starts what exports them, if they are configured. The receiver is not asked for yet.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(config: &Config, metrics: &SpanMetrics) -> Result<Traces, Failure> {
        let Some(telemetry) = &config.telemetry else {
            return Ok(Traces(None));
        };
        let (spans, queue) = bounded(QUEUE);
        let resource = resource(config, telemetry);
        let exporter = Exporter::start(telemetry, resource, queue, metrics.clone())
            .map_err(|error| Failure::while_doing("starting the export of traces", error))?;
        let metrics = metrics.clone();
        Ok(Traces(Some(On {
            tracer: Tracer::to(Arc::new(Queue { spans, metrics })),
            sample_ratio: telemetry.sample_ratio,
            exporter,
        })))
    }

    /// For those who do a step of a fact.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.0
            .as_ref()
            .map(|on| on.tracer.clone())
            .unwrap_or_default()
    }

    /// The same log; where traces are on, facts that are appended through it get theirs.
    #[must_use]
    pub fn log(&self, log: Arc<dyn Log>) -> Arc<dyn Log> {
        match &self.0 {
            Some(on) => Arc::new(TracedLog::new(log, on.tracer.clone(), on.sample_ratio)),
            None => log,
        }
    }

    /// Sends what is left, if that is possible within a few seconds. Blocks so long.
    pub fn stop(self) {
        if let Some(on) = self.0 {
            on.exporter.stop();
        }
    }
}

/// Traces of a command that appends facts. Where a running service takes them, that service gives them their traces.
///
/// # Errors
/// As [`Traces::start`].
pub fn of_command(config: &Config, access: &Access) -> Result<Traces, Failure> {
    if access.is_service() {
        return Ok(Traces(None));
    }
    let metrics = SpanMetrics::new(&Registry::new());
    let metrics = metrics.map_err(|error| Failure::while_doing("registering metrics", error))?;
    Traces::start(config, &metrics)
}

fn resource(config: &Config, telemetry: &TelemetryConfig) -> Resource {
    Resource {
        service_name: telemetry.service_name.clone(),
        instance_id: uuid::Uuid::new_v4().to_string(),
        log: match config.log {
            LogKind::Embedded => otlp::LogSystem::Embedded,
            LogKind::Kafka => otlp::LogSystem::Kafka,
        },
    }
}
