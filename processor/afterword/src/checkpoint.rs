//! A copy of the embedded log at its place in the data directory, there as long as a backup is being made: hard links must be
//! on the log's own disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use afterword_log::{EmbeddedLog, LogError};
use afterword_web::internal::Checkpoint;

use crate::service::Opened;

/// Where it lies.
#[must_use]
pub fn place(data_dir: &Path) -> PathBuf {
    data_dir.join("checkpoint")
}

/// Makes one of this log, in the place of one that a killed backup left behind.
///
/// # Errors
/// When it cannot be written.
pub fn make(log: &EmbeddedLog, data_dir: &Path) -> Result<(), LogError> {
    let place = place(data_dir);
    remove(&place).map_err(|error| {
        LogError::Wait(format!("{} cannot be removed: {error}", place.display()))
    })?;
    log.checkpoint(&place)
}

/// Takes it away, where there is one.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(place: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a service does when it is asked for one.
#[must_use]
pub fn of(opened: &Opened, data_dir: &Path) -> Option<Checkpoint> {
    let Opened::Embedded(log) = opened else {
        return None;
    };
    let (log, data_dir) = (Arc::clone(log), data_dir.to_owned());
    Some(Arc::new(move || make(&log, &data_dir)))
}

/// Held by the one backup at work; given back by the system when its process ends, however it does.
///
/// # Errors
/// When another one is at work, or the directory cannot be opened.
pub fn lock(data_dir: &Path) -> io::Result<File> {
    let directory = File::open(data_dir)?;
    directory.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => {
            io::Error::other("another backup of this directory is at work")
        }
        std::fs::TryLockError::Error(error) => error,
    })?;
    Ok(directory)
}

/// Takes away what a killed backup has left behind, unless one is at work.
pub fn tidy(data_dir: &Path) {
    let place = place(data_dir);
    if !place.exists() {
        return;
    }
    let Ok(_lock) = lock(data_dir) else { return };
    match remove(&place) {
        Ok(()) => tracing::info!("removed what a backup that was killed had left behind"),
        Err(error) => {
            tracing::warn!(%error, "what a backup that was killed has left behind cannot be removed")
        }
    }
}
