//! Having all partitions to oneself: no service may fold or project meanwhile, and none can commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use afterword_log::kafka::{
    Assignments, KafkaGroup, KafkaLog, KafkaPartition, Ownership, Revocation, admin,
};
use afterword_log::{
    Commit, Log as _, LogError, Meta, Partition, PartitionLog as _, StateWrite, Topic,
};

use crate::commands::history::reader::patiently;
use crate::failure::Failure;
use crate::service::shares;

/// How long the group may take to give all partitions to the one member that it has.
const ASSIGNED_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Which partitions the group has given, and not taken away.
#[derive(Default)]
struct Given(Mutex<BTreeMap<Partition, Arc<Ownership>>>);

impl Given {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Partition, Arc<Ownership>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Assignments for Given {
    fn assigned(&self, partitions: &[Partition]) {
        let mut given = self.held();
        for partition in partitions {
            given.entry(*partition).or_default();
        }
    }

    fn revoked(&self, partitions: &[Partition], _: Revocation) {
        let mut given = self.held();
        for partition in partitions {
            if let Some(ownership) = given.remove(partition) {
                ownership.lose();
            }
        }
    }
}

/// A partition that was taken over.
struct Held {
    log: KafkaPartition,
    /// `None` when nothing was ever committed.
    meta: Option<Meta>,
}

/// Every partition, taken over, and the membership that keeps others from it.
pub struct Hold {
    partitions: BTreeMap<Partition, Held>,
    _group: KafkaGroup,
}

/// The consumer groups of a group's services.
pub fn groups(log: &KafkaLog) -> Vec<String> {
    let own = log.options().group.clone();
    let mut groups = Vec::from(shares::groups(&own));
    groups.push(own);
    groups
}

impl Hold {
    /// Takes all partitions over, once it is sure that no service runs.
    ///
    /// # Errors
    /// When one runs, or the brokers do not answer.
    pub fn take(
        brokers: &admin::Brokers<'_>,
        log: &Arc<KafkaLog>,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Hold, Failure> {
        for group in groups(log) {
            let members = brokers.members(&group);
            let members = members.map_err(|error| Failure::Failed(error.to_string()))?;
            if members > 0 {
                return Err(Failure::Failed(format!(
                    "a service runs: expected nobody in the consumer group {group}, found members: {members}. Stop every service, \
                     erase, and start them again (a service that was killed is a member until its session ends, some seconds)"
                )));
            }
        }
        let failed = |error: LogError| Failure::while_doing("taking the partitions over", error);
        let given = Arc::<Given>::default();
        let topic = Topic::ConversationEvents;
        let assignments = Arc::<Given>::clone(&given);
        let group = KafkaGroup::join(log.options(), topic.name(), assignments).map_err(failed)?;
        log.commit_as(&group);
        let count = log.partitions(topic);
        let until = Instant::now() + ASSIGNED_WITHIN;
        while given.held().len() < count as usize {
            if Instant::now() >= until {
                return Err(Failure::Failed(format!(
                    "expected all {count} partitions of {topic} from the consumer group {}, found {} after {} s: is a service starting? {}",
                    log.options().group,
                    given.held().len(),
                    ASSIGNED_WITHIN.as_secs(),
                    group.trouble().unwrap_or_default()
                )));
            }
            std::thread::sleep(LOOK);
        }
        let mut partitions = BTreeMap::new();
        let owned: Vec<_> = given.held().clone().into_iter().collect();
        for (partition, ownership) in owned {
            told(partitions.len() as u64, count.into());
            let mut log = KafkaPartition::new(log, partition, ownership);
            let meta = patiently(|| log.recover()).map_err(failed)?;
            partitions.insert(partition, Held { log, meta });
        }
        Ok(Hold {
            partitions,
            _group: group,
        })
    }

    /// Calls `each` with every stored state.
    ///
    /// # Errors
    /// When one cannot be read, or what `each` says.
    pub fn states(
        &self,
        mut each: impl FnMut(Partition, &[u8], &[u8]) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        for (partition, held) in &self.partitions {
            held.log.states(|key, value| each(*partition, key, value))?;
        }
        Ok(())
    }

    /// What was committed last in a partition.
    pub fn meta(&self, partition: Partition) -> Option<Meta> {
        self.partitions.get(&partition).and_then(|held| held.meta)
    }

    /// Writes states of a partition anew; nothing else of it changes.
    ///
    /// # Errors
    /// When they cannot be committed: then none was.
    pub fn write(&mut self, partition: Partition, states: Vec<StateWrite>) -> Result<(), LogError> {
        let unknown = || LogError::Stop(format!("partition {partition} has no states"));
        let held = self.partitions.get_mut(&partition).ok_or_else(unknown)?;
        let commit = Commit {
            outputs: Vec::new(),
            states,
            meta: held.meta.ok_or_else(unknown)?,
        };
        patiently(|| {
            let committed = held.log.commit(&commit);
            if let Err(LogError::StartOver(_)) = &committed {
                held.log.recover()?;
            }
            committed
        })
    }

    /// Removes this machine's copies of the states of these partitions.
    ///
    /// # Errors
    /// When their files cannot be removed.
    pub fn forget(mut self, partitions: &BTreeSet<Partition>) -> Result<(), LogError> {
        for partition in partitions {
            if let Some(held) = self.partitions.remove(partition) {
                held.log.forget()?;
            }
        }
        Ok(())
    }
}
