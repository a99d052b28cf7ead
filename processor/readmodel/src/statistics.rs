//! What the projector has done, for metrics, readiness and retention.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use afterword_log::{Log, LogError, Topic};

use crate::positions::{ProjectedPosition, TOPICS};

/// Counters of a projector. Read them at any time, from anywhere.
#[derive(Debug, Default)]
pub struct ProjectorStatistics {
    applied: [AtomicU64; TOPICS.len()],
    repeated: [AtomicU64; TOPICS.len()],
    pub(crate) transactions: AtomicU64,
    pub(crate) revisions_repeated: AtomicU64,
    pub(crate) settings_refused: AtomicU64,
    pub(crate) settings_undecodable: AtomicU64,
    pub(crate) scorecards_published: AtomicU64,
    pub(crate) partitions_lost: AtomicU64,
    changing: Mutex<Changing>,
}

#[derive(Debug, Default)]
struct Changing {
    positions: Vec<ProjectedPosition>,
    waiting: Option<String>,
}

/// The counters at an instant, since the projector was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectorSnapshot {
    /// By topic, settings first.
    pub topics: Vec<TopicCounts>,
    /// Committed SQL transactions that moved a position.
    pub transactions: u64,
    /// Submissions whose revision the report database had already.
    pub revisions_repeated: u64,
    /// Settings versions that differ from what is stored under the same number.
    pub settings_refused: u64,
    /// Records of workspace-settings that are none.
    pub settings_undecodable: u64,
    pub scorecards_published: u64,
    /// How often another projector of a shared database had moved a partition on that this one believed its own.
    pub partitions_lost: u64,
    /// Why nothing is projected (or published) now, if so; it goes on by itself.
    pub waiting: Option<String>,
}

/// What was read of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicCounts {
    pub topic: Topic,
    /// Records folded into rows.
    pub applied: u64,
    /// Records passed over because their source and index were applied before.
    pub repeated: u64,
}

impl ProjectorStatistics {
    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, topic: Topic, applied: usize, repeated: u64) {
        let Some(index) = TOPICS.iter().position(|known| *known == topic) else {
            return;
        };
        self.applied[index].fetch_add(applied as u64, Ordering::Relaxed);
        self.repeated[index].fetch_add(repeated, Ordering::Relaxed);
    }

    pub(crate) fn set_positions(&self, positions: Vec<ProjectedPosition>) {
        self.changing().positions = positions;
    }

    pub(crate) fn set_waiting(&self, waiting: Option<String>) {
        self.changing().waiting = waiting;
    }

    /// Everything at this instant. Never blocks for long.
    #[must_use]
    pub fn snapshot(&self) -> ProjectorSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = |(index, topic): (usize, Topic)| TopicCounts {
            topic,
            applied: read(&self.applied[index]),
            repeated: read(&self.repeated[index]),
        };
        ProjectorSnapshot {
            topics: TOPICS.into_iter().enumerate().map(counts).collect(),
            transactions: read(&self.transactions),
            revisions_repeated: read(&self.revisions_repeated),
            settings_refused: read(&self.settings_refused),
            settings_undecodable: read(&self.settings_undecodable),
            scorecards_published: read(&self.scorecards_published),
            partitions_lost: read(&self.partitions_lost),
            waiting: self.changing().waiting.clone(),
        }
    }

    /// The positions after the last committed transaction, of the partitions that are projected here. Never blocks for long.
    #[must_use]
    pub fn positions(&self) -> Vec<ProjectedPosition> {
        self.changing().positions.clone()
    }

    /// How many offsets of each topic are not projected yet, in the partitions that are projected here. Asks the log, so it
    /// may block: not for an async thread.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn lag(&self, log: &dyn Log) -> Result<Vec<(Topic, u64)>, LogError> {
        let mut lags = TOPICS.map(|topic| (topic, 0)).to_vec();
        for position in self.positions() {
            let end = log.bounds(position.topic, position.partition)?.end;
            let lag = end.0.saturating_sub(position.next.0);
            for (topic, sum) in &mut lags {
                if *topic == position.topic {
                    *sum += lag;
                }
            }
        }
        Ok(lags)
    }
}
