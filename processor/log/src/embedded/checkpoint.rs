//! A copy of the whole log as it is at one moment, taken while it is written.

use std::path::Path;

use super::EmbeddedLog;
use super::shared::DATABASE;
use crate::error::LogError;

impl EmbeddedLog {
    /// Makes a directory that holds the log as it is now: all that was acknowledged before the call, and of what comes
    /// meanwhile each group of writes whole or not at all. Table files are hard links, so it must lie on the same disk and
    /// costs little more than writing out what is in memory; as long as it is there, what is removed from the log takes room
    /// all the same. [`EmbeddedLog::open`] opens it like any other.
    ///
    /// # Errors
    /// [`LogError::Wait`] when it cannot be written, or the directory is there already.
    pub fn checkpoint(&self, directory: &Path) -> Result<(), LogError> {
        let failed = |error: &dyn std::fmt::Display| {
            LogError::Wait(format!(
                "the log cannot be copied to {}: {error}",
                directory.display()
            ))
        };
        std::fs::create_dir(directory).map_err(|error| failed(&error))?;
        self.shared.with_database(|database| {
            let made = database.checkpoint(&directory.join(DATABASE));
            made.map_err(|error| failed(&error))
        })
    }
}
