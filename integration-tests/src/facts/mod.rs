//! Logs of facts that are hard on the rules: from a seed, the same for ever.
//!
//! Few conversations in which much happens: ties in the millisecond, edges hit exactly, facts that are late, repeated
//! or of the future, answers of all sorts, settings that change in between. [`reach`] counts what a log gets to, with
//! the model; a test sees to it that the generator gets to everything.

pub mod dice;
pub mod generator;
pub mod people;
pub mod plan;
pub mod poison;
pub mod reach;
pub mod texts;
pub mod thread;
pub mod versions;

#[cfg(test)]
mod tests;

use afterword_schemas::records::{Output, WorkspaceSettings};

pub use generator::generate;
pub use poison::{PlacedPoison, Poison};
pub use reach::Reach;

use crate::model::{DEFAULT_THRESHOLDS, OwnedFact, PlacedSettings, fold_all};

/// What a log is to be like.
#[derive(Clone, Debug)]
pub struct Config {
    /// About how many facts, repetitions and all.
    pub facts: usize,
    pub workspaces: usize,
    /// How many conversations go on at a time. One that has seen enough is followed by another.
    pub conversations: usize,
    /// How many of a thousand facts come into the log behind facts that happened after them.
    pub late_per_mille: u32,
    /// How many of a thousand facts are repetitions.
    pub repeats_per_mille: u32,
    /// Before how many of a thousand facts a version of settings is appended.
    pub settings_per_mille: u32,
    /// Before how many of a thousand facts a poisonous record is appended.
    pub poison_per_mille: u32,
    /// How many of a thousand messages are as long as the contract allows: 262,144 characters.
    pub longest_per_mille: u32,
    /// One conversation has more than 1,024 facts whose ids are to be remembered, and then repetitions of old ones.
    /// (Adds some 1,050 facts.)
    pub beyond_memory: bool,
    /// Some times are at the very ends of the range.
    pub extreme_times: bool,
    /// Some repetitions of a version of settings differ from it, which is to be refused.
    pub differing_settings: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            facts: 300,
            workspaces: 2,
            conversations: 4,
            late_per_mille: 40,
            repeats_per_mille: 50,
            settings_per_mille: 20,
            poison_per_mille: 0,
            longest_per_mille: 0,
            beyond_memory: false,
            extreme_times: false,
            differing_settings: false,
        }
    }
}

/// A log. Every event id stands for one fact of one conversation; a fact that is in the log more than once is a
/// repetition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratedLog {
    pub seed: u64,
    pub facts: Vec<OwnedFact>,
    /// By position.
    pub settings: Vec<PlacedSettings>,
    /// By position.
    pub poison: Vec<PlacedPoison>,
}

/// What is appended next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    Settings(&'a WorkspaceSettings),
    Poison(&'a PlacedPoison),
    /// With its index in [`GeneratedLog::facts`].
    Fact(usize, &'a OwnedFact),
}

impl GeneratedLog {
    /// Everything in the order in which it is appended: before each fact the settings, then the poison of its position.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        for position in 0..=self.facts.len() {
            let settings = self
                .settings
                .iter()
                .filter(|each| each.position == position);
            entries.extend(settings.map(|each| Entry::Settings(&each.settings)));
            let poison = self.poison.iter().filter(|each| each.position == position);
            entries.extend(poison.map(Entry::Poison));
            let fact = self.facts.get(position);
            entries.extend(fact.map(|fact| Entry::Fact(position, fact)));
        }
        entries
    }

    /// What the model says that each fact gives, by the default thresholds, when every version of settings is known as
    /// soon as it was appended.
    #[must_use]
    pub fn expected(&self) -> Vec<Vec<Output>> {
        fold_all(&self.facts, &self.settings, DEFAULT_THRESHOLDS)
    }
}
