//! Errors of a log, sorted by what the caller must do next.

use thiserror::Error;

/// What went wrong, named by what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LogError {
    /// The partition is another's now: stop working on it.
    #[error("the partition was taken over: {0}")]
    GiveUp(String),
    /// The outcome is unknown: throw everything in memory away and recover from what is committed.
    #[error("in doubt, starting over: {0}")]
    StartOver(String),
    /// The surroundings fail (disk full, broker away): nothing was written; say so, wait, and try again.
    #[error("waiting for the surroundings: {0}")]
    Wait(String),
    /// What is stored cannot be right or cannot be used by this build: a person must look.
    #[error("stopped: {0}")]
    Stop(String),
}
