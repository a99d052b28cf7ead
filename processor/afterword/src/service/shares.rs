//! Which partitions a process's projector has, where several processes project from Kafka: those that a consumer group of
//! projectors gives it.

use std::collections::BTreeSet;
use std::sync::Arc;

use afterword_log::kafka::{Assignments, KafkaGroup, KafkaLog, KafkaOptions, Revocation};
use afterword_log::{Log, LogError, Partition, Topic};
use tokio::sync::watch;

/// The partitions to project now.
pub type Partitions = watch::Receiver<BTreeSet<Partition>>;

/// What one projector's database can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Each projector has some of the partitions: they write to one database.
    Parts,
    /// One projector has them all, and the others stand by: each has a database of its own.
    Whole,
}

struct Shares {
    /// What each partition of the group's topic stands for.
    stands_for: fn(Partition, u32) -> BTreeSet<Partition>,
    partitions: u32,
    share: watch::Sender<BTreeSet<Partition>>,
}

impl Shares {
    fn meant(&self, partitions: &[Partition]) -> BTreeSet<Partition> {
        let meant = partitions.iter();
        meant
            .flat_map(|partition| (self.stands_for)(*partition, self.partitions))
            .collect()
    }
}

impl Assignments for Shares {
    fn assigned(&self, partitions: &[Partition]) {
        let more = self.meant(partitions);
        self.share.send_modify(|share| share.extend(more));
    }

    // Nothing is waited for: should two project the same for a moment, the stored positions tell.
    fn revoked(&self, partitions: &[Partition], _: Revocation) {
        let less = self.meant(partitions);
        self.share
            .send_modify(|share| share.retain(|partition| !less.contains(partition)));
    }
}

/// The consumer groups of the projectors beside this group: where they share a database, and where each has its own.
#[must_use]
pub fn groups(group: &str) -> [String; 2] {
    [format!("{group}-projectors"), format!("{group}-projector")]
}

/// Joins the group of projectors.
///
/// # Errors
/// When the client refuses.
pub fn join(log: &Arc<KafkaLog>, sharing: Sharing) -> Result<(KafkaGroup, Partitions), LogError> {
    let (share, shared) = watch::channel(BTreeSet::new());
    let [parts, whole] = groups(&log.options().group);
    // A topic of one partition, and whoever has that has all.
    let (group, topic, stands_for): (_, _, fn(Partition, u32) -> BTreeSet<Partition>) =
        match sharing {
            Sharing::Parts => (parts, Topic::EligibilityDecided, |partition, _| {
                BTreeSet::from([partition])
            }),
            Sharing::Whole => (whole, Topic::WorkspaceSettings, |_, partitions| {
                (0..partitions).map(Partition).collect()
            }),
        };
    let shares = Shares {
        stands_for,
        partitions: log.partitions(Topic::ConversationEvents),
        share,
    };
    let options = KafkaOptions {
        group,
        ..log.options().clone()
    };
    let group = KafkaGroup::join(&options, topic.name(), Arc::new(shares))?;
    Ok((group, shared))
}
