//! The topics, and what everybody but a partition's task needs of a log: append, read, wait.

use std::fmt;
use std::time::Duration;

use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};

/// Every topic there is. The number is the one in stored keys: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Topic {
    ConversationEvents = 1,
    WorkspaceSettings = 2,
    RatingRequested = 3,
    RatingSubmitted = 4,
    EligibilityDecided = 5,
    AnswerRefused = 6,
    TeammateScorecards = 7,
    DeadLetters = 8,
}

impl Topic {
    /// Every topic, facts first.
    pub const ALL: [Topic; 8] = [
        Topic::ConversationEvents,
        Topic::WorkspaceSettings,
        Topic::RatingRequested,
        Topic::RatingSubmitted,
        Topic::EligibilityDecided,
        Topic::AnswerRefused,
        Topic::TeammateScorecards,
        Topic::DeadLetters,
    ];

    /// The name that others rely on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Topic::ConversationEvents => "conversation-events",
            Topic::WorkspaceSettings => "workspace-settings",
            Topic::RatingRequested => "rating-requested",
            Topic::RatingSubmitted => "rating-submitted",
            Topic::EligibilityDecided => "eligibility-decided",
            Topic::AnswerRefused => "answer-refused",
            Topic::TeammateScorecards => "teammate-scorecards",
            Topic::DeadLetters => "dead-letters",
        }
    }

    /// The topic of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Whether only the latest record of a key counts.
    #[must_use]
    pub const fn is_compacted(self) -> bool {
        matches!(self, Topic::WorkspaceSettings | Topic::TeammateScorecards)
    }

    /// How many partitions it has when conversations have this many: settings have one, all others as many.
    #[must_use]
    pub const fn partitions(self, conversation_partitions: u32) -> u32 {
        match self {
            Topic::WorkspaceSettings => 1,
            _ => conversation_partitions,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a partition holds: the first offset kept, and the offset the next record will get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub start: Offset,
    pub end: Offset,
}

/// A log as producers, the projector and readers see it. Every call may block; none may be made on an async thread.
pub trait Log: Send + Sync {
    /// How many partitions a topic has.
    fn partitions(&self, topic: Topic) -> u32;

    /// Appends records, all or none, and returns where each went once all are durable.
    ///
    /// # Errors
    /// [`LogError::Wait`] when the surroundings do not allow it now: nothing was appended. [`LogError::StartOver`] when the
    /// outcome is unknown: append again, with the same event ids. [`LogError::GiveUp`] when the log is closed.
    /// [`LogError::Stop`] when it can never be appended, such as more at once than the log takes.
    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError>;

    /// Replaces the batch by the records from `from` on, about `max_bytes` of them and at least one if there is one.
    /// Begin at [`Log::bounds`]' start or later: what retention has removed before that is skipped by some logs, and an error
    /// of others.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError>;

    /// What a partition holds now.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError>;

    /// Every fact of the partition before this offset has been folded and its outputs are committed; `None` when nothing
    /// was ever committed. A reader may see it a moment before the outputs that belong to it.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError>;

    /// Waits until the partition holds something at or after `from`, at most this long; says whether it does.
    fn wait_for(&self, topic: Topic, partition: Partition, from: Offset, at_most: Duration)
    -> bool;

    /// Why appends are refused now, if they are.
    fn impediment(&self) -> Option<String>;
}
