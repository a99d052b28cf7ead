//! Every metric of the engine, in one place. Counters move when a commit has succeeded, so that a fact that is folded
//! again after a failure is not counted twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use afterword_domain::Note;
use afterword_log::{Partition, StateWrite};
use afterword_schemas::records::{Criterion, Payload, Reaction, RefusalReason};
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use crate::engine::TaskState;
use crate::tally::Tally;

/// The classes of a fact's dead letters: the decoder's, and the engine's own.
const DEAD_LETTER_CLASSES: [&str; 7] = [
    "framing",
    "unknown_schema",
    "incompatible_schema",
    "malformed",
    "limit",
    "key",
    "panic",
];

/// The engine's metrics, registered once a process.
pub struct EngineMetrics {
    facts: IntCounterVec,
    passed_over: IntCounterVec,
    notes: IntCounterVec,
    decisions: IntCounterVec,
    criterion_failures: IntCounterVec,
    requests: IntCounter,
    submissions: IntCounter,
    ratings: IntCounterVec,
    comments: IntCounter,
    refusals: IntCounterVec,
    dead_letters: IntCounterVec,
    settings_refused: IntCounter,
    task_restarts: IntCounter,
    commit_seconds: Histogram,
    commit_facts: Histogram,
    states_stored: IntCounter,
    state_bytes: Histogram,
    cache_hits: IntCounter,
    cache_misses: IntCounter,
    cache_bytes: IntGaugeVec,
    debt_facts: IntGaugeVec,
    lag_facts: IntGaugeVec,
    lag_seconds: GaugeVec,
    task_state: IntGaugeVec,
}

struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let metric = IntCounter::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<IntCounterVec, prometheus::Error> {
        let metric = IntCounterVec::new(Opts::new(name, help), &[label])?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: Vec<f64>,
    ) -> Result<Histogram, prometheus::Error> {
        let metric = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl EngineMetrics {
    /// Registers the engine's metrics.
    ///
    /// # Errors
    /// When a name is taken in this registry.
    pub fn new(registry: &Registry) -> Result<Arc<EngineMetrics>, prometheus::Error> {
        let make = Registrar(registry);
        let lag_seconds = GaugeVec::new(
            Opts::new(
                "afterword_lag_seconds",
                "Age of the oldest fact that is not folded yet, by its record's time; 0 when there is none.",
            ),
            &["partition"],
        )?;
        registry.register(Box::new(lag_seconds.clone()))?;
        let metrics = EngineMetrics {
            facts: make.counters("afterword_facts_total", "Facts folded, by kind.", "kind")?,
            passed_over: make.counters(
                "afterword_facts_passed_over_total",
                "Facts of a kind or with a symbol that this build does not know.",
                "reason",
            )?,
            notes: make.counters(
                "afterword_fold_notes_total",
                "Facts that changed nothing for a reason worth counting.",
                "note",
            )?,
            decisions: make.counters(
                "afterword_decisions_total",
                "Closes decided, by outcome.",
                "outcome",
            )?,
            criterion_failures: make.counters(
                "afterword_criterion_failures_total",
                "Criteria that failed at a close.",
                "criterion",
            )?,
            requests: make.counter("afterword_requests_total", "Requests for a rating sent.")?,
            submissions: make.counter(
                "afterword_submissions_total",
                "Accepted changes of ratings.",
            )?,
            ratings: make.counters(
                "afterword_ratings_total",
                "Ratings first given, by reaction.",
                "reaction",
            )?,
            comments: make.counter("afterword_comments_total", "Comments left with ratings.")?,
            refusals: make.counters(
                "afterword_refusals_total",
                "Answers refused, by reason.",
                "reason",
            )?,
            dead_letters: make.counters(
                "afterword_dead_letters_total",
                "Records put aside as dead letters, by class of error.",
                "class",
            )?,
            settings_refused: make.counter(
                "afterword_settings_refused_total",
                "Settings records refused.",
            )?,
            task_restarts: make.counter(
                "afterword_task_restarts_total",
                "Times that a task threw its memory away and recovered from what is committed.",
            )?,
            commit_seconds: make.histogram(
                "afterword_commit_seconds",
                "How long a commit took.",
                exponential(0.000_25, 2.0, 16),
            )?,
            commit_facts: make.histogram(
                "afterword_commit_facts",
                "Facts in a commit.",
                exponential(1.0, 4.0, 9),
            )?,
            state_bytes: make.histogram(
                "afterword_state_bytes",
                "Bytes of a state as it is written to the store.",
                exponential(16.0, 2.0, 12),
            )?,
            states_stored: make.counter(
                "afterword_states_stored_total",
                "States written to the store.",
            )?,
            cache_hits: make.counter(
                "afterword_cache_hits_total",
                "Facts whose state was in memory.",
            )?,
            cache_misses: make.counter(
                "afterword_cache_misses_total",
                "States looked up in the store.",
            )?,
            cache_bytes: make.gauges(
                "afterword_cache_bytes",
                "Bytes of states in memory, by estimate.",
                &["partition"],
            )?,
            debt_facts: make.gauges(
                "afterword_debt_facts",
                "Facts to be folded again after a crash.",
                &["partition"],
            )?,
            lag_facts: make.gauges(
                "afterword_lag_facts",
                "Facts in the log that are not committed yet.",
                &["partition"],
            )?,
            lag_seconds,
            task_state: make.gauges(
                "afterword_task_state",
                "1 for the state a partition's task is in.",
                &["partition", "state"],
            )?,
        };
        metrics.begin_at_zero();
        Ok(Arc::new(metrics))
    }

    /// Every label that is known beforehand is there from the start, so that a rate can be taken of its first count.
    fn begin_at_zero(&self) {
        let begin = |counters: &IntCounterVec, labels: &mut dyn Iterator<Item = &'static str>| {
            labels.for_each(|label| drop(counters.with_label_values(&[label])));
        };
        begin(&self.facts, &mut Payload::KINDS.iter().copied());
        begin(&self.notes, &mut Note::ALL.iter().map(|note| note.symbol()));
        begin(
            &self.passed_over,
            &mut ["payload_kind", "enum_symbol"].into_iter(),
        );
        let criteria = Criterion::ALL.iter();
        begin(
            &self.criterion_failures,
            &mut criteria.map(|criterion| criterion.symbol()),
        );
        let reactions = Reaction::ALL.iter();
        begin(
            &self.ratings,
            &mut reactions.map(|reaction| reaction.symbol()),
        );
        let reasons = RefusalReason::ALL.iter();
        begin(&self.refusals, &mut reasons.map(|reason| reason.symbol()));
        begin(&self.dead_letters, &mut DEAD_LETTER_CLASSES.into_iter());
    }

    /// Counts what a successful commit contained.
    pub(crate) fn committed(
        &self,
        tally: &Tally,
        took: Duration,
        facts: usize,
        states: &[StateWrite],
    ) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_facts.observe(facts as f64);
        for (kind, count) in Payload::KINDS.iter().zip(tally.kinds) {
            if count > 0 {
                self.facts.with_label_values(&[kind]).inc_by(count);
            }
        }
        add(&self.passed_over, &tally.passed_over);
        add(&self.notes, &tally.notes);
        add(&self.criterion_failures, &tally.failures);
        add(&self.ratings, &tally.ratings);
        self.comments.inc_by(tally.comments);
        add(&self.refusals, &tally.refusals);
        for (class, count) in &tally.dead_letters {
            self.dead_letters
                .with_label_values(&[class.as_str()])
                .inc_by(*count);
        }
        self.decisions
            .with_label_values(&["requested"])
            .inc_by(tally.requested);
        self.decisions
            .with_label_values(&["not_requested"])
            .inc_by(tally.not_requested);
        self.requests.inc_by(tally.requested);
        self.submissions.inc_by(tally.submissions);
        self.settings_refused.inc_by(tally.settings_refused);
        self.states_stored.inc_by(states.len() as u64);
        for state in states {
            self.state_bytes.observe(state.value.len() as f64);
        }
        self.cache_hits.inc_by(tally.cache_hits);
        self.cache_misses.inc_by(tally.cache_misses);
    }

    pub(crate) fn restarted(&self) {
        self.task_restarts.inc();
    }

    pub(crate) fn state(&self, partition: Partition, cache_bytes: usize, debt: u64) {
        let label = partition.to_string();
        self.cache_bytes
            .with_label_values(&[&label])
            .set(signed(cache_bytes as u64));
        self.debt_facts
            .with_label_values(&[&label])
            .set(signed(debt));
    }

    pub(crate) fn lag(&self, partition: Partition, facts: u64, age: Duration) {
        let label = partition.to_string();
        self.lag_facts
            .with_label_values(&[&label])
            .set(signed(facts));
        self.lag_seconds
            .with_label_values(&[&label])
            .set(age.as_secs_f64());
    }

    /// The partition is no longer this process's.
    pub(crate) fn forget(&self, partition: Partition) {
        let label = partition.to_string();
        for gauge in [&self.cache_bytes, &self.debt_facts, &self.lag_facts] {
            let _ = gauge.remove_label_values(&[&label]);
        }
        let _ = self.lag_seconds.remove_label_values(&[&label]);
        for state in TaskState::NAMES {
            let _ = self
                .task_state
                .remove_label_values(&[label.as_str(), state]);
        }
    }

    pub(crate) fn task_state(&self, partition: Partition, state: &str, all: &[&str]) {
        let label = partition.to_string();
        for name in all {
            self.task_state
                .with_label_values(&[label.as_str(), name])
                .set(i64::from(*name == state));
        }
    }
}

fn add(counters: &IntCounterVec, counts: &BTreeMap<&'static str, u64>) {
    for (label, count) in counts {
        counters.with_label_values(&[label]).inc_by(*count);
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn exponential(start: f64, factor: f64, count: usize) -> Vec<f64> {
    (0..count)
        .map(|power| start * factor.powi(i32::try_from(power).unwrap_or(i32::MAX)))
        .collect()
}
