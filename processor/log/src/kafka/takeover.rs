//! Taking a partition over: fence, sweep, measure, restore, and hold what is there against what was committed.

use std::sync::Arc;

use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};

use super::client::Consumer;
use super::cursor::{self, Purpose};
use super::defence::Defence;
use super::outputs::{Agreement, Outputs, Written};
use super::producer::{Transaction, TransactionalProducer};
use super::restore::{Changelog, Committed, meta_record};
use super::store::{Store, StorePosition};
use super::task::KafkaPartition;
use crate::commit::Meta;
use crate::error::LogError;
use crate::record::{Offset, Record};
use crate::topic::{Log as _, Topic};

/// What a take-over gives.
pub(super) struct Taken {
    pub producer: TransactionalProducer,
    pub store: Store,
    pub changelog_id: Vec<u8>,
    /// Where the meta record of the last commit lies.
    pub meta_at: Option<Offset>,
    /// The last outputs.
    pub written: Written,
}

impl KafkaPartition {
    /// Takes the partition over; returns what was committed last beside it.
    ///
    /// # Errors
    /// `StartOver` when outputs that a broker had forgotten were written again; else as the calls of a log.
    pub(super) fn take_over(&mut self) -> Result<(Taken, Option<Meta>), LogError> {
        let consumer = self.consumer()?;
        let log = Arc::clone(&self.log);
        let topic = log.options().changelog();
        let changelog = Changelog {
            consumer: &consumer,
            topic: &topic,
            partition: self.partition,
            ownership: &self.ownership,
        };
        // Fence the former owner first: what is measured before that may still grow.
        let early = match Defence::MeasureAfterFence.is_off() {
            true => Some(changelog.bounds()?),
            false => None,
        };
        let nobody = nobody(&consumer)?;
        let producer = TransactionalProducer::take_over(log.options(), self.partition, &nobody)?;
        let store = Store::open(&log.store_directory(), self.partition, log.block_cache())?;
        let bounds = early.map_or_else(|| changelog.bounds(), Ok)?;
        let (store, committed) = changelog.restore(store, log.block_cache(), bounds)?;
        self.check_position(committed.as_ref())?;
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
        let mut taken = Taken {
            producer,
            store,
            changelog_id,
            meta_at,
            written: Written::default(),
        };
        taken.written = match self.agree(&consumer, committed.as_ref())? {
            Agreement::Reached(written) => written,
            Agreement::Missing(missing) => {
                return Err(self.write_again(&mut taken, &missing, committed, &nobody));
            }
        };
        log.settings().lock().catch_up(&self.ownership)?;
        Ok((taken, committed.map(|committed| committed.meta)))
    }

    fn agree(
        &self,
        consumer: &Arc<Consumer>,
        committed: Option<&Committed>,
    ) -> Result<Agreement, LogError> {
        let outputs = Outputs {
            consumer,
            partition: self.partition,
            ownership: &self.ownership,
        };
        let written = committed.and_then(|committed| committed.written.as_ref());
        if Defence::AgreeWithOutputs.is_off() {
            return Ok(Agreement::Reached(written.copied().unwrap_or_default()));
        }
        let shown = outputs.look(written)?;
        outputs.agree(written, &shown, || {
            cursor::consumer(self.log.options(), Purpose::BrowseEverything)
        })
    }

    /// Outputs that were committed and are not shown, in a transaction with the same meta record once more. The partition is
    /// taken over anew after it.
    fn write_again(
        &self,
        taken: &mut Taken,
        missing: &[(Topic, Record)],
        committed: Option<Committed>,
        nobody: &ConsumerGroupMetadata,
    ) -> LogError {
        let Some(Committed {
            meta,
            written: Some(written),
            ..
        }) = committed
        else {
            return LogError::StartOver("nothing was committed yet".to_owned());
        };
        let count = missing.len();
        let timestamp_ms = missing.last().map_or(0, |(_, record)| record.timestamp_ms);
        let topic = self.log.options().changelog();
        let transaction = Transaction {
            records: &mut missing.iter().map(|(topic, record)| (topic.name(), record)),
            meta: (
                &topic,
                &meta_record(&taken.changelog_id, &written, &meta, timestamp_ms),
            ),
            position: (Topic::ConversationEvents.name(), meta.next),
        };
        match taken.producer.commit(transaction, nobody) {
            Ok(_) => LogError::StartOver(format!(
                "{count} outputs, of which a broker had forgotten that they were committed, were written again"
            )),
            Err(error) => error,
        }
    }

    /// The position of the group and the changelog's are written by the same transactions; the changelog's counts.
    fn check_position(&self, committed: Option<&Committed>) -> Result<(), LogError> {
        // No transaction is open on it: the former owner was fenced.
        let group = self.log.committed(self.partition)?;
        let (topic, partition) = (Topic::ConversationEvents.name(), self.partition);
        let (name, changelog) = (&self.log.options().group, self.log.options().changelog());
        match (committed.map(|committed| committed.meta.next), group) {
            (Some(next), Some(group)) if group != next => {
                // A broker that was killed may have forgotten one of the two; and whoever moved the group cannot have the past
                // decided anew, nor a fact left out.
                tracing::warn!(
                    partition = partition.0,
                    group = group.0,
                    next = next.0,
                    "the group's position is not the changelog's, which counts"
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

    /// Another producer takes the place of one that may have left something on its way. Whoever has taken the partition
    /// over meanwhile is noticed by what it committed.
    pub(super) fn renew(&mut self) -> Result<(), LogError> {
        let consumer = self.consumer()?;
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        let nobody = nobody(&consumer)?;
        taken.producer =
            TransactionalProducer::take_over(self.log.options(), self.partition, &nobody)?;
        if Defence::StartOverInDoubt.is_off() {
            return Ok(());
        }
        // The new producer must not be used before these questions are answered.
        taken.producer.worn = true;
        let changelog = Changelog {
            consumer: &consumer,
            topic: &self.log.options().changelog(),
            partition: self.partition,
            ownership: &self.ownership,
        };
        if !changelog.is_untouched_since(taken.meta_at)? {
            return Err(LogError::StartOver(
                "another process has committed this partition meanwhile, or a commit was forgotten"
                    .to_owned(),
            ));
        }
        let outputs = Outputs {
            consumer: &consumer,
            partition: self.partition,
            ownership: &self.ownership,
        };
        if !outputs.look(Some(&taken.written))?.is(&taken.written) {
            return Err(LogError::StartOver(
                "outputs that were committed are not there".to_owned(),
            ));
        }
        taken.producer.worn = false;
        Ok(())
    }
}

/// No member of the group: the consumer has never joined it.
pub(super) fn nobody(consumer: &Consumer) -> Result<ConsumerGroupMetadata, LogError> {
    let unknown = || LogError::Wait("the client has no group yet".to_owned());
    consumer.group_metadata().ok_or_else(unknown)
}
