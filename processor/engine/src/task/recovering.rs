//! What a task does before its first step: taking its partition over.

use afterword_domain::defect::Defect;
use afterword_domain::{RULES_VERSION, Rules};
use afterword_log::{LogError, Meta, Offset, PartitionLog, Topic};
use afterword_schemas::records::Thresholds;

use super::{Pending, Task, gone, wait};
use crate::cache::StateCache;
use crate::follow::SettingsFollower;

impl<L: PartitionLog> Task<L> {
    /// Forgets everything in memory and starts from what is committed.
    ///
    /// # Errors
    /// [`LogError::Stop`] when what is committed was left by other rules or when facts that are still needed are gone.
    pub fn recover(&mut self) -> Result<(), LogError> {
        // Before the partition is taken over: whoever has it may still be able to write.
        self.framings = self.schemas.framings().map_err(wait)?;
        let meta = self.log.recover()?;
        if Defect::MemoryKeptInDoubt.is_on() && self.position > Offset(0) {
            return Ok(());
        }
        self.cache = StateCache::default();
        self.pending = Pending::default();
        self.commit_due = false;
        self.settings = SettingsFollower::default();
        self.rules = Rules::default();
        let start = self.log.start()?;
        let Some(meta) = meta else {
            (self.position, self.committed) = (start, start);
            self.metrics.state(self.log.partition(), 0, 0);
            return Ok(());
        };
        self.check_recovered(&meta, start)?;
        (self.position, self.committed) = (meta.stored_below, meta.next);
        let debt = meta.next.0.saturating_sub(meta.stored_below.0);
        self.metrics.state(self.log.partition(), 0, debt);
        self.settings
            .take_until(meta.settings_next, &mut self.log, &self.schemas)?;
        if debt > 0 && self.settings.has_unreadable() {
            return Err(gone(
                "the schema of a version of the settings by which the debt",
            ));
        }
        Ok(())
    }

    pub(super) fn check_recovered(&mut self, meta: &Meta, start: Offset) -> Result<(), LogError> {
        if meta.stored_below == meta.next {
            return self.check_kept(meta.next, start);
        }
        if meta.rules_version != RULES_VERSION {
            return Err(LogError::Stop(format!(
                "partition {} owes the states of {} facts, folded under rules version {}, and this build has version \
                 {RULES_VERSION}: start a build with version {} once and stop it with SIGTERM, then start this one",
                self.log.partition(),
                meta.next.0 - meta.stored_below.0,
                meta.rules_version,
                meta.rules_version,
            )));
        }
        self.rules.thresholds = Thresholds {
            characters: meta.threshold_characters,
            milliseconds: meta.threshold_ms,
        };
        self.check_kept(meta.stored_below, start)
    }

    pub(super) fn check_kept(&self, needed: Offset, start: Offset) -> Result<(), LogError> {
        if start <= needed {
            return Ok(());
        }
        Err(LogError::Stop(format!(
            "partition {} of {} must be read from offset {needed} on, and it begins at {start}: facts were removed \
             before they were folded",
            self.log.partition(),
            Topic::ConversationEvents,
        )))
    }
}
