//! What the log's callers and its writer share: the database's handle, what is durable, and what is wrong.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::database::Database;
use super::options::EmbeddedOptions;
use super::slots::{SlotIndex, Slots};
use crate::error::LogError;
use crate::record::Partition;
use crate::topic::Topic;

/// One for each open log.
pub(super) struct Shared {
    /// The log's directory; the database is in [`DATABASE`] below it.
    pub(super) directory: PathBuf,
    pub(super) options: EmbeddedOptions,
    pub(super) slots: Slots,
    /// None while the writer opens the database again after a failure, and after `close`.
    pub(super) database: RwLock<Option<Database>>,
    pub(super) health: Health,
    #[cfg(test)]
    pub(super) faults: super::faults::Faults,
}

/// The database's place below the log's directory.
pub(super) const DATABASE: &str = "db";

/// Why writes are refused, if they are.
#[derive(Debug, Default)]
pub(super) struct Health {
    failure: Mutex<Option<String>>,
    /// The biggest write that found too little space since the last one that succeeded.
    refused_bytes: AtomicU64,
    closed: AtomicBool,
}

impl Shared {
    /// Does something with the open database. It stays open that long: keep it short.
    pub(super) fn with_database<T>(
        &self,
        action: impl FnOnce(&Database) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let database = self.database.read();
        match database.as_ref() {
            Some(database) => action(database),
            None if self.health.is_closed() => Err(closed()),
            None => Err(LogError::Wait(self.impediment().unwrap_or_else(|| {
                "the log's database is being opened again".to_owned()
            }))),
        }
    }

    /// The partition's place, or an error that names what there is.
    pub(super) fn slot(&self, topic: Topic, partition: Partition) -> Result<SlotIndex, LogError> {
        self.slots.index(topic, partition).ok_or_else(|| {
            let count = topic.partitions(self.slots.partitions());
            LogError::Stop(format!(
                "there is no partition {partition} of {topic}: it has {count}"
            ))
        })
    }

    /// Whether a write of so many bytes leaves the reserve alone; if not, why it has to wait.
    pub(super) fn room_for(&self, bytes: u64) -> Result<(), String> {
        let directory = self.directory.display();
        let reserve = self.options.reserve_bytes;
        match self.free_bytes() {
            Ok(free) if free >= reserve.saturating_add(bytes) => Ok(()),
            Ok(free) => Err(format!(
                "the disk of {directory} is full: {free} bytes are free, and {} are needed ({bytes} to write and a reserve of \
                 {reserve}); free some space, and it goes on by itself",
                reserve.saturating_add(bytes)
            )),
            Err(error) => Err(format!(
                "the free space of {directory} cannot be found out: {error}"
            )),
        }
    }

    fn free_bytes(&self) -> io::Result<u64> {
        (self.options.free_space)(&self.directory)
    }

    /// Why appends are refused now, if they are.
    pub(super) fn impediment(&self) -> Option<String> {
        if self.health.is_closed() {
            return Some("the log is closed".to_owned());
        }
        let failure = self.health.failure.lock().clone();
        failure.or_else(|| {
            let refused = self.health.refused_bytes.load(Ordering::Relaxed);
            self.room_for(refused).err()
        })
    }

    /// Tells the observer.
    pub(super) fn impeded(&self, reason: &str) {
        tracing::warn!(reason, "the log refuses writes");
        if let Some(observer) = &self.options.observer {
            observer.impeded(reason);
        }
    }
}

impl Health {
    /// The database failed and has to be opened again.
    pub(super) fn fail(&self, reason: String) {
        *self.failure.lock() = Some(reason);
    }

    /// The database is open again.
    pub(super) fn recovered(&self) {
        *self.failure.lock() = None;
    }

    /// A write of so many bytes was refused because the disk is full.
    pub(super) fn refused(&self, bytes: u64) {
        self.refused_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// A write succeeded.
    pub(super) fn written(&self) {
        self.refused_bytes.store(0, Ordering::Relaxed);
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// What every call says after `close`.
pub(super) fn closed() -> LogError {
    LogError::GiveUp("the log was closed".to_owned())
}
