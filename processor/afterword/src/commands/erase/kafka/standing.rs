//! Records of topics that name the customer or have a text of theirs: where they stand, how long, and who needs them still.

use std::collections::{BTreeMap, BTreeSet};

use afterword_log::kafka::KafkaLog;
use afterword_log::kafka::admin::{self, AdminError, Before, Behind, Lifetimes};
use afterword_log::{Log as _, LogError, Offset, Partition, RecordRef, Rewriter as _, Topic};

use afterword_readmodel::ProjectedPosition;

use super::super::check::walk;
use super::super::report::Report;
use super::super::rewriter::Eraser;
use super::super::{CHANGING, whole};
use super::hold::{self, Hold};
use crate::commands::history::reader::patiently;
use crate::failure::Failure;
use crate::terminal::Progress;

/// Those of one topic partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Records {
    count: u64,
    last: Offset,
    latest_ms: i64,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    records: BTreeMap<(Topic, Partition), Records>,
    /// The last record of each partition, whosever.
    last: BTreeMap<(Topic, Partition), Offset>,
}

/// Those of one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfTopic {
    pub topic: Topic,
    pub records: u64,
    pub partitions: u64,
    /// Of the latest record; in milliseconds since 1970.
    pub latest_ms: i64,
    /// About when retention has removed the last; `None` when it never does.
    pub gone_by_ms: Option<i64>,
}

impl Standing {
    /// Reads the topics, and counts what an erasure would change.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find(
        log: &KafkaLog,
        eraser: &mut Eraser<'_>,
        progress: &mut Progress,
    ) -> Result<Standing, LogError> {
        let mut standing = Standing::default();
        let whole = whole(log, &CHANGING)?;
        let mut told = |done| progress.show(done, Some(whole), "counting");
        walk(
            log,
            &CHANGING,
            &mut told,
            &mut |topic, partition, record| {
                standing.last.insert((topic, partition), record.offset);
                if eraser.record(topic, partition, record)?.is_some() {
                    standing.note(topic, partition, record);
                }
                Ok(())
            },
        )?;
        Ok(standing)
    }

    fn note(&mut self, topic: Topic, partition: Partition, record: &RecordRef<'_>) {
        let noted = self.records.entry((topic, partition)).or_insert(Records {
            count: 0,
            last: record.offset,
            latest_ms: record.timestamp_ms,
        });
        noted.count += 1;
        noted.last = noted.last.max(record.offset);
        noted.latest_ms = noted.latest_ms.max(record.timestamp_ms);
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// By topic.
    pub fn by_topic(&self, lifetimes: &Lifetimes) -> Vec<OfTopic> {
        let mut topics: Vec<OfTopic> = Vec::new();
        for ((topic, _), records) in &self.records {
            match topics.last_mut().filter(|last| last.topic == *topic) {
                Some(last) => {
                    last.records += records.count;
                    last.partitions += 1;
                    last.latest_ms = last.latest_ms.max(records.latest_ms);
                }
                None => topics.push(OfTopic {
                    topic: *topic,
                    records: records.count,
                    partitions: 1,
                    latest_ms: records.latest_ms,
                    gone_by_ms: None,
                }),
            }
        }
        for of in &mut topics {
            let kept = lifetimes.topics.get(&of.topic).copied().unwrap_or_default();
            // A file of records goes as a whole, once its latest record is old enough; so long after that it may have taken more.
            let closed_ms = of
                .latest_ms
                .saturating_add_unsigned(kept.segment_ms.unwrap_or(0));
            of.gone_by_ms = kept
                .retention_ms
                .map(|ms| closed_ms.saturating_add_unsigned(ms));
        }
        topics
    }

    /// Everything up to the last of them, in each partition.
    pub fn needed(&self) -> Vec<Before> {
        let places = self.records.iter();
        places
            .map(|((topic, partition), records)| (*topic, *partition, records.last.next()))
            .collect()
    }

    /// Facts that are not in a stored state yet, and outputs that are not projected, would bring the customer back. Returns up to
    /// where these partitions are done.
    ///
    /// # Errors
    /// With what is still to be done.
    pub fn done(
        &self,
        log: &KafkaLog,
        hold: &Hold,
        report: &Report,
    ) -> Result<Vec<Before>, Failure> {
        let projected = report.positions()?;
        let mut all = Vec::new();
        for (topic, partition, before) in self.needed() {
            let (done, what) = match topic {
                Topic::ConversationEvents => {
                    let meta = hold.meta(partition);
                    let done = meta.map_or(Offset(0), |meta| meta.stored_below);
                    (Some(done), "stored in states")
                }
                Topic::RatingRequested | Topic::RatingSubmitted => {
                    let positions = projected.as_ref();
                    let next = positions.map(|all| next_of(all, topic, partition));
                    (next, "projected")
                }
                _ => (None, ""),
            };
            if let Some(done) = done.filter(|done| *done < before) {
                return Err(Failure::Failed(format!(
                    "records of the customer are not {what} yet: expected {topic} {partition} to be so up to offset {before}, found \
                     {done}; start the service, wait until it has caught up, and stop it in order (SIGTERM). Nothing was changed"
                )));
            }
            // After the last output there may be marks of transactions, which would keep a file that has nothing else. Facts are
            // others' to write, at any time: what is not in a state stays.
            let has_more = done.is_some_and(|done| done <= self.last(topic, partition));
            let done = match (topic, done) {
                (Topic::ConversationEvents, Some(done)) => done,
                (_, Some(done)) if has_more => done,
                _ => {
                    let bounds = patiently(|| log.bounds(topic, partition));
                    let failed = |error| Failure::while_doing("reading the log on Kafka", error);
                    bounds.map_err(failed)?.end
                }
            };
            all.push((topic, partition, done));
        }
        Ok(all)
    }

    /// Up to where records can be deleted: everybody has read them, and nobody stands before that.
    ///
    /// # Errors
    /// With those who have not.
    pub fn read_by_all(
        &self,
        mut before: Vec<Before>,
        brokers: &admin::Brokers<'_>,
        log: &KafkaLog,
        report: &Report,
    ) -> Result<Vec<Before>, Failure> {
        if !report.is_there() {
            return Err(Failure::Failed(
                "expected the report database, to know that outputs are projected before they are deleted, found none: run this \
                 where it is, or name it (key reports.database_url). Nothing was changed"
                    .to_owned(),
            ));
        }
        let ours: BTreeSet<String> = hold::groups(log).into_iter().collect();
        let behind = brokers.behind(&before, &ours).map_err(refused)?;
        // Marks of transactions are nothing to read.
        let is_late = |group: &&Behind| group.next <= self.last(group.topic, group.partition);
        let late: Vec<&Behind> = behind.iter().filter(is_late).collect();
        if let Some(first) = late.first() {
            let groups: BTreeSet<&str> = late.iter().map(|behind| behind.group.as_str()).collect();
            return Err(Failure::Failed(format!(
                "expected all consumer groups to have read what is to be deleted, found that these have not: {} ({} stands at \
                 offset {} of {} {}). Let them catch up, or delete the groups that nobody uses any more (kafka-consumer-groups.sh \
                 --delete --group …). Nothing was changed",
                Vec::from_iter(groups).join(", "),
                first.group,
                first.next,
                first.topic,
                first.partition
            )));
        }
        // A reader that finds its position deleted may go on from the end instead, past what comes meanwhile.
        for group in &behind {
            let of_group = |(topic, partition, _): &&mut Before| {
                (*topic, *partition) == (group.topic, group.partition)
            };
            if let Some((_, _, to)) = before.iter_mut().find(of_group) {
                *to = group.next.min(*to);
            }
        }
        Ok(before)
    }

    /// The last record of a partition.
    fn last(&self, topic: Topic, partition: Partition) -> Offset {
        self.last
            .get(&(topic, partition))
            .copied()
            .unwrap_or_default()
    }
}

fn next_of(positions: &[ProjectedPosition], topic: Topic, partition: Partition) -> Offset {
    let mut positions = positions.iter();
    let found = positions.find(|found| (found.topic, found.partition) == (topic, partition));
    found.map_or(Offset(0), |found| found.next)
}

/// What a broker says.
pub fn refused(error: AdminError) -> Failure {
    Failure::Failed(error.to_string())
}
