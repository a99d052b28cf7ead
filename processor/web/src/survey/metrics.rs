//! What the survey counts. No label holds an id.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

/// The metrics of the customers' pages.
#[derive(Clone, Debug)]
pub struct SurveyMetrics {
    pages: IntCounterVec,
    answers: IntCounterVec,
    marked: IntCounterVec,
    marks_failed: IntCounter,
    limited: IntCounterVec,
    decided: Histogram,
}

impl SurveyMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> Result<Arc<SurveyMetrics>, prometheus::Error> {
        let counters = |name: &str, help: &str, label: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), label)?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, prometheus::Error>(made)
        };
        let marks_failed = IntCounter::new(
            "afterword_survey_marks_failed_total",
            "Marks that could not be written into the report database; they are in the log.",
        )?;
        registry.register(Box::new(marks_failed.clone()))?;
        let decided = HistogramOpts::new(
            "afterword_survey_decided_seconds",
            "From the durable answer to what the rules made of it, as the page saw it.",
        )
        .buckets(vec![
            0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0, 30.0,
        ]);
        let decided = Histogram::with_opts(decided)?;
        registry.register(Box::new(decided.clone()))?;
        Ok(Arc::new(SurveyMetrics {
            pages: counters(
                "afterword_survey_pages_total",
                "Pages shown without an answer being sent, by what they showed.",
                &["page"],
            )?,
            answers: counters(
                "afterword_survey_answers_total",
                "Forms that were sent, by what became of them.",
                &["outcome"],
            )?,
            marked: counters(
                "afterword_survey_marked_total",
                "Answers that came as no person sends them, by mark.",
                &["mark"],
            )?,
            limited: counters(
                "afterword_survey_limited_total",
                "Requests that were told to wait, by what was asked too often.",
                &["by"],
            )?,
            marks_failed,
            decided,
        }))
    }

    pub(super) fn page(&self, page: &str) {
        self.pages.with_label_values(&[page]).inc();
    }

    pub(super) fn answer(&self, outcome: &str) {
        self.answers.with_label_values(&[outcome]).inc();
    }

    pub(super) fn marked(&self, mark: &str) {
        self.marked.with_label_values(&[mark]).inc();
    }

    pub(super) fn mark_failed(&self) {
        self.marks_failed.inc();
    }

    pub(super) fn limited(&self, by: &str) {
        self.limited.with_label_values(&[by]).inc();
    }

    pub(super) fn decided(&self, after: Duration) {
        self.decided.observe(after.as_secs_f64());
    }
}
