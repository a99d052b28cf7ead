//! Scenarios as text files: facts in, outputs out, for tests (feature `scenarios`). The format is described in
//! `scenarios/README.md` beside the files; every runner (the fold, the embedded log, Kafka, the simulator) runs the same ones.
//!
//! A runner folds or produces each [`FactStep::fact`] in order, publishes each [`SettingsStep::settings`] at its place, and
//! hands what came out to one [`Checker`] a scenario.

mod check;
mod expect;
mod load;
mod parse;
mod words;

use std::fmt;

use afterword_schemas::records::{Timestamp, WorkspaceSettings};

pub use afterword_schemas::records::{OwnedEvent, OwnedPayload};
pub use check::Checker;
pub use expect::{Detail, Expected, ExpectedOutput};
pub use load::load;
pub use parse::parse;

/// 00:00 of day 1: 2026-03-01T00:00:00Z.
pub const DAY_1: Timestamp = Timestamp(1_772_323_200_000);

/// A conversation's facts with what each must bring about. No two scenarios share a workspace or a conversation, so that all
/// may run on one log.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub file: String,
    pub line: usize,
    pub title: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub steps: Vec<Step>,
}

/// One line and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Fact(FactStep),
    Settings(SettingsStep),
}

/// A fact, and everything that it brings about.
#[derive(Clone, Debug, PartialEq)]
pub struct FactStep {
    pub line: usize,
    pub fact: OwnedEvent,
    pub expected: Expected,
}

/// A version of the workspace's settings that becomes known here.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsStep {
    pub line: usize,
    pub settings: WorkspaceSettings,
    pub expected: SettingsOutcome,
}

/// What becomes of a version of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOutcome {
    New,
    /// The same version with the same content was known: nothing changes.
    Repeated,
    /// The version is known with another content: refused.
    Refused,
}

/// What is wrong with a file, or with what came out of a scenario, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    pub file: String,
    pub line: usize,
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for ScenarioError {}
