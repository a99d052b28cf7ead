//! What a caller chooses about an embedded log, what it is told, and why a log could not be opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::error::LogError;

/// How free space is measured: bytes that this process may still use on the disk of a directory.
pub type FreeSpace = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// How big an embedded log may become and how careful it is. The defaults suit a small team's one machine.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// How many partitions conversations have, fixed when the log is created. `None` takes what is stored, and 4 for a
    /// new log.
    pub partitions: Option<u32>,
    /// Memory for blocks that were read: states and indexes.
    pub cache_bytes: usize,
    /// Memory for what was written and is not in a table file yet, all together.
    pub write_buffer_bytes: usize,
    /// Free space on the disk that appends and commits never use up, so that the database can always tidy up.
    pub reserve_bytes: u64,
    /// Whether a write is on disk before it is acknowledged.
    pub durability: Durability,
    /// Who is told of each group of writes, for metrics.
    pub observer: Option<Arc<dyn EmbeddedObserver>>,
    /// How free space is measured; tests replace it.
    pub free_space: FreeSpace,
}

/// Whether a write is on disk before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is: the log survives a power failure.
    Synced,
    /// Only handed to the operating system: for tests and benchmarks.
    Unsynced,
}

/// One synced write: the requests that shared it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupWritten {
    /// Appends and commits in it.
    pub requests: usize,
    /// Records of all topics in it.
    pub records: u64,
    /// Bytes handed to the database.
    pub bytes: u64,
    /// How long the database took, sync included.
    pub seconds: f64,
}

/// Is told what the writer does. Called on the writer's thread: be quick, and never call the log.
pub trait EmbeddedObserver: Send + Sync {
    /// A group of writes is on disk.
    fn group_written(&self, group: &GroupWritten);

    /// Writes were refused or failed, and why.
    fn impeded(&self, reason: &str) {
        let _ = reason;
    }
}

/// Why a log could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has it open.
    #[error("the log in {} is open already: a service is running on it", .directory.display())]
    Locked { directory: PathBuf },
    /// The number of partitions is fixed when a log is created.
    #[error(
        "the log has {stored} partitions of conversations and {asked} were asked for: the number is fixed at creation; \
         ask for {stored}, or import into a new log"
    )]
    Partitions { stored: u32, asked: u32 },
    /// A number of partitions that no log can have.
    #[error("a log has 1 to {most} partitions of conversations, and {asked} were asked for")]
    PartitionsOutOfRange { asked: u32, most: u32 },
    /// Another build wrote it.
    #[error(
        "the log has format {stored} and this build knows format {known}: use the build that wrote it, or a later one"
    )]
    Format { stored: u32, known: u32 },
    /// Everything else, sorted as usual.
    #[error(transparent)]
    Failed(#[from] LogError),
}

impl From<OpenError> for LogError {
    fn from(error: OpenError) -> LogError {
        match error {
            OpenError::Failed(error) => error,
            other => LogError::Stop(other.to_string()),
        }
    }
}

impl Default for EmbeddedOptions {
    fn default() -> EmbeddedOptions {
        EmbeddedOptions {
            partitions: None,
            cache_bytes: 64 << 20,
            write_buffer_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            durability: Durability::Synced,
            observer: None,
            free_space: Arc::new(free_space_of_disk),
        }
    }
}

impl fmt::Debug for EmbeddedOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedOptions")
            .field("partitions", &self.partitions)
            .field("cache_bytes", &self.cache_bytes)
            .field("write_buffer_bytes", &self.write_buffer_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

fn free_space_of_disk(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
