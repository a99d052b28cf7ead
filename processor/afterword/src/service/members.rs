//! The tasks of a process in a consumer group: they come and go as the group says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::SharedEngine;
use afterword_engine::TaskState;
use afterword_log::kafka::{
    Assignments, KafkaGroup, KafkaLog, KafkaPartition, Ownership, Revocation,
};
use afterword_log::{LogError, Partition, Topic};

/// How long a task may take to commit what it has when its partition is wanted elsewhere.
const GIVE_UP: Duration = Duration::from_secs(20);
/// How long after it was taken over a partition that the group still gives this process is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts and ends tasks.
struct Members {
    log: Arc<KafkaLog>,
    engine: SharedEngine,
    owned: Mutex<BTreeMap<Partition, Arc<Ownership>>>,
    looked: Mutex<Instant>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins the group: from now on partitions are assigned, and tasks run.
///
/// # Errors
/// When the client refuses.
pub fn join(log: &Arc<KafkaLog>, engine: &SharedEngine) -> Result<KafkaGroup, LogError> {
    let members = Members {
        log: Arc::clone(log),
        engine: Arc::clone(engine),
        owned: Mutex::default(),
        looked: Mutex::new(Instant::now()),
    };
    let topic = Topic::ConversationEvents.name();
    let group = KafkaGroup::join(log.options(), topic, Arc::new(members))?;
    log.commit_as(&group);
    Ok(group)
}

impl Members {
    fn take(&self, partition: Partition) {
        let ownership = Arc::<Ownership>::default();
        let log = KafkaPartition::new(&self.log, partition, Arc::clone(&ownership));
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = &*engine else { return };
        held(&self.owned).insert(partition, ownership);
        if let Err(error) = engine.take(log) {
            tracing::error!(partition = partition.0, %error, "the task could not be started");
        }
    }

    fn states(&self) -> Vec<(Partition, TaskState)> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine
            .as_ref()
            .map(|engine| engine.states())
            .unwrap_or_default()
    }
}

impl Assignments for Members {
    fn assigned(&self, partitions: &[Partition]) {
        for partition in partitions {
            self.take(*partition);
        }
    }

    fn revoked(&self, partitions: &[Partition], how: Revocation) {
        let states = self.states();
        let mut given: BTreeMap<Partition, Arc<Ownership>> = BTreeMap::new();
        for partition in partitions {
            let Some(ownership) = held(&self.owned).remove(partition) else {
                continue;
            };
            let works = states.iter().any(|(found, state)| {
                found == partition && !matches!(state, TaskState::Recovering)
            });
            // Whoever is still restoring has nothing to commit.
            if how == Revocation::Lost || !works {
                ownership.lose();
            }
            given.insert(*partition, ownership);
        }
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = &*engine else { return };
        for late in engine.give_up(partitions, GIVE_UP) {
            tracing::warn!(
                partition = late.0,
                "the task did not end in time; it may commit nothing more"
            );
            if let Some(ownership) = given.get(&late) {
                ownership.lose();
            }
        }
    }

    fn tick(&self) {
        let mut looked = held(&self.looked);
        if looked.elapsed() < AGAIN {
            return;
        }
        *looked = Instant::now();
        drop(looked);
        for (partition, state) in self.states() {
            if matches!(state, TaskState::GivenUp(_)) && held(&self.owned).contains_key(&partition)
            {
                tracing::info!(
                    partition = partition.0,
                    "the group still gives this process the partition; taking it over again"
                );
                self.take(partition);
            }
        }
    }
}
