//! When to commit, and what a commit carries.

use std::time::{Duration, Instant};

use afterword_domain::defect::Defect;
use afterword_domain::{RULES_VERSION, Rules};
use afterword_log::{Commit, LogError, Meta, Offset, PartitionLog};

use super::{Task, wait};

impl<L: PartitionLog> Task<L> {
    pub(super) fn is_commit_due(&self, now: Duration) -> bool {
        let waited = self
            .pending
            .since
            .map_or(Duration::ZERO, |since| now.saturating_sub(since));
        let over = self.cache.dirty_bytes() > self.options.cache_bytes;
        over || self.has_pending()
            && (self.pending.facts >= self.options.commit_records
                || waited >= self.options.commit_interval)
    }

    /// Takes settings that have appeared. Facts that are owed were folded without them, so the debt is paid first.
    pub(super) fn follow_settings(&mut self) -> Result<(), LogError> {
        if self.rules != Rules::default() {
            self.commit_paying(Offset(u64::MAX), 0)?;
            self.rules = Rules::default();
        }
        while self.settings.poll(&mut self.log)? {
            if self.owes() && !Defect::SettingsWithoutPayingTheDebt.is_on() {
                self.commit_paying(Offset(u64::MAX), 0)?;
            }
            let (partition, build) = (self.log.partition(), &self.options.build);
            let refused = self
                .settings
                .take(&self.schemas, partition, build)
                .map_err(wait)?;
            self.pending.tally.settings_refused += refused.len() as u64;
            self.pending.outputs.extend(refused);
        }
        Ok(())
    }

    /// Commits, and stores what is due so that the debt stays in its bounds.
    ///
    /// No debt may reach over a record that could not be read because its schema was unknown: the schema may be known by
    /// the time that the debt is folded again, and the states would no longer be those that the outputs came from.
    pub(super) fn commit(&mut self) -> Result<(), LogError> {
        if self.pending.unreadable || self.settings.has_unreadable() {
            return self.commit_paying(Offset(u64::MAX), 0);
        }
        let bound = Offset(self.position.0.saturating_sub(self.options.debt_facts));
        let share = if self.cache.dirty_bytes() > self.options.cache_bytes / 2 {
            self.options.cache_bytes / 4
        } else {
            usize::MAX
        };
        self.commit_paying(bound, share)
    }

    /// Commits, with the states that have been dirty since before `bound` and as many more as keep `dirty_bytes`.
    pub(super) fn commit_paying(
        &mut self,
        bound: Offset,
        dirty_bytes: usize,
    ) -> Result<(), LogError> {
        let applied = if Defect::StateNamesAnOldPosition.is_on() {
            self.committed
        } else {
            self.position
        };
        let states = self.cache.due(bound, dirty_bytes, applied);
        let next = self.position.max(self.committed);
        let stored_below = self.cache.stored_below_after(states.len(), self.position);
        let commit = Commit {
            outputs: std::mem::take(&mut self.pending.outputs),
            states,
            meta: Meta {
                stored_below: if Defect::DebtNotRecorded.is_on() {
                    next
                } else {
                    stored_below
                },
                next: if Defect::PositionOfTheLastRead.is_on() {
                    Offset(next.0.saturating_sub(1))
                } else {
                    next
                },
                rules_version: RULES_VERSION,
                threshold_characters: self.rules.thresholds.characters,
                threshold_ms: self.rules.thresholds.milliseconds,
                settings_next: self.settings.next(),
            },
        };
        let begun = Instant::now();
        let written = self.log.commit(&commit);
        if let Err(error) = written {
            self.pending.outputs = commit.outputs;
            return Err(error);
        }
        self.committed = next;
        self.commit_due = false;
        let pending = std::mem::take(&mut self.pending);
        self.metrics.committed(
            &pending.tally,
            begun.elapsed(),
            pending.facts,
            &commit.states,
        );
        self.hand_over(pending.spans);
        self.cache.stored(commit.states);
        self.cache.shrink_to(self.options.cache_bytes);
        let debt = next.0 - stored_below.0;
        self.metrics
            .state(self.log.partition(), self.cache.bytes(), debt);
        Ok(())
    }
}
