//! Drives the engine's task through one plan.

use std::sync::Arc;
use std::time::Duration;

use afterword_domain::defect::Defect;
use afterword_engine::{EngineMetrics, Progress, Task};
use afterword_log::simulated::{BackendDefect, SimulatedLog, SimulatedPartition};
use afterword_log::{LogError, Offset, Partition, PartitionLog, Record, Topic};
use afterword_schemas::{Framing, Schemas, encode};

use super::Sabotage;
use super::check::{self, Violation};
use super::long;
use super::plan::Plan;
use super::traced;
use crate::facts::{Entry, GeneratedLog, Poison, generate};
use crate::model::{OwnedFact, OwnedPayload};

/// The one partition that is simulated: each has a task of its own that shares nothing with others.
pub(super) const PARTITION: Partition = Partition(0);
/// After so many steps nothing fails any more; a run that then takes as many again makes no progress.
const FAULTY_STEPS: usize = 5_000;

/// Runs one seed, with one mistake switched on or none.
///
/// # Errors
/// What the outputs or states were wrong in.
pub fn simulate(seed: u64, sabotage: Option<Sabotage>) -> Result<(), Violation> {
    let (code, backend) = match sabotage {
        Some(Sabotage::Code(defect)) => (Some(defect), None),
        Some(Sabotage::Backend(defect)) => (None, Some(defect)),
        None => (None, None),
    };
    Simulation::new(seed, backend).run(code)
}

/// One crash in the life of a conversation with more answers than ids are remembered: see `long`.
///
/// # Errors
/// What the outputs or states were wrong in.
pub fn simulate_long(defect: Option<Defect>) -> Result<(), Violation> {
    let mut simulation = Simulation::of(Plan::long(), 0, None);
    simulation.generated.facts = long::facts();
    let entries = simulation.generated.entries();
    entries.iter().for_each(|entry| simulation.append(entry));
    drop(entries);
    let run_until =
        |simulation: &mut Simulation, until: Offset| -> Result<SimulatedTask, LogError> {
            let mut task = simulation.process();
            task.recover()?;
            while task.committed() < until || task.is_recovering() {
                task.step(Duration::ZERO, Duration::ZERO)?;
            }
            Ok(task)
        };
    let stopped = |error: LogError| Violation::Stopped(error.to_string());
    Defect::with(defect, || {
        // Dropped without a graceful stop: a crash.
        drop(run_until(&mut simulation, long::CRASH_AT)?);
        let end = Offset(simulation.generated.facts.len() as u64);
        run_until(&mut simulation, end)?.finish()
    })
    .map_err(stopped)?;
    check::outputs(&simulation.log, &simulation.generated, |_| false)
}

struct Simulation {
    plan: Plan,
    generated: GeneratedLog,
    log: SimulatedLog,
    schemas: Arc<Schemas>,
    metrics: Arc<EngineMetrics>,
    now: Duration,
}

type SimulatedTask = Task<SimulatedPartition>;

impl Simulation {
    fn new(seed: u64, defect: Option<BackendDefect>) -> Simulation {
        Simulation::of(Plan::of(seed), seed, defect)
    }

    fn of(plan: Plan, seed: u64, defect: Option<BackendDefect>) -> Simulation {
        let metrics = EngineMetrics::new(&prometheus::Registry::new());
        Simulation {
            generated: generate(seed, &plan.facts),
            log: SimulatedLog::new(seed, plan.faults, defect),
            plan,
            schemas: Arc::new(Schemas::new()),
            metrics: metrics.expect("a new registry has no names taken"),
            now: Duration::ZERO,
        }
    }

    fn run(mut self, defect: Option<Defect>) -> Result<(), Violation> {
        Defect::with(defect, || self.live())?;
        let is_dead = match defect {
            Some(Defect::SnoozePanics) => is_snooze,
            _ => |_: &OwnedFact| false,
        };
        check::outputs(&self.log, &self.generated, is_dead)
    }

    /// From the first fact to the end of a graceful stop after the last.
    fn live(&mut self) -> Result<(), Violation> {
        let generated = std::mem::take(&mut self.generated);
        let mut entries = generated.entries().into_iter().peekable();
        let mut task = self.process();
        let mut recovered = false;
        let mut steps = 0;
        loop {
            for entry in entries.by_ref().take(self.plan.arrivals()) {
                self.append(&entry);
            }
            steps += 1;
            if steps == FAULTY_STEPS {
                self.log.heal();
            }
            if steps > 2 * FAULTY_STEPS {
                return Err(Violation::NoProgress);
            }
            if self.plan.is_killed() && steps < FAULTY_STEPS {
                (task, recovered) = (self.process(), false);
            }
            let dry = entries.peek().is_none();
            let done = self.step(&mut task, &mut recovered, dry);
            match done {
                Ok(true) => break,
                Ok(false) | Err(LogError::Wait(_)) => {}
                Err(LogError::StartOver(_)) => recovered = false,
                Err(_) if self.log.take_crash() => (task, recovered) = (self.process(), false),
                Err(error) => return Err(Violation::Stopped(error.to_string())),
            }
        }
        drop(entries);
        self.generated = generated;
        Ok(())
    }

    /// One thing that a process does next; true when it has stopped after the last fact.
    fn step(
        &mut self,
        task: &mut SimulatedTask,
        recovered: &mut bool,
        dry: bool,
    ) -> Result<bool, LogError> {
        if !*recovered {
            task.recover()?;
            *recovered = true;
        }
        if self.plan.is_restarted() && !task.is_recovering() {
            task.finish()?;
            *task = self.process();
            *recovered = false;
            return Ok(false);
        }
        self.now += self.plan.tick();
        let progress = task.step(self.now, Duration::ZERO)?;
        let end = task.log().end()?;
        if dry && progress == Progress::Idle && task.committed() >= end && !task.is_recovering() {
            task.finish()?;
            return Ok(true);
        }
        Ok(false)
    }

    fn process(&mut self) -> SimulatedTask {
        let options = self.plan.options();
        Task::new(
            self.log.task(PARTITION),
            options,
            Arc::clone(&self.schemas),
            Arc::clone(&self.metrics),
        )
    }

    fn append(&self, entry: &Entry<'_>) {
        match entry {
            Entry::Settings(settings) => {
                let key = format!("{}/{}", settings.workspace_id, settings.version);
                let mut value = Vec::new();
                encode(*settings, Framing::SingleObject, &mut value);
                self.log.append(
                    Topic::WorkspaceSettings,
                    Partition(0),
                    Record::new(key, value, 0),
                );
            }
            Entry::Fact(index, fact) => {
                let record = Record::new(
                    fact.conversation_id.as_bytes(),
                    encoded(fact),
                    *index as i64,
                );
                let record = traced::with(record, traced::header(fact));
                self.log
                    .append(Topic::ConversationEvents, PARTITION, record);
            }
            Entry::Poison(poison) => {
                let record = Record::new(
                    poison.conversation_id.as_bytes(),
                    poisonous(&poison.poison),
                    0,
                );
                self.log
                    .append(Topic::ConversationEvents, PARTITION, record);
            }
        }
    }
}

pub(super) fn encoded(fact: &OwnedFact) -> Vec<u8> {
    let mut value = Vec::new();
    encode(&fact.as_event(), Framing::SingleObject, &mut value);
    value
}

fn is_snooze(fact: &OwnedFact) -> bool {
    matches!(fact.payload, OwnedPayload::ConversationSnoozed { .. })
}

/// The bytes of a record that cannot be folded.
pub(super) fn poisonous(poison: &Poison) -> Vec<u8> {
    match poison {
        Poison::Bytes(bytes) => bytes.clone(),
        Poison::Truncated {
            fact,
            missing_bytes,
        } => {
            let mut value = encoded(fact);
            value.truncate(value.len().saturating_sub(*missing_bytes));
            value
        }
        Poison::Illegal(fact) => encoded(fact),
    }
}
