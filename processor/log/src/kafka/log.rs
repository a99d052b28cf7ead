//! The log as producers, the projector and readers see it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::topic_partition_list::TopicPartitionList;
use rocksdb::Cache;

use super::append::Appender;
use super::client::{Consumer, KafkaOptions, describe};
use super::cursor::{self, ASK, Purpose};
use super::errors::asking;
use super::group::{KafkaGroup, MemberContext, metadata};
use super::read::{Reader, Readers};
use super::settings::Settings;
use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::{Bounds, Log, Topic};

/// Longest wait for a first answer when the log is opened.
const OPENING: Duration = Duration::from_secs(10);

/// The log on Apache Kafka.
pub struct KafkaLog {
    options: KafkaOptions,
    partitions: u32,
    /// For questions: it is assigned nothing.
    asker: Arc<Consumer>,
    appender: Appender,
    readers: Mutex<Readers>,
    settings: Mutex<Settings>,
    block_cache: Cache,
    /// `None` before a group was ever joined.
    member: RwLock<Option<Weak<BaseConsumer<MemberContext>>>>,
}

impl KafkaLog {
    /// Connects, and finds out how many partitions conversations have.
    ///
    /// # Errors
    /// `Wait` when no broker answers, `Stop` when the properties are wrong or the topics are missing.
    pub fn open(options: KafkaOptions) -> Result<Arc<KafkaLog>, LogError> {
        let asker = cursor::consumer(&options, Purpose::Browse)?;
        let partitions = count_partitions(&asker, &options)?;
        let block_cache = Cache::new_lru_cache(options.cache_bytes);
        Ok(Arc::new(KafkaLog {
            appender: Appender::new(&options),
            readers: Mutex::new(Readers::new(&options)),
            settings: Mutex::new(Settings::new(&options)),
            member: RwLock::new(None),
            partitions,
            asker,
            block_cache,
            options,
        }))
    }

    /// Where it is and how it is spoken with.
    #[must_use]
    pub fn options(&self) -> &KafkaOptions {
        &self.options
    }

    /// Commits are made as this member of the group from now on.
    pub fn commit_as(&self, group: &KafkaGroup) {
        *self.member.write() = Some(Arc::downgrade(&group.member()));
    }

    pub(super) fn group_metadata(&self) -> Result<ConsumerGroupMetadata, LogError> {
        let Some(member) = self.member.read().clone() else {
            return Err(LogError::Wait("no consumer group is joined yet".to_owned()));
        };
        let gone = || LogError::GiveUp("this process has left the consumer group".to_owned());
        metadata(&*member.upgrade().ok_or_else(gone)?)
    }

    pub(super) fn settings(&self) -> &Mutex<Settings> {
        &self.settings
    }

    pub(super) fn block_cache(&self) -> &Cache {
        &self.block_cache
    }

    /// Where the local stores of this group lie.
    pub(super) fn store_directory(&self) -> PathBuf {
        self.options
            .data_dir
            .join("states")
            .join(&self.options.group)
    }

    fn with_reader<T>(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        call: impl FnOnce(&mut Reader) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let mut reader = self.readers.lock().take(topic, partition, from)?;
        let result = call(&mut reader);
        self.readers.lock().put_back(reader, result.is_err());
        result
    }
}

fn count_partitions(asker: &Consumer, options: &KafkaOptions) -> Result<u32, LogError> {
    let topic = Topic::ConversationEvents.name();
    let servers = &options.bootstrap_servers;
    let found = asker
        .fetch_metadata(Some(topic), OPENING)
        .map_err(|error| {
            let reason = asker.client().context().unreachable();
            LogError::Wait(format!(
                "no Kafka broker of {servers} answered within {} s: {}",
                OPENING.as_secs(),
                reason.unwrap_or_else(|| describe(&error))
            ))
        })?;
    let partitions = found
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len());
    match u32::try_from(partitions) {
        Ok(partitions) if partitions > 0 => Ok(partitions),
        _ => Err(LogError::Stop(format!(
            "there is no topic {topic} on {servers}: make the topics with `afterword topics create`"
        ))),
    }
}

impl Log for KafkaLog {
    fn partitions(&self, topic: Topic) -> u32 {
        topic.partitions(self.partitions)
    }

    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        self.appender.append(topic.name(), &records)
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        self.with_reader(topic, partition, from, |reader| {
            reader.read(max_bytes, batch)
        })
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        let bounds = cursor::bounds(&self.asker, topic.name(), partition)?;
        self.readers.lock().tell_end(topic, partition, bounds.end);
        Ok(bounds)
    }

    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError> {
        let mut places = TopicPartitionList::new();
        let number = i32::try_from(partition.0).unwrap_or(i32::MAX);
        places.add_partition(Topic::ConversationEvents.name(), number);
        // The group's member knows its coordinator already; another client takes a second or more to find it.
        let member = self.member.read().as_ref().and_then(Weak::upgrade);
        let committed = match &member {
            Some(member) => member.committed_offsets(places, ASK),
            None => self.asker.committed_offsets(places, ASK),
        };
        let committed =
            committed.map_err(|error| asking("asking for the group's position", &error))?;
        let found = committed.elements().first().map(|place| place.offset());
        Ok(match found {
            Some(rdkafka::Offset::Offset(offset)) => u64::try_from(offset).ok().map(Offset),
            _ => None,
        })
    }

    fn wait_for(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        at_most: Duration,
    ) -> bool {
        let waited = self.with_reader(topic, partition, from, |reader| reader.wait(at_most));
        waited.unwrap_or_else(|error| {
            tracing::debug!(target: "kafka", %error, "waiting for records");
            // Whoever asks again at once should not spin.
            std::thread::sleep(at_most.min(Duration::from_millis(100)));
            false
        })
    }

    fn impediment(&self) -> Option<String> {
        self.appender.impediment()
    }
}
