//! A partition of conversations as its task sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};

use super::client::Consumer;
use super::cursor::{self, Cursor, Purpose};
use super::defence::Defence;
use super::log::KafkaLog;
use super::producer::{Transaction, TransactionalProducer};
use super::restore::{Changelog, Committed, meta_record};
use super::store::{Store, StorePosition};
use crate::batch::Batch;
use crate::commit::{Commit, Meta, PartitionLog};
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::{Bounds, Log as _, Topic};

/// How long a poll that should not wait waits all the same while more is on its way: the source is not dry then.
const MORE_IS_COMING: Duration = Duration::from_millis(5);
/// How long the coordinator is left in peace after a commit, while it writes its marks: a transaction that begins meanwhile is
/// put off by 20 ms inside the client.
const SETTLING: Duration = Duration::from_millis(8);

/// Whether a partition is still this process's, as the group last said.
#[derive(Debug, Default)]
pub struct Ownership(AtomicBool);

impl Ownership {
    /// The partition is another's: nothing more may be committed.
    pub fn lose(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn check(&self) -> Result<(), LogError> {
        match self.0.load(Ordering::Acquire) {
            true => Err(LogError::GiveUp(
                "the consumer group gave it to another".to_owned(),
            )),
            false => Ok(()),
        }
    }
}

/// One partition of the conversations, for its one task. All of it lives on the task's thread.
pub struct KafkaPartition {
    log: Arc<KafkaLog>,
    partition: Partition,
    ownership: Arc<Ownership>,
    consumer: Option<Arc<Consumer>>,
    facts: Option<Cursor>,
    taken: Option<Taken>,
    committed_at: Option<Instant>,
}

/// What a take-over gives.
struct Taken {
    producer: TransactionalProducer,
    store: Store,
    changelog_id: Vec<u8>,
    /// Where the meta record of the last commit lies.
    meta_at: Option<Offset>,
}

impl KafkaPartition {
    /// A partition that is not taken over yet.
    #[must_use]
    pub fn new(log: &Arc<KafkaLog>, partition: Partition, ownership: Arc<Ownership>) -> Self {
        KafkaPartition {
            log: Arc::clone(log),
            partition,
            ownership,
            consumer: None,
            facts: None,
            taken: None,
            committed_at: None,
        }
    }

    fn consumer(&mut self) -> Result<Arc<Consumer>, LogError> {
        if let Some(consumer) = &self.consumer {
            return Ok(Arc::clone(consumer));
        }
        let consumer = cursor::consumer(self.log.options(), Purpose::Follow)?;
        self.consumer = Some(Arc::clone(&consumer));
        Ok(consumer)
    }

    fn bounds(&mut self) -> Result<Bounds, LogError> {
        let consumer = self.consumer()?;
        cursor::bounds(&consumer, Topic::ConversationEvents.name(), self.partition)
    }

    /// The changelog and the group must agree: both were written by the same transactions.
    fn check_agreement(&self, committed: Option<&Committed>) -> Result<(), LogError> {
        // No transaction is open on it: the former owner was fenced.
        let group = self.log.committed(self.partition)?;
        let (topic, partition) = (Topic::ConversationEvents.name(), self.partition);
        let (name, changelog) = (&self.log.options().group, self.log.options().changelog());
        match (committed.map(|committed| committed.meta.next), group) {
            (Some(next), Some(group)) if group > next => Err(LogError::Stop(format!(
                "group {name:?} stands at offset {group} of {topic} {partition}, and its changelog {changelog} at {next}: \
                 they are written together, so somebody moved the group on. Put it back: kafka-consumer-groups \
                 --group {name} --topic {topic}:{partition} --reset-offsets --to-offset {next} --execute"
            ))),
            (Some(next), Some(group)) if group < next => {
                // A broker that was killed may have forgotten the position of a transaction whose records it kept; and
                // whoever set the group back cannot have the past decided anew.
                tracing::warn!(
                    partition = partition.0,
                    group = group.0,
                    next = next.0,
                    "the group's position is older than the changelog's, which counts"
                );
                Ok(())
            }
            (None, Some(group)) => Err(LogError::Stop(format!(
                "group {name:?} stands at offset {group} of {topic} {partition}, and its changelog {changelog} has nothing: \
                 it was deleted or emptied. The states are lost with it; to fold everything anew, with outputs repeated, \
                 choose another kafka.group"
            ))),
            (Some(next), None) => {
                tracing::info!(
                    partition = partition.0,
                    next = next.0,
                    "the group's position has expired; the changelog has it"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// In whose name the position is committed: the group refuses one that it has given the partition away from.
    fn member(&mut self) -> Result<ConsumerGroupMetadata, LogError> {
        if Defence::AbortOnLostAssignment.is_off() {
            return nobody(&*self.consumer()?);
        }
        self.ownership.check()?;
        self.log.group_metadata()
    }

    /// Another producer takes the place of one that may have left something on its way. Whoever has taken the partition
    /// over meanwhile is noticed by what it committed.
    fn renew(&mut self) -> Result<(), LogError> {
        let consumer = self.consumer()?;
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        let nobody = nobody(&consumer)?;
        taken.producer =
            TransactionalProducer::take_over(self.log.options(), self.partition, &nobody)?;
        let changelog = Changelog {
            consumer: &consumer,
            topic: &self.log.options().changelog(),
            partition: self.partition,
            ownership: &self.ownership,
        };
        if Defence::StartOverInDoubt.is_off() {
            return Ok(());
        }
        let untouched = changelog.is_untouched_since(taken.meta_at);
        if let Ok(true) = untouched {
            return Ok(());
        }
        // The new producer must not be used before this question is answered.
        taken.producer.worn = true;
        untouched?;
        Err(LogError::StartOver(
            "another process has committed this partition meanwhile".to_owned(),
        ))
    }
}

impl PartitionLog for KafkaPartition {
    fn partition(&self) -> Partition {
        self.partition
    }

    fn recover(&mut self) -> Result<Option<Meta>, LogError> {
        self.ownership.check()?;
        self.facts = None;
        self.taken = None;
        let consumer = self.consumer()?;
        let log = Arc::clone(&self.log);
        let topic = log.options().changelog();
        // Fence the former owner first: what is measured before that may still grow.
        let early = match Defence::MeasureAfterFence.is_off() {
            true => Some(cursor::bounds(&consumer, &topic, self.partition)?),
            false => None,
        };
        let nobody = nobody(&consumer)?;
        let producer = TransactionalProducer::take_over(log.options(), self.partition, &nobody)?;
        let store = Store::open(&log.store_directory(), self.partition, log.block_cache())?;
        let changelog = Changelog {
            consumer: &consumer,
            topic: &topic,
            partition: self.partition,
            ownership: &self.ownership,
        };
        let bounds = early.map_or_else(|| changelog.bounds(), Ok)?;
        let (store, committed) = changelog.restore(store, log.block_cache(), bounds)?;
        self.check_agreement(committed.as_ref())?;
        log.settings().lock().catch_up(&self.ownership)?;
        let (changelog_id, meta_at) = match &committed {
            Some(committed) => {
                let StorePosition {
                    changelog_id,
                    meta_at,
                } = committed.position.clone();
                (changelog_id, Some(meta_at))
            }
            None => (uuid::Uuid::new_v4().as_bytes().to_vec(), None),
        };
        self.taken = Some(Taken {
            producer,
            store,
            changelog_id,
            meta_at,
        });
        Ok(committed.map(|committed| committed.meta))
    }

    fn start(&mut self) -> Result<Offset, LogError> {
        self.bounds().map(|bounds| bounds.start)
    }

    fn end(&mut self) -> Result<Offset, LogError> {
        self.bounds().map(|bounds| bounds.end)
    }

    fn poll(
        &mut self,
        from: Offset,
        max_records: usize,
        wait: Duration,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        batch.clear();
        self.ownership.check()?;
        if self.facts.as_ref().map(Cursor::next) != Some(from) {
            // Given back before it is taken again.
            self.facts = None;
            let consumer = self.consumer()?;
            let topic = Topic::ConversationEvents.name();
            self.facts = Some(Cursor::open(&consumer, topic, self.partition, from)?);
        }
        let Some(cursor) = &mut self.facts else {
            return Ok(());
        };
        let settling = self
            .committed_at
            .map_or(Duration::ZERO, |at| SETTLING.saturating_sub(at.elapsed()));
        let coming = match cursor.is_at_end() {
            true => Duration::ZERO,
            false => MORE_IS_COMING,
        };
        let wait = wait.max(coming).max(settling);
        let fetched = cursor.fetch(max_records, wait, batch);
        if fetched.is_err() {
            self.facts = None;
            batch.clear();
        }
        fetched
    }

    fn load(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, LogError> {
        match (&self.taken, keys.is_empty()) {
            (_, true) => Ok(Vec::new()),
            (Some(taken), false) => taken.store.load(keys),
            (None, false) => Err(not_taken(self.partition)),
        }
    }

    fn settings(&mut self, from: Offset, batch: &mut Batch) -> Result<(), LogError> {
        self.log.settings().lock().read(from, batch)
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), LogError> {
        let group = self.member()?;
        if self
            .taken
            .as_ref()
            .is_some_and(|taken| taken.producer.worn && !Defence::NewProducerInDoubt.is_off())
        {
            self.renew()?;
        }
        let partition = self.partition;
        let taken = self.taken.as_mut().ok_or_else(|| not_taken(partition))?;
        let topic = self.log.options().changelog();
        let newest = commit
            .outputs
            .last()
            .map(|output| output.record.timestamp_ms);
        let timestamp_ms = newest.unwrap_or(0);
        let states: Vec<Record> = commit
            .states
            .iter()
            .map(|state| Record::new(state.key.as_slice(), state.value.as_slice(), timestamp_ms))
            .collect();
        let meta = meta_record(&taken.changelog_id, &commit.meta, timestamp_ms);
        let outputs = commit
            .outputs
            .iter()
            .map(|output| (output.topic.name(), &output.record));
        let states = states.iter().map(|record| (topic.as_str(), record));
        let pairs = commit.states.iter();
        let pairs = pairs.map(|state| (state.key.as_slice(), Some(state.value.as_slice())));
        if Defence::StoreAfterCommit.is_off() {
            taken.store.write(pairs.clone(), None)?;
        }
        let written = taken.producer.commit(
            Transaction {
                records: &mut outputs.chain(states),
                meta: (&topic, &meta),
                position: (Topic::ConversationEvents.name(), commit.meta.next),
            },
            &group,
        );
        let meta_at = match written {
            Ok(meta_at) => meta_at,
            Err(error) => return Err(self.after_failure(error)),
        };
        self.committed_at = Some(Instant::now());
        taken.meta_at = Some(meta_at);
        let position = StorePosition {
            changelog_id: taken.changelog_id.clone(),
            meta_at,
        };
        taken.store.write(pairs, Some(&position))
    }
}

impl KafkaPartition {
    fn after_failure(&mut self, error: LogError) -> LogError {
        if let LogError::StartOver(_) = &error
            && Defence::StartOverInDoubt.is_off()
        {
            return LogError::Wait(error.to_string());
        }
        if !matches!(error, LogError::Wait(_)) {
            // Whoever goes on must take it over again.
            self.taken = None;
        }
        error
    }
}

impl Drop for KafkaPartition {
    fn drop(&mut self) {
        if let Some(taken) = &self.taken {
            taken.store.flush();
        }
    }
}

fn not_taken(partition: Partition) -> LogError {
    LogError::StartOver(format!("partition {partition} is not taken over"))
}

/// No member of the group: the consumer has never joined it.
fn nobody(consumer: &Consumer) -> Result<ConsumerGroupMetadata, LogError> {
    let unknown = || LogError::Wait("the client has no group yet".to_owned());
    consumer.group_metadata().ok_or_else(unknown)
}
