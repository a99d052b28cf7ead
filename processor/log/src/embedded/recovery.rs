//! What the writer does when the database fails a write. RocksDB takes no more writes then, and its C interface has no
//! way to resume; so the writer closes it and opens it again in place, which also tells whether the write is in it.

use std::time::{Duration, Instant};

use super::database::Database;
use super::group::Group;
use super::request::{Kind, Write};
use super::shared::DATABASE;
use super::writer::{Writer, refuse};
use crate::error::LogError;

/// The database does not take writes, and is tried again now and then.
#[derive(Debug)]
pub(super) struct Outage {
    reason: String,
    retry_at: Instant,
    pause: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Outage {
    fn new(reason: String) -> Outage {
        Outage {
            reason,
            retry_at: Instant::now() + FIRST_PAUSE,
            pause: FIRST_PAUSE,
        }
    }

    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn retry_at(&self) -> Instant {
        self.retry_at
    }

    fn postpone(&mut self, reason: String) {
        self.reason = reason;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.retry_at = Instant::now() + self.pause;
    }
}

impl Writer {
    /// The database failed the group's write: it may be in the log or not. Opening the database again tells; when that
    /// does not succeed at once, the callers are told that it is in doubt.
    pub(super) fn fail(&mut self, group: Group, error: &str) {
        let directory = self.shared.directory.display();
        let reason = format!("the log in {directory} failed to write: {error}");
        self.shared.impeded(&reason);
        self.shared.health.fail(reason.clone());
        self.outage = Some(Outage::new(reason.clone()));
        self.failures = self.failures.saturating_add(1);
        // A second failure in a row: do not open and close in a tight loop.
        let reopened = self.failures == 1 && self.reopen().is_ok();
        if reopened && self.last_group == group.number() {
            self.publish(group);
            return;
        }
        if reopened {
            refuse(group.into_writes(), |_| true, &LogError::Wait(reason));
            return;
        }
        let in_doubt: Vec<_> = group.committed().map(|(partition, _)| partition).collect();
        self.disown(in_doubt);
        let tidies = |write: &Write| matches!(write.kind, Kind::Tidy(_));
        let others = refuse(group.into_writes(), tidies, &LogError::Wait(reason.clone()));
        refuse(others, |_| true, &LogError::StartOver(reason));
    }

    /// Tries to end an outage, when it is time to.
    pub(super) fn end_outage_when_due(&mut self) {
        let due = |outage: &Outage| outage.retry_at() <= Instant::now();
        if !self.outage.as_ref().is_some_and(due) {
            return;
        }
        match self.reopen() {
            Ok(()) => {
                tracing::info!(directory = %self.shared.directory.display(), "the log is open again")
            }
            Err(error) => {
                let reason = error.to_string();
                self.shared.health.fail(reason.clone());
                if let Some(outage) = &mut self.outage {
                    outage.postpone(reason);
                }
            }
        }
    }

    /// Closes the database, opens it again, and believes what is in it. Readers wait that long. While the disk is full
    /// the old one stays for them.
    fn reopen(&mut self) -> Result<(), LogError> {
        self.shared.room_for(0).map_err(LogError::Wait)?;
        let mut place = self.shared.database.write();
        *place = None;
        #[cfg(test)]
        self.shared.faults.before_reopen().map_err(LogError::Wait)?;
        let path = self.shared.directory.join(DATABASE);
        let failed = |error| {
            LogError::Wait(format!(
                "the log's database cannot be opened again: {error}"
            ))
        };
        let database = Database::open(&path, &self.shared.options).map_err(failed)?;
        let tails = database.tails(&self.shared.slots)?;
        self.last_group = database.last_group()?;
        *place = Some(database);
        drop(place);
        for (_, _, slot) in self.shared.slots.all() {
            let tail = tails[slot.get()];
            self.shared.slots.publish(slot, tail.start, tail.end);
        }
        self.tails = tails;
        self.outage = None;
        self.shared.health.recovered();
        Ok(())
    }
}
