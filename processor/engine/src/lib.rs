//! The engine: one task a partition, on a thread of its own. A task polls facts, folds them into conversations, and
//! commits outputs, position and the states that are due as one value. It is the same loop on every log.
//!
//! The engine knows neither HTTP nor SQL, and no rule: what a fact means is `afterword_domain::fold`'s affair.

mod cache;
mod engine;
mod follow;
mod key;
mod metrics;
mod options;
mod outputs;
mod runner;
mod tally;
mod task;

pub use engine::{Engine, TaskState};
pub use metrics::EngineMetrics;
pub use options::TaskOptions;
pub use outputs::dead;
pub use task::{Progress, Task};
