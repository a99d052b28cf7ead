//! Appending facts and whatever else is not a task's: idempotent, and acknowledged by every replica that is in sync.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};

use super::admin::RECORD_BYTES;
use super::client::{Context, KafkaOptions, describe, make};
use super::message::to_send;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};

/// Longest wait for room in the producer's queue.
const ROOM: Duration = Duration::from_secs(10);
/// Longest wait for reports beyond the time that the client itself gives a record.
const REPORTS: Duration = Duration::from_secs(60);

/// How long one look for a broker may take.
const LOOK_WAIT: Duration = Duration::from_secs(1);

/// Whom a record's delivery is told, and which of the append's records it was.
struct Told {
    index: usize,
    reports: Sender<(usize, Result<Offset, KafkaError>)>,
}

#[derive(Default)]
struct Reports {
    client: Context,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Told>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Box<Told>) {
        let report = match result {
            Ok(message) => Ok(Offset(u64::try_from(message.offset()).unwrap_or(0))),
            Err((error, _)) => Err(error.clone()),
        };
        if report.is_ok() {
            self.client.reached();
        }
        // The channel has room for every report of its append.
        let _ = told.reports.try_send((told.index, report));
    }
}

type AppendProducer = ThreadedProducer<Reports>;

/// Appends records; made at the first use.
pub(super) struct Appender {
    options: KafkaOptions,
    producer: Mutex<Option<Arc<AppendProducer>>>,
}

impl Appender {
    pub(super) fn new(options: &KafkaOptions) -> Appender {
        Appender {
            options: options.clone(),
            producer: Mutex::new(None),
        }
    }

    fn producer(&self) -> Result<Arc<AppendProducer>, LogError> {
        let mut place = self.producer.lock();
        if let Some(producer) = &*place {
            match producer.client().fatal_error() {
                None => return Ok(Arc::clone(producer)),
                Some((code, reason)) => {
                    tracing::warn!(%code, reason, "the producer is replaced");
                    *place = None;
                }
            }
        }
        let producer: AppendProducer = make(&self.options.appender(), Reports::default())?;
        let producer = Arc::new(producer);
        *place = Some(Arc::clone(&producer));
        Ok(producer)
    }

    /// Why appends fail now, as far as is known.
    pub(super) fn impediment(&self) -> Option<String> {
        let producer = self.producer.lock().clone()?;
        let context = &producer.context().client;
        if context.should_look() && producer.client().fetch_metadata(None, LOOK_WAIT).is_ok() {
            context.reached();
        }
        let reason = context.unreachable()?;
        Some(format!("no broker answers: {reason}"))
    }

    /// Appends all records and returns where each went, once all are durable.
    ///
    /// # Errors
    /// `Wait` when none was appended; `StartOver` when some may be.
    pub(super) fn append(
        &self,
        topic: &str,
        records: &[(Partition, Record)],
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(impediment) = self.impediment() {
            return Err(LogError::Wait(impediment));
        }
        let producer = self.producer()?;
        let (reports, reported) = bounded(records.len());
        let mut sent = 0;
        let mut refused = None;
        for (index, (partition, record)) in records.iter().enumerate() {
            let told = Box::new(Told {
                index,
                reports: reports.clone(),
            });
            match send(&producer, topic, *partition, record, told) {
                Ok(()) => sent += 1,
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        drop(reports);
        let mut places: Vec<_> = records
            .iter()
            .map(|(partition, _)| (*partition, Offset(0)))
            .collect();
        let mut taken = 0;
        let mut in_doubt = false;
        for _ in 0..sent {
            let Ok((index, report)) = reported.recv_timeout(REPORTS) else {
                in_doubt = true;
                break;
            };
            match report {
                Ok(offset) => {
                    places[index].1 = offset;
                    taken += 1;
                }
                Err(error) => {
                    in_doubt |= may_be_durable(&error);
                    refused.get_or_insert(error);
                }
            }
        }
        match refused {
            None if !in_doubt => Ok(places),
            refused => Err(failure(topic, refused.as_ref(), taken > 0 || in_doubt)),
        }
    }
}

/// A report that does not come in time says nothing about the record.
fn may_be_durable(error: &KafkaError) -> bool {
    !matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTimestamp
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::QueueFull
        )
    )
}

fn failure(topic: &str, error: Option<&KafkaError>, some_may_be: bool) -> LogError {
    let reason = error.map_or_else(|| "no report came".to_owned(), describe);
    let text = format!("appending to {topic}: {reason}");
    let is_too_large = error.and_then(KafkaError::rdkafka_error_code)
        == Some(RDKafkaErrorCode::MessageSizeTooLarge);
    match (some_may_be, is_too_large) {
        (false, true) => LogError::Stop(format!(
            "{text}: raise max.message.bytes of the topic to {RECORD_BYTES} (`afterword topics check` says more)"
        )),
        (false, false) => LogError::Wait(text),
        (true, _) => LogError::StartOver(text),
    }
}

fn send(
    producer: &AppendProducer,
    topic: &str,
    partition: Partition,
    record: &Record,
    told: Box<Told>,
) -> Result<(), KafkaError> {
    let mut message = to_send(topic, partition, record, told);
    let until = Instant::now() + ROOM;
    loop {
        match producer.send(message) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent))
                if Instant::now() < until =>
            {
                message = unsent;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error),
        }
    }
}
