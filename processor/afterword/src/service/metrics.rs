//! The metrics of a process, but for those that the engine and the listeners keep themselves.

use std::sync::{Arc, Mutex};

use afterword_deliver::DeliverMetrics;
use afterword_engine::EngineMetrics;
use afterword_log::{EmbeddedObserver, GroupWritten, Topic};
use afterword_readmodel::ProjectorSnapshot;
use afterword_web::access::AccessMetrics;
use afterword_web::sources::SourceMetrics;
use afterword_web::{HttpMetrics, SurveyMetrics};
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::process::ProcessMetrics;
use crate::traces::SpanMetrics;
use crate::version;

/// All of them.
pub struct Metrics {
    pub registry: Registry,
    pub engine: Arc<EngineMetrics>,
    pub http: Arc<HttpMetrics>,
    pub survey: Arc<SurveyMetrics>,
    pub access: Arc<AccessMetrics>,
    pub sources: Arc<SourceMetrics>,
    pub deliver: Arc<DeliverMetrics>,
    pub process: ProcessMetrics,
    pub spans: SpanMetrics,
    pub impeded: IntGauge,
    /// Held while gauges are brought up to date, so that two do not raise a counter twice.
    pub refreshing: Mutex<()>,
    writes: Arc<LogWrites>,
    lag: IntGaugeVec,
    applied: IntCounterVec,
    repeated: IntCounterVec,
    transactions: IntCounter,
    partitions_lost: IntCounter,
    scorecards: IntCounter,
    settings_refused: IntCounter,
    waiting: IntGauge,
    pub removed_records: IntCounterVec,
    pub removed_bytes: IntCounterVec,
}

/// What the embedded log's writer does.
struct LogWrites {
    seconds: Histogram,
    requests: Histogram,
    records: Histogram,
    bytes: IntCounter,
    impeded: IntCounter,
}

impl EmbeddedObserver for LogWrites {
    fn group_written(&self, group: &GroupWritten) {
        self.seconds.observe(group.seconds);
        self.requests.observe(group.requests as f64);
        self.records.observe(group.records as f64);
        self.bytes.inc_by(group.bytes);
    }

    fn impeded(&self, _reason: &str) {
        self.impeded.inc();
    }
}

/// Registers a metric and hands it back.
pub fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Brings a counter up to a value that is counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: Vec<f64>,
) -> Result<Histogram, prometheus::Error> {
    register(
        registry,
        Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?,
    )
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> Result<IntCounterVec, prometheus::Error> {
    register(
        registry,
        IntCounterVec::new(Opts::new(name, help), &[label])?,
    )
}

impl LogWrites {
    fn new(registry: &Registry) -> Result<LogWrites, prometheus::Error> {
        let powers = |first: f64, factor: f64, count: usize| {
            prometheus::exponential_buckets(first, factor, count)
        };
        Ok(LogWrites {
            seconds: histogram(
                registry,
                "afterword_append_seconds",
                "Time of one durable write of the log, shared by its group.",
                powers(0.000_25, 2.0, 14)?,
            )?,
            requests: histogram(
                registry,
                "afterword_append_group_requests",
                "Appends and commits that shared one durable write.",
                powers(1.0, 2.0, 9)?,
            )?,
            records: histogram(
                registry,
                "afterword_append_group_records",
                "Records of one durable write.",
                powers(1.0, 4.0, 9)?,
            )?,
            bytes: register(
                registry,
                IntCounter::new(
                    "afterword_append_bytes_total",
                    "Bytes handed to the database.",
                )?,
            )?,
            impeded: register(
                registry,
                IntCounter::new(
                    "afterword_append_impeded_total",
                    "Writes of the log that were refused or failed.",
                )?,
            )?,
        })
    }
}

impl Metrics {
    /// Registers everything, the engine's and the listeners' too.
    ///
    /// # Errors
    /// When a name is taken twice.
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let build = IntGaugeVec::new(
            Opts::new("afterword_build_info", "1, with the build as labels."),
            &["version", "commit"],
        )?;
        build
            .with_label_values(&[version::VERSION, version::COMMIT])
            .set(1);
        register(r, build)?;
        let lag = Opts::new(
            "afterword_projector_lag_records",
            "Outputs that are not in the report database yet, by topic.",
        );
        Ok(Metrics {
            engine: EngineMetrics::new(r)?,
            http: HttpMetrics::new(r)?,
            survey: SurveyMetrics::new(r)?,
            access: AccessMetrics::new(r)?,
            sources: SourceMetrics::new(r)?,
            deliver: Arc::new(DeliverMetrics::new(r)?),
            process: ProcessMetrics::new(r)?,
            spans: SpanMetrics::new(r)?,
            impeded: register(
                r,
                IntGauge::new("afterword_log_impeded", "1 while the log takes no appends.")?,
            )?,
            refreshing: Mutex::new(()),
            writes: Arc::new(LogWrites::new(r)?),
            lag: register(r, IntGaugeVec::new(lag, &["topic"])?)?,
            applied: counters(
                r,
                "afterword_projector_applied_total",
                "Records put into the report database.",
                "topic",
            )?,
            repeated: counters(
                r,
                "afterword_projector_repeated_total",
                "Repeated records that were passed over.",
                "topic",
            )?,
            transactions: register(
                r,
                IntCounter::new(
                    "afterword_projector_transactions_total",
                    "Transactions of the report database.",
                )?,
            )?,
            partitions_lost: register(
                r,
                IntCounter::new(
                    "afterword_projector_partitions_lost_total",
                    "Times that another projector had moved on a partition that this one believed its own.",
                )?,
            )?,
            scorecards: register(
                r,
                IntCounter::new(
                    "afterword_scorecards_published_total",
                    "Scorecards published.",
                )?,
            )?,
            settings_refused: register(
                r,
                IntCounter::new(
                    "afterword_projector_settings_refused_total",
                    "Settings that differ from a known version, seen by the projector.",
                )?,
            )?,
            waiting: register(
                r,
                IntGauge::new(
                    "afterword_projector_waiting",
                    "1 while the projector waits for its surroundings.",
                )?,
            )?,
            removed_records: counters(
                r,
                "afterword_retention_removed_records_total",
                "Records removed by retention or compaction.",
                "by",
            )?,
            removed_bytes: counters(
                r,
                "afterword_retention_removed_bytes_total",
                "Bytes removed by retention or compaction.",
                "by",
            )?,
            registry,
        })
    }

    /// For the embedded log.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn EmbeddedObserver> {
        Arc::<LogWrites>::clone(&self.writes)
    }

    /// What the projector has done.
    pub fn projected(&self, snapshot: &ProjectorSnapshot) {
        for counts in &snapshot.topics {
            raise(
                &self.applied.with_label_values(&[counts.topic.name()]),
                counts.applied,
            );
            raise(
                &self.repeated.with_label_values(&[counts.topic.name()]),
                counts.repeated,
            );
        }
        raise(&self.transactions, snapshot.transactions);
        raise(&self.partitions_lost, snapshot.partitions_lost);
        raise(&self.scorecards, snapshot.scorecards_published);
        raise(&self.settings_refused, snapshot.settings_refused);
        self.waiting.set(i64::from(snapshot.waiting.is_some()));
    }

    /// What the projector has yet to do.
    pub fn projector_lag(&self, lag: &[(Topic, u64)]) {
        for (topic, records) in lag {
            self.lag
                .with_label_values(&[topic.name()])
                .set(i64::try_from(*records).unwrap_or(i64::MAX));
        }
    }

    /// The sum of a counter or gauge over its labels.
    #[must_use]
    pub fn sum(&self, name: &str, label: Option<(&str, &str)>) -> u64 {
        let families = self.registry.gather();
        let metrics = families
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(|family| family.get_metric());
        let wanted = metrics.filter(|metric| {
            label.is_none_or(|(name, value)| {
                metric
                    .get_label()
                    .iter()
                    .any(|pair| pair.name() == name && pair.value() == value)
            })
        });
        wanted
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum::<f64>() as u64
    }
}
