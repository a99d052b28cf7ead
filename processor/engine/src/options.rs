//! What a task may hold, and how often it commits.

use std::time::Duration;

use afterword_trace::Tracer;

/// Bounds of a task. None of them changes an output.
#[derive(Clone, Debug)]
pub struct TaskOptions {
    /// Facts taken in one poll, at most.
    pub poll_records: usize,
    /// A commit is made at the latest after so many facts.
    pub commit_records: usize,
    /// A commit is made at the latest after so long, and at once when the source runs dry.
    pub commit_interval: Duration,
    /// The most facts between the position before which every state is stored and the committed position. 0 stores
    /// every changed state with its commit.
    pub debt_facts: u64,
    /// The most bytes of states kept in memory, by estimate.
    pub cache_bytes: usize,
    /// The build that is named in dead letters.
    pub build: String,
    /// Where spans of sampled facts go.
    pub tracer: Tracer,
}

impl Default for TaskOptions {
    fn default() -> Self {
        TaskOptions {
            poll_records: 5_000,
            commit_records: 10_000,
            commit_interval: Duration::from_millis(100),
            debt_facts: 200_000,
            cache_bytes: 64 << 20,
            build: concat!("afterword ", env!("CARGO_PKG_VERSION")).to_owned(),
            tracer: Tracer::default(),
        }
    }
}
