//! A partition's transactions. librdkafka repeats a request whose answer did not come in time, and the first copy may reach
//! the broker late, in a later transaction of the same producer (it has not the part of KIP-890 that forbids it). So a
//! producer is used no longer than nothing of that kind can have happened; the next one's epoch shuts out what is late.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::client::{Context, KafkaOptions, describe, make};
use super::defence::{Defence, is_forgotten};
use super::errors::{asking, in_transaction, is_stale_member};
use super::message::to_send;
use super::outputs::OUTPUTS;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Topic;

/// Longest wait for the coordinator to fence the former owner and end its transaction.
const INIT: Duration = Duration::from_secs(15);
/// Longest wait for one call of a transaction.
const CALL: Duration = Duration::from_secs(10);
/// How often delivery reports are looked for: a commit waits for them.
const BETWEEN_REPORTS: Duration = Duration::from_micros(200);
/// Less than the client waits before it repeats a request (a second, less a fifth): what took less was asked once.
const SURELY_ASKED_ONCE: Duration = Duration::from_millis(750);

/// The key of records that are aborted on purpose.
pub(super) const SWEEP_KEY: &[u8] = b"\0swept";

/// Marks the last record of a transaction, whose offset is remembered.
const META: usize = 1;

/// What became of the records of the open transaction.
#[derive(Default)]
pub(super) struct Deliveries {
    client: Context,
    failed: Mutex<Option<String>>,
    meta_offset: AtomicI64,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, kind: usize) {
        match result {
            Ok(message) if kind == META => {
                self.meta_offset.store(message.offset(), Ordering::Release);
            }
            Ok(_) => {}
            Err((error, message)) => {
                self.failed.lock().get_or_insert_with(|| {
                    format!(
                        "a record for {} was not taken: {}",
                        message.topic(),
                        describe(error)
                    )
                });
            }
        }
    }
}

/// One transaction to be: its records, and the position that goes with them.
pub(super) struct Transaction<'a> {
    pub records: &'a mut dyn Iterator<Item = (&'a str, &'a Record)>,
    /// The record that says what was committed, for this topic: the last one written.
    pub meta: (&'a str, &'a Record),
    pub position: (&'a str, Offset),
}

/// The transactional producer of one partition's task.
pub(super) struct TransactionalProducer {
    producer: BaseProducer<Deliveries>,
    partition: Partition,
    /// Something may still be on its way to a broker: the next transaction needs another producer.
    pub worn: bool,
}

impl TransactionalProducer {
    /// Makes a producer and fences every former one of this partition, whose open transaction is ended: the coordinator says
    /// so, and [`TransactionalProducer::sweep`] makes sure of it.
    ///
    /// # Errors
    /// `Wait` when the coordinator or a partition's leader cannot be reached.
    pub(super) fn take_over(
        options: &KafkaOptions,
        partition: Partition,
        nobody: &ConsumerGroupMetadata,
    ) -> Result<TransactionalProducer, LogError> {
        let mut id = format!("{}-{partition}", options.group);
        if Defence::InitTransactionsFence.is_off() {
            id = format!("{id}-{}", uuid::Uuid::new_v4());
        }
        let config = options.transactional(&id);
        let producer: BaseProducer<Deliveries> = make(&config, Deliveries::default())?;
        producer
            .init_transactions(INIT)
            .map_err(|error| asking(&format!("taking the transactional id {id} over"), &error))?;
        let taken = TransactionalProducer {
            producer,
            partition,
            worn: false,
        };
        if Defence::SweepAfterFence.is_off() {
            return Ok(taken);
        }
        taken.sweep(options, nobody).map_err(|error| match error {
            LogError::StartOver(text) => LogError::Wait(text),
            other => other,
        })?;
        Ok(taken)
    }

    /// Aborts whatever the former owner left open, by a transaction of its own that is aborted.
    ///
    /// A coordinator that comes up again after its broker was killed ends transactions whose time is over, and was seen
    /// (Kafka 4.3.1) to call them aborted without having written the abort to their partitions. Their records then lie open,
    /// and as all producers of one transactional id share a producer id, the next commit would commit them too: outputs
    /// twice. An abort of that producer id on each partition puts an end to them. A position that lies open the same way is
    /// worse: nobody is told the group's any more. So one is swept with them, in nobody's name, since no member may have to be
    /// asked for it.
    fn sweep(
        &self,
        options: &KafkaOptions,
        nobody: &ConsumerGroupMetadata,
    ) -> Result<(), LogError> {
        let changelog = options.changelog();
        let outputs = OUTPUTS.map(Topic::name);
        let swept = Record {
            key: Some(SWEEP_KEY.to_vec()),
            ..Record::default()
        };
        self.producer
            .begin_transaction()
            .map_err(|error| in_transaction("beginning to sweep", &error))?;
        for topic in outputs.into_iter().chain([changelog.as_str()]) {
            self.send(topic, &swept, 0)?;
        }
        self.wait_for_deliveries()?;
        self.send_position((Topic::ConversationEvents.name(), Offset(0)), nobody)?;
        self.producer
            .abort_transaction(CALL)
            .map_err(|error| in_transaction("sweeping", &error))
    }

    /// Writes everything in one transaction; returns the offset of its meta record.
    ///
    /// # Errors
    /// `GiveUp` when another has taken over; otherwise `StartOver`: whether it was committed is not known.
    pub(super) fn commit(
        &mut self,
        transaction: Transaction<'_>,
        group: &ConsumerGroupMetadata,
    ) -> Result<Offset, LogError> {
        let disconnects = self.disconnects();
        let mut slowest = Duration::ZERO;
        let outcome = self.run(transaction, group, disconnects, &mut slowest);
        self.worn =
            outcome.is_err() || slowest >= SURELY_ASKED_ONCE || self.disconnects() != disconnects;
        outcome
    }

    fn run(
        &self,
        transaction: Transaction<'_>,
        group: &ConsumerGroupMetadata,
        disconnects: u64,
        slowest: &mut Duration,
    ) -> Result<Offset, LogError> {
        let mut timed = |call: &dyn Fn() -> Result<(), LogError>| {
            let begun = Instant::now();
            let done = call();
            *slowest = begun.elapsed().max(*slowest);
            done
        };
        let producer = &self.producer;
        let deliveries = producer.context();
        *deliveries.failed.lock() = None;
        deliveries.meta_offset.store(-1, Ordering::Release);
        producer
            .begin_transaction()
            .map_err(|error| in_transaction("beginning a transaction", &error))?;
        let mut forgotten = Vec::new();
        for (topic, record) in transaction.records {
            match is_forgotten(topic) {
                true => forgotten.push((topic, record)),
                false => self.send(topic, record, 0)?,
            }
        }
        let (topic, record) = transaction.meta;
        match is_forgotten(topic) {
            true => forgotten.push((topic, record)),
            false => self.send(topic, record, META)?,
        }
        // The position comes second: right after a commit the coordinator may still be busy with it, which the client waits
        // for a few milliseconds when it adds partitions to a transaction, and a whole second when it adds a position.
        timed(&|| self.wait_for_deliveries())?;
        timed(&|| self.send_position(transaction.position, group))?;
        if self.disconnects() != disconnects {
            return Err(LogError::StartOver(
                "a broker was lost while a transaction was open".to_owned(),
            ));
        }
        timed(&|| {
            let committed = producer.commit_transaction(CALL);
            committed.map_err(|error| in_transaction("committing a transaction", &error))
        })?;
        if !forgotten.is_empty() {
            self.forget(&forgotten)?;
        }
        let offset = deliveries.meta_offset.load(Ordering::Acquire);
        match u64::try_from(offset) {
            Ok(offset) => Ok(Offset(offset)),
            Err(_) => Err(LogError::StartOver(
                "the meta record's offset was not reported".to_owned(),
            )),
        }
    }

    /// Leaves records as they lie when a broker forgot that they were committed, and they were swept. For tests.
    fn forget(&self, records: &[(&str, &Record)]) -> Result<(), LogError> {
        let failed = |error: KafkaError| in_transaction("forgetting", &error);
        self.producer.begin_transaction().map_err(failed)?;
        for (topic, record) in records {
            self.send(topic, record, META)?;
        }
        self.wait_for_deliveries()?;
        self.producer.abort_transaction(CALL).map_err(failed)
    }

    fn disconnects(&self) -> u64 {
        self.producer.context().client.disconnects()
    }

    fn send(&self, topic: &str, record: &Record, kind: usize) -> Result<(), LogError> {
        let mut message = to_send(topic, self.partition, record, kind);
        let until = Instant::now() + CALL;
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent))
                    if Instant::now() < until =>
                {
                    message = unsent;
                    self.producer.poll(Duration::ZERO);
                    std::thread::sleep(BETWEEN_REPORTS);
                }
                Err((error, _)) => {
                    return Err(in_transaction(&format!("producing to {topic}"), &error));
                }
            }
        }
    }

    fn send_position(
        &self,
        (topic, next): (&str, Offset),
        group: &ConsumerGroupMetadata,
    ) -> Result<(), LogError> {
        let mut positions = TopicPartitionList::new();
        let partition = i32::try_from(self.partition.0).unwrap_or(i32::MAX);
        let mut offset = i64::try_from(next.0).unwrap_or(i64::MAX);
        if Defence::OffsetPlusOne.is_off() {
            offset = offset.saturating_sub(1).max(0);
        }
        positions
            .add_partition_offset(topic, partition, rdkafka::Offset::Offset(offset))
            .map_err(|error| in_transaction("naming a position", &error))?;
        let added = self
            .producer
            .send_offsets_to_transaction(&positions, group, CALL);
        added.map_err(|error| match is_stale_member(&error) {
            true => self.abort(&error),
            false => in_transaction("adding the position to a transaction", &error),
        })
    }

    /// The group is being rebalanced: once the transaction is known to be aborted, the same commit may be tried as the member
    /// that this process is then.
    fn abort(&self, error: &KafkaError) -> LogError {
        match self.producer.abort_transaction(CALL) {
            Ok(()) => LogError::Wait(format!(
                "the group is being rebalanced: {}",
                describe(error)
            )),
            Err(error) => in_transaction("aborting a transaction", &error),
        }
    }

    /// Every record must have been taken. A commit would refuse as well, and not say which was not.
    fn wait_for_deliveries(&self) -> Result<(), LogError> {
        let until = Instant::now() + CALL;
        let mut left = self.producer.in_flight_count();
        while left > 0 {
            if Instant::now() >= until {
                return Err(LogError::StartOver(format!(
                    "{left} records were not taken by the brokers within {} s",
                    CALL.as_secs()
                )));
            }
            // A poll that waits waits to its end, and burns a core meanwhile: so it does not wait.
            self.producer.poll(Duration::ZERO);
            let before = std::mem::replace(&mut left, self.producer.in_flight_count());
            if left == before {
                std::thread::sleep(BETWEEN_REPORTS);
            }
        }
        match self.producer.context().failed.lock().take() {
            Some(failed) => Err(LogError::StartOver(failed)),
            None => Ok(()),
        }
    }
}
