//! Membership of a consumer group: which partitions are this process's. A member reads nothing; each partition's task reads
//! for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::client::{Context, KafkaOptions, describe, make};
use crate::error::LogError;
use crate::record::Partition;

const POLL: Duration = Duration::from_millis(100);
/// How long one look for a broker may take.
const LOOK_WAIT: Duration = Duration::from_secs(1);

/// Who is told which partitions come and go. Called on the member's thread: while it blocks, the group waits.
pub trait Assignments: Send + Sync {
    /// These partitions are this process's from now on.
    fn assigned(&self, partitions: &[Partition]);

    /// These are another's once this returns. When they are lost, they may be already, and nothing can be committed.
    fn revoked(&self, partitions: &[Partition], how: Revocation);

    /// Called some times a second.
    fn tick(&self) {}
}

/// How partitions are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The group waits for this process to finish with them.
    Orderly,
    /// The group has gone on without this process.
    Lost,
}

pub(super) struct MemberContext {
    client: Context,
    assignments: Arc<dyn Assignments>,
    /// Whether an assignment has come, be it an empty one, and was not lost since.
    joined: AtomicBool,
    trouble: Mutex<Option<String>>,
    topic: String,
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        *self.trouble.lock() = Some(format!("{}: {reason}", describe(&error)));
        self.client.error(error, reason);
    }
}

impl ConsumerContext for MemberContext {
    fn rebalance(
        &self,
        member: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        places: &mut TopicPartitionList,
    ) {
        let partitions: Vec<Partition> = places
            .elements()
            .iter()
            .filter_map(|place| u32::try_from(place.partition()).ok())
            .map(Partition)
            .collect();
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                tracing::info!(?partitions, "the group assigned partitions");
                // It reads nothing; a position keeps the client from asking for one.
                let positioned = places.set_all_offsets(rdkafka::Offset::End);
                let assigned = positioned
                    .and_then(|()| member.incremental_assign(places))
                    .and_then(|()| member.pause(places));
                self.assignments.assigned(&partitions);
                self.joined.store(true, Ordering::Release);
                assigned
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                let how = match member.assignment_lost() {
                    true => Revocation::Lost,
                    false => Revocation::Orderly,
                };
                tracing::info!(?partitions, ?how, "the group takes partitions away");
                if how == Revocation::Lost {
                    self.joined.store(false, Ordering::Release);
                }
                self.assignments.revoked(&partitions, how);
                member.incremental_unassign(places)
            }
            error => {
                tracing::error!(?error, "the group could not be rebalanced");
                member.unassign()
            }
        };
        if let Err(error) = done {
            tracing::error!(error = describe(&error), "an assignment was not taken");
        }
    }
}

/// A member of a consumer group, until it is dropped: then it leaves, once its partitions are given back.
pub struct KafkaGroup {
    member: Arc<BaseConsumer<MemberContext>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KafkaGroup {
    /// Joins a group to share the partitions of a topic.
    ///
    /// # Errors
    /// When the client's properties are wrong, or the system has no thread left.
    pub fn join(
        options: &KafkaOptions,
        topic: &str,
        assignments: Arc<dyn Assignments>,
    ) -> Result<KafkaGroup, LogError> {
        let context = MemberContext {
            client: Context::default(),
            assignments,
            joined: AtomicBool::new(false),
            trouble: Mutex::new(None),
            topic: topic.to_owned(),
        };
        let member: BaseConsumer<MemberContext> = make(&options.member(), context)?;
        let stopped = |what: &str, error: String| LogError::Stop(format!("{what}: {error}"));
        member
            .subscribe(&[topic])
            .map_err(|error| stopped("joining the group", describe(&error)))?;
        let member = Arc::new(member);
        let stop = Arc::new(AtomicBool::new(false));
        let (polled, told) = (Arc::clone(&member), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("group".to_owned())
            .spawn(move || run(&polled, &told))
            .map_err(|error| stopped("starting the group's thread", error.to_string()))?;
        Ok(KafkaGroup {
            member,
            stop,
            thread: Some(thread),
        })
    }

    /// Whether an assignment has come, be it an empty one, and was not lost since.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.member.context().joined.load(Ordering::Acquire)
    }

    /// Why no broker can be reached, when none can.
    #[must_use]
    pub fn unreachable(&self) -> Option<String> {
        self.member.context().client.unreachable()
    }

    /// What the client complained of last, for a person who waits.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let fatal = self.member.client().fatal_error();
        let fatal = fatal.map(|(code, reason)| format!("{code}: {reason}"));
        fatal.or_else(|| self.member.context().trouble.lock().clone())
    }

    pub(super) fn member(&self) -> Arc<BaseConsumer<MemberContext>> {
        Arc::clone(&self.member)
    }
}

/// A member as the group knows it now: asked anew for every commit.
pub(super) fn metadata(
    member: &BaseConsumer<MemberContext>,
) -> Result<ConsumerGroupMetadata, LogError> {
    let unknown = || LogError::Wait("the consumer group has not been joined yet".to_owned());
    member.group_metadata().ok_or_else(unknown)
}

fn run(member: &BaseConsumer<MemberContext>, stop: &AtomicBool) {
    let context = member.context();
    while !stop.load(Ordering::Acquire) {
        match member.poll(POLL) {
            None => {}
            Some(Ok(_)) => tracing::debug!("a paused partition gave a message"),
            Some(Err(error)) => {
                *context.trouble.lock() = Some(describe(&error));
                tracing::debug!(target: "kafka", %error, "the group's member");
            }
        }
        if context.client.should_look() {
            let answer = member.fetch_metadata(Some(&context.topic), LOOK_WAIT);
            if answer.is_ok() {
                context.client.reached();
            }
        }
        context.assignments.tick();
    }
    // Revokes what is left, in this thread, and leaves the group, so that others need not wait for the session to end.
    member.unsubscribe();
    while member.assignment().is_ok_and(|places| places.count() > 0) {
        if let Some(Err(error)) = member.poll(POLL) {
            tracing::debug!(target: "kafka", %error, "leaving the group");
            break;
        }
    }
}

impl Drop for KafkaGroup {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the group's thread panicked");
        }
    }
}
