//! One partition's task: recover, then poll, decode, load what is missing, fold, and commit when due.
//!
//! Positions: everything before `position` has been folded into the states in memory; everything before `committed` has
//! its outputs in the log. After a recovery `position` stands before `committed` by the debt that was owed: the facts
//! between are folded again without emitting, and states that hold them already pass them over.

mod committing;
mod folding;
mod recovering;
mod spans;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use afterword_domain::defect::Defect;
use afterword_domain::{Effects, Rules};
use afterword_log::{Batch, LogError, Offset, OutputRecord, PartitionLog};
use afterword_schemas::{Framings, Schemas, Unavailable};
use afterword_trace::Span;

use crate::cache::StateCache;
use crate::follow::SettingsFollower;
use crate::metrics::EngineMetrics;
use crate::options::TaskOptions;
use crate::tally::Tally;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Facts were folded; there may be more.
    Worked,
    /// The source had nothing, and nothing is left to commit.
    Idle,
}

/// What has been folded since the last commit.
#[derive(Debug, Default)]
struct Pending {
    outputs: Vec<OutputRecord>,
    facts: usize,
    since: Option<Duration>,
    tally: Tally,
    /// Something of an unknown schema was put aside, which a later look might read: see [`Task::commit`].
    unreadable: bool,
    /// Of sampled facts; handed over once the commit is durable.
    spans: Vec<Span>,
}

/// The task of one partition.
pub struct Task<L> {
    log: L,
    options: TaskOptions,
    metrics: Arc<EngineMetrics>,
    schemas: Arc<Schemas>,
    framings: Framings,
    rules: Rules,
    settings: SettingsFollower,
    cache: StateCache,
    position: Offset,
    committed: Offset,
    pending: Pending,
    commit_due: bool,
    batch: Batch,
    effects: Effects,
    /// When the batch at hand was read, where spans are recorded.
    read_at: Option<SystemTime>,
    /// Facts whose folding panicked: they are dead letters now.
    poisoned: BTreeSet<Offset>,
}

impl<L: PartitionLog> Task<L> {
    /// A task that has not recovered yet: call [`Task::recover`] first.
    pub fn new(
        log: L,
        options: TaskOptions,
        schemas: Arc<Schemas>,
        metrics: Arc<EngineMetrics>,
    ) -> Task<L> {
        Task {
            log,
            options,
            metrics,
            schemas,
            framings: Framings::default(),
            rules: Rules::default(),
            settings: SettingsFollower::default(),
            cache: StateCache::default(),
            position: Offset(0),
            committed: Offset(0),
            pending: Pending::default(),
            commit_due: false,
            batch: Batch::default(),
            effects: Effects::default(),
            read_at: None,
            poisoned: BTreeSet::new(),
        }
    }

    /// Polls once and folds what came; commits when the source is dry or a bound is reached. `now` is the time since
    /// any fixed moment; `wait` bounds how long the poll may wait for a first fact.
    ///
    /// # Errors
    /// After [`LogError::Wait`] the step may be repeated; after [`LogError::StartOver`] the task must recover.
    pub fn step(&mut self, now: Duration, wait: Duration) -> Result<Progress, LogError> {
        if self.commit_due {
            self.commit()?;
        }
        if self.is_at_boundary() {
            self.follow_settings()?;
        }
        let wait = if self.has_pending() {
            Duration::ZERO
        } else {
            wait
        };
        let mut batch = std::mem::take(&mut self.batch);
        let polled = self
            .log
            .poll(self.position, self.room(), wait, &mut batch)
            .and_then(|()| self.fold_batch(&batch));
        let (polled_next, empty) = (batch.next(), batch.is_empty());
        self.batch = batch;
        polled?;
        // A log's own marks take offsets too: an empty batch may have passed over some.
        self.position = self.position.max(polled_next.unwrap_or(self.position));
        if empty {
            return self.dry();
        }
        self.pending.since.get_or_insert(now);
        self.commit_due = self.is_commit_due(now);
        if self.commit_due {
            self.commit()?;
        }
        Ok(Progress::Worked)
    }

    fn dry(&mut self) -> Result<Progress, LogError> {
        if self.has_pending() {
            self.commit_due = true;
            self.commit()?;
        }
        Ok(Progress::Idle)
    }

    /// Commits what is folded and stores every state that is owed.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn finish(&mut self) -> Result<(), LogError> {
        if self.has_pending() || self.owes() {
            self.commit_paying(Offset(u64::MAX), 0)?;
        }
        Ok(())
    }

    /// Everything before this has been folded and its outputs are committed.
    pub fn committed(&self) -> Offset {
        self.committed
    }

    /// Every fact before this is in a stored state, by the last commit.
    pub fn stored_below(&self) -> Offset {
        self.cache.stored_below(self.position).min(self.committed)
    }

    fn owes(&self) -> bool {
        self.cache.stored_below(self.position) < self.position
    }

    /// How many facts are dead letters because folding them panicked.
    pub fn quarantined(&self) -> usize {
        self.poisoned.len()
    }

    /// Whether facts of the debt are still being folded again.
    pub fn is_recovering(&self) -> bool {
        self.position < self.committed
    }

    /// The log that this task works on.
    pub fn log(&mut self) -> &mut L {
        &mut self.log
    }

    /// How many facts of the log are not committed yet, and how old the oldest of them is, by its record's time and
    /// as far as the last step can tell.
    ///
    /// # Errors
    /// When the log cannot tell its end.
    pub fn lag(&mut self, progress: Progress) -> Result<(u64, Duration), LogError> {
        let facts = self.log.end()?.0.saturating_sub(self.committed.0);
        let made = self
            .batch
            .last_timestamp_ms()
            .filter(|_| facts > 0 && progress == Progress::Worked);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let made = made
            .and_then(|made| u64::try_from(made).ok())
            .map(Duration::from_millis);
        Ok((
            facts,
            made.map_or(Duration::ZERO, |made| now.saturating_sub(made)),
        ))
    }

    /// How many facts the next poll may bring. Folding the debt again ends at the committed position, so that settings
    /// that have appeared since are taken before the first new fact.
    fn room(&self) -> usize {
        let until_next_stop = if self.is_recovering() {
            usize::try_from(self.committed.0 - self.position.0).unwrap_or(usize::MAX)
        } else {
            self.options
                .commit_records
                .saturating_sub(self.pending.facts)
        };
        until_next_stop.clamp(1, self.options.poll_records.max(1))
    }

    fn has_pending(&self) -> bool {
        self.position > self.committed || !self.pending.outputs.is_empty()
    }

    /// Between commits: nothing is folded that is not committed, and the debt has been folded again.
    fn is_at_boundary(&self) -> bool {
        (self.position == self.committed && self.pending.outputs.is_empty())
            || Defect::SettingsInsideABatch.is_on()
    }
}

/// The registry cannot tell: that is nobody's fault, and passes.
fn wait(unavailable: Unavailable) -> LogError {
    LogError::Wait(unavailable.to_string())
}

/// What is owed cannot be folded again as it was the first time, and must not be folded otherwise.
fn gone(what: &str) -> LogError {
    LogError::Wait(format!(
        "{what} was folded was known and is not any more; put it back into the schema registry, or configure the \
         registry (schema_registry.url) that has it; it goes on from here by itself"
    ))
}
