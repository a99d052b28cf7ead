//! What is counted of deliveries.

use afterword_readmodel::{Backlog, DeliveryState, Lane};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The metrics of a deliverer. `lane` is `mail`, or `webhook:` and the endpoint's name; no id of anybody is in a label.
pub struct DeliverMetrics {
    finished: IntCounterVec,
    retries: IntCounterVec,
    seconds: HistogramVec,
    backlog: IntGaugeVec,
    without_address: IntGaugeVec,
    oldest_seconds: IntGaugeVec,
    unreachable: IntGaugeVec,
}

impl DeliverMetrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(registry: &Registry) -> Result<DeliverMetrics, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauges = |name: &str, help: &str| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["lane"])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "afterword_deliver_attempt_seconds",
                "How long an attempt took.",
            )
            .buckets(prometheus::exponential_buckets(0.005, 3.0, 9)?),
            &["lane"],
        )?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(DeliverMetrics {
            finished: counters(
                "afterword_deliver_finished_total",
                "Deliveries that came to a final state: sent, bounced, failed, too_old, answered or opted_out.",
                &["lane", "state"],
            )?,
            retries: counters(
                "afterword_deliver_retries_total",
                "Attempts that failed and are made again.",
                &["lane"],
            )?,
            seconds,
            backlog: gauges(
                "afterword_deliver_backlog",
                "Deliveries that wait to be sent.",
            )?,
            without_address: gauges(
                "afterword_deliver_without_address",
                "Mails that wait for an address.",
            )?,
            oldest_seconds: gauges(
                "afterword_deliver_oldest_seconds",
                "Age of the oldest delivery that is not final; 0 when there is none.",
            )?,
            unreachable: gauges(
                "afterword_deliver_unreachable",
                "1 while the mail server or the webhook's receiver cannot be reached.",
            )?,
        })
    }

    pub(crate) fn finished(&self, lane: &Lane, state: DeliveryState, count: u64) {
        let labels = [lane.name(), state.symbol().to_owned()];
        self.finished.with_label_values(&labels).inc_by(count);
    }

    pub(crate) fn retried(&self, lane: &Lane) {
        self.retries.with_label_values(&[lane.name()]).inc();
    }

    pub(crate) fn attempted(&self, lane: &Lane, seconds: f64) {
        self.seconds
            .with_label_values(&[lane.name()])
            .observe(seconds);
    }

    pub(crate) fn reached(&self, lane: &Lane, is_reached: Reached) {
        let value = i64::from(is_reached == Reached::No);
        self.unreachable
            .with_label_values(&[lane.name()])
            .set(value);
    }

    /// What waits. Lanes of which nothing is said have nothing.
    pub(crate) fn backlog(&self, backlog: &[Backlog], lanes: &[Lane], now_ms: i64) {
        for lane in lanes {
            let held = backlog.iter().find(|held| held.lane == *lane);
            let label = [lane.name()];
            let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            let waiting = held.map_or(0, |held| count(held.waiting));
            let without = held.map_or(0, |held| count(held.without_address));
            let age = held.map_or(0, |held| (now_ms - held.oldest_ms).max(0) / 1_000);
            self.backlog.with_label_values(&label).set(waiting);
            self.oldest_seconds.with_label_values(&label).set(age);
            if *lane == Lane::Mail {
                self.without_address.with_label_values(&label).set(without);
            }
        }
    }
}

/// Whether the other side of a lane answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    Yes,
    No,
}
