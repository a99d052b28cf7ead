//! What an erasure asks of the brokers: who is at work, how long records are kept, who has not read them yet, and to delete
//! them.

use std::collections::{BTreeMap, BTreeSet};

use futures_executor::block_on;
use rdkafka::admin::AdminOptions;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::reach::{ANSWERED_WITHIN, Reached};
use super::topics;
use super::{AdminError, look};
use crate::kafka::KafkaOptions;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// Everything of a topic partition before this offset.
pub type Before = (Topic, Partition, Offset);

/// A consumer group that has not read everything before an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    pub group: String,
    pub topic: Topic,
    pub partition: Partition,
    /// What it reads next.
    pub next: Offset,
}

/// How long records stay in a topic, in milliseconds; `None` is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub retention_ms: Option<u64>,
    /// Longest time until a file of records is closed: it is kept or removed as a whole.
    pub segment_ms: Option<u64>,
}

/// How long records stay in the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub topics: BTreeMap<Topic, Kept>,
    /// How long the changelog has an outdated state at most, in milliseconds; `None` when nothing says so.
    pub changelog_ms: Option<u64>,
}

/// One administrator's clients.
pub struct Brokers<'a> {
    options: &'a KafkaOptions,
    reached: Reached,
}

impl<'a> Brokers<'a> {
    /// Waits until a broker answers.
    ///
    /// # Errors
    /// When none does within 15 s, or one refuses us.
    pub fn new(options: &'a KafkaOptions) -> Result<Brokers<'a>, AdminError> {
        let reached = Reached::new(options)?;
        Ok(Brokers { options, reached })
    }

    /// How many members a consumer group has now.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn members(&self, group: &str) -> Result<usize, AdminError> {
        let found = self.reached.groups(Some(group))?;
        let groups = found.groups().iter();
        Ok(groups.map(|group| group.members().len()).sum())
    }

    /// How long records stay.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn lifetimes(&self) -> Result<Lifetimes, AdminError> {
        let seen = look(self.options, &self.reached)?;
        let finite = |ms: i64| u64::try_from(ms).ok().filter(|_| ms != i64::MAX);
        let of = |name: &str, setting| {
            let topic = seen.topics.get(name);
            topic
                .and_then(|topic| topics::number(topic, setting))
                .and_then(finite)
        };
        let kept = Topic::ALL.map(|topic| {
            let kept = Kept {
                retention_ms: of(topic.name(), "retention.ms"),
                segment_ms: of(topic.name(), "segment.ms"),
            };
            (topic, kept)
        });
        Ok(Lifetimes {
            topics: BTreeMap::from(kept),
            changelog_ms: of(&self.options.changelog(), "max.compaction.lag.ms"),
        })
    }

    /// The consumer groups that have committed a position in one of these partitions, and have something before these offsets
    /// still to read. Those that these names have do not count.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn behind(
        &self,
        before: &[Before],
        ours: &BTreeSet<String>,
    ) -> Result<Vec<Behind>, AdminError> {
        let found = self.reached.groups(None)?;
        let mut behind = Vec::new();
        for group in found.groups() {
            if !ours.contains(group.name()) {
                behind.extend(self.behind_of(group.name(), before)?);
            }
        }
        Ok(behind)
    }

    fn behind_of(&self, group: &str, before: &[Before]) -> Result<Vec<Behind>, AdminError> {
        let mut config = ClientConfig::new();
        config.extend(self.options.properties.clone());
        config
            .set("bootstrap.servers", &self.options.bootstrap_servers)
            .set("group.id", group);
        // It joins nothing: a member is whoever subscribes.
        let asker: BaseConsumer = config
            .create()
            .map_err(|error| AdminError::Refused(error.to_string()))?;
        let asked = asker.committed_offsets(places(before)?, ANSWERED_WITHIN);
        let asked = asked.map_err(|error| {
            AdminError::Unreachable(format!(
                "asking for the position of group {group:?}: {error}"
            ))
        })?;
        let mut behind = Vec::new();
        for (topic, partition, wanted) in before {
            let place = asked.find_partition(topic.name(), number(*partition));
            if let Some(rdkafka::Offset::Offset(next)) = place.map(|place| place.offset())
                && let next = Offset(u64::try_from(next).unwrap_or(0))
                && next < *wanted
            {
                behind.push(Behind {
                    group: group.to_owned(),
                    topic: *topic,
                    partition: *partition,
                    next,
                });
            }
        }
        Ok(behind)
    }

    /// Deletes the records before these offsets: nobody can read them from now on. Their bytes go with the files that they
    /// are in, once those hold nothing else.
    ///
    /// # Errors
    /// When a broker refuses: some partitions may have been done.
    pub fn delete(&self, before: &[Before]) -> Result<(), AdminError> {
        let limits = AdminOptions::new()
            .request_timeout(Some(ANSWERED_WITHIN))
            .operation_timeout(Some(ANSWERED_WITHIN));
        let deleted = self
            .reached
            .admin()
            .delete_records(&places(before)?, &limits);
        let deleted = block_on(deleted)
            .map_err(|error| AdminError::Refused(format!("to delete records: {error}")))?;
        for place in deleted.elements() {
            place.error().map_err(|error| {
                let (topic, partition) = (place.topic(), place.partition());
                AdminError::Refused(format!(
                    "to delete records of {topic} {partition}: {error}; may the program's user Delete on this topic?"
                ))
            })?;
        }
        Ok(())
    }
}

fn number(partition: Partition) -> i32 {
    i32::try_from(partition.0).unwrap_or(i32::MAX)
}

fn places(before: &[Before]) -> Result<TopicPartitionList, AdminError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in before {
        let offset = i64::try_from(offset.0).unwrap_or(i64::MAX);
        list.add_partition_offset(
            topic.name(),
            number(*partition),
            rdkafka::Offset::Offset(offset),
        )
        .map_err(|error| AdminError::Refused(error.to_string()))?;
    }
    Ok(list)
}
