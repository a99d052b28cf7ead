//! A partition of conversations as its task sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;

use super::client::Consumer;
use super::cursor::{self, Cursor, Purpose};
use super::defence::Defence;
use super::log::KafkaLog;
use super::producer::Transaction;
use super::restore::meta_record;
use super::store::StorePosition;
use super::takeover::{Taken, nobody};
use crate::batch::Batch;
use crate::commit::{Commit, Meta, OutputRecord, PartitionLog};
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::{Bounds, Topic};

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
    pub(super) log: Arc<KafkaLog>,
    pub(super) partition: Partition,
    pub(super) ownership: Arc<Ownership>,
    consumer: Option<Arc<Consumer>>,
    facts: Option<Cursor>,
    pub(super) taken: Option<Taken>,
    committed_at: Option<Instant>,
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

    pub(super) fn consumer(&mut self) -> Result<Arc<Consumer>, LogError> {
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

    /// In whose name the position is committed: the group refuses one that it has given the partition away from.
    fn member(&mut self) -> Result<ConsumerGroupMetadata, LogError> {
        if Defence::AbortOnLostAssignment.is_off() {
            return nobody(&*self.consumer()?);
        }
        self.ownership.check()?;
        self.log.group_metadata()
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
        let (taken, meta) = self.take_over()?;
        self.taken = Some(taken);
        Ok(meta)
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
        let mut written = taken.written;
        let outputs = commit.outputs.iter();
        let new: Vec<&OutputRecord> = outputs.filter(|output| written.take(output)).collect();
        let meta = meta_record(&taken.changelog_id, &written, &commit.meta, timestamp_ms);
        let outputs = new
            .iter()
            .map(|output| (output.topic.name(), &output.record));
        let states = states.iter().map(|record| (topic.as_str(), record));
        let pairs = commit.states.iter();
        let pairs = pairs.map(|state| (state.key.as_slice(), Some(state.value.as_slice())));
        if Defence::StoreAfterCommit.is_off() {
            taken.store.write(pairs.clone(), None)?;
        }
        let done = taken.producer.commit(
            Transaction {
                records: &mut outputs.chain(states),
                meta: (&topic, &meta),
                position: (Topic::ConversationEvents.name(), commit.meta.next),
            },
            &group,
        );
        let meta_at = match done {
            Ok(meta_at) => meta_at,
            Err(error) => return Err(self.after_failure(error)),
        };
        self.committed_at = Some(Instant::now());
        taken.meta_at = Some(meta_at);
        taken.written = written;
        let position = StorePosition {
            changelog_id: taken.changelog_id.clone(),
            meta_at,
        };
        taken.store.write(pairs, Some(&position))
    }
}

impl KafkaPartition {
    /// Calls `each` with every stored state, once the partition is recovered.
    ///
    /// # Errors
    /// As [`PartitionLog::load`], or what `each` says.
    pub fn states(
        &self,
        each: impl FnMut(&[u8], &[u8]) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let taken = self.taken.as_ref();
        taken
            .ok_or_else(|| not_taken(self.partition))?
            .store
            .each(each)
    }

    /// Removes this machine's copy of the states, with what lies in its files of older ones: whoever takes the partition over
    /// next makes it anew from the changelog.
    ///
    /// # Errors
    /// `Wait` when its files cannot be removed.
    pub fn forget(mut self) -> Result<(), LogError> {
        match self.taken.take() {
            Some(taken) => taken.store.remove(),
            None => Ok(()),
        }
    }

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
