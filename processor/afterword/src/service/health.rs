//! What the parts of a service do now: for `/readyz`, `/metrics` and retention.

use std::sync::{Arc, PoisonError};

use afterword_deliver::DeliverWatch;
use afterword_engine::TaskState;
use afterword_log::kafka::KafkaGroup;
use afterword_log::{Log, Offset, Partition, Topic};
use afterword_readmodel::ReportDatabase;
use afterword_schemas::Schemas;
use afterword_web::{Check, Readiness};

use super::SharedEngine;
use super::metrics::Metrics;
use super::opened::Opened;
use super::projecting::ProjectorWatch;

/// The parts, to be asked.
#[derive(Clone)]
pub struct Health {
    pub log: Arc<dyn Log>,
    pub opened: Opened,
    /// On Kafka, with the role `process`.
    pub group: Option<Arc<KafkaGroup>>,
    pub schemas: Arc<Schemas>,
    pub engine: SharedEngine,
    /// Where one runs.
    pub projector: Option<ProjectorWatch>,
    /// Where one runs.
    pub deliverer: Option<DeliverWatch>,
    /// Where something here needs it.
    pub database: Option<ReportDatabase>,
    pub metrics: Arc<Metrics>,
}

fn check(name: impl Into<String>, ok: bool, detail: impl Into<String>) -> Check {
    Check {
        name: name.into(),
        ok,
        detail: detail.into(),
    }
}

/// A member without partitions is well: it stands by for the others.
fn membership(group: &KafkaGroup, partitions: usize) -> Check {
    let detail = match (group.has_joined(), partitions) {
        _ if group.unreachable().is_some() => {
            format!(
                "no broker answers: {}",
                group.unreachable().unwrap_or_default()
            )
        }
        (true, 0) => "standing by: the others have all partitions".to_owned(),
        (true, _) => format!("has {partitions} partitions"),
        (false, _) => match group.trouble() {
            Some(trouble) => format!("joining: {trouble}"),
            None => "joining".to_owned(),
        },
    };
    let is_well = group.has_joined() && group.unreachable().is_none();
    check("group", is_well, detail)
}

impl Health {
    /// What `/readyz` says.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let mut checks = Vec::new();
        let impediment = self.log.impediment();
        checks.push(check(
            "log",
            impediment.is_none(),
            impediment.unwrap_or_else(|| "takes facts".to_owned()),
        ));
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let states = engine
            .as_ref()
            .map(afterword_engine::Engine::states)
            .unwrap_or_default();
        if let Some(group) = &self.group {
            checks.push(membership(group, states.len()));
        }
        for (partition, state) in states {
            let detail = match &state {
                TaskState::Waiting(reason)
                | TaskState::Stopped(reason)
                | TaskState::GivenUp(reason) => {
                    format!("{}: {reason}", state.name())
                }
                _ => state.name().to_owned(),
            };
            checks.push(check(
                format!("task-{partition}"),
                state == TaskState::Running,
                detail,
            ));
        }
        if let Some(projector) = &self.projector {
            let waiting = projector.impediment();
            checks.push(check(
                "projector",
                waiting.is_none(),
                waiting.unwrap_or_else(|| "projects".to_owned()),
            ));
        }
        if let Some(deliverer) = &self.deliverer {
            let impediment = deliverer.impediment();
            checks.push(check(
                "deliver",
                impediment.is_none(),
                impediment.unwrap_or_else(|| deliverer.summary().to_owned()),
            ));
        }
        Readiness::of(checks)
    }

    /// Brings the gauges up to date.
    pub fn refresh(&self) {
        let _one_at_a_time = self
            .metrics
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.metrics.process.refresh();
        self.metrics
            .impeded
            .set(i64::from(self.log.impediment().is_some()));
        let Some(ProjectorWatch { statistics, .. }) = &self.projector else {
            return;
        };
        self.metrics.projected(&statistics.snapshot());
        if let Ok(lag) = statistics.lag(&*self.log) {
            self.metrics.projector_lag(&lag);
        }
    }

    /// How much of so many facts, appended since the start, is not folded yet, or not projected.
    #[must_use]
    pub fn backlog(&self, facts: u64) -> u64 {
        let unfolded = facts.saturating_sub(super::drain::folded(&self.metrics));
        let unprojected = self
            .projector
            .as_ref()
            .and_then(|projector| projector.statistics.lag(&*self.log).ok());
        unfolded
            + unprojected
                .unwrap_or_default()
                .iter()
                .map(|(_, records)| records)
                .sum::<u64>()
    }

    /// The first offset that somebody still needs: the task's debt, or what is not projected yet. Where a part does not
    /// run here, all is kept for it.
    pub fn keep_from(&self) -> impl Fn(Topic, Partition) -> Offset + use<> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let folded = engine
            .as_ref()
            .map(afterword_engine::Engine::positions)
            .unwrap_or_default();
        let projected = self
            .projector
            .as_ref()
            .map(|projector| projector.statistics.positions())
            .unwrap_or_default();
        move |topic, partition| match topic {
            Topic::DeadLetters => Offset(u64::MAX),
            Topic::ConversationEvents => folded
                .iter()
                .find(|(found, _)| *found == partition)
                .map_or(Offset(0), |(_, offset)| *offset),
            _ => projected
                .iter()
                .find(|position| position.topic == topic && position.partition == partition)
                .map_or(Offset(0), |position| position.next),
        }
    }
}
