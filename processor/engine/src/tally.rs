//! What has been folded since the last commit, counted beside the metrics so that they move when the commit has succeeded.

use std::collections::BTreeMap;

use afterword_domain::Effects;
use afterword_schemas::records::{ConversationEvent, Output, Payload, RatingSubmitted};

/// What has been folded since the last commit, to be counted with it.
#[derive(Debug, Default)]
pub struct Tally {
    pub(crate) kinds: [u64; Payload::KINDS.len()],
    pub(crate) passed_over: BTreeMap<&'static str, u64>,
    pub(crate) notes: BTreeMap<&'static str, u64>,
    pub(crate) dead_letters: BTreeMap<String, u64>,
    pub(crate) requested: u64,
    pub(crate) not_requested: u64,
    pub(crate) failures: BTreeMap<&'static str, u64>,
    pub(crate) submissions: u64,
    pub(crate) ratings: BTreeMap<&'static str, u64>,
    pub(crate) comments: u64,
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    pub settings_refused: u64,
    pub cache_hits: u64,
    pub cache_misses: u64,
}

impl Tally {
    /// One fact and what it caused.
    pub fn fact(&mut self, fact: &ConversationEvent<'_>, effects: &Effects) {
        self.kinds[fact.payload.kind_index()] += 1;
        for note in &effects.notes {
            *self.notes.entry(note.symbol()).or_default() += 1;
        }
        for output in &effects.outputs {
            self.output(output);
        }
    }

    fn output(&mut self, output: &Output) {
        match output {
            Output::EligibilityDecided(decided) => {
                for criterion in &decided.failed {
                    *self.failures.entry(criterion.symbol()).or_default() += 1;
                }
                self.not_requested += u64::from(!decided.requested);
            }
            Output::RatingRequested(_) => self.requested += 1,
            Output::RatingSubmitted(submitted) => self.submission(submitted),
            Output::AnswerRefused(refused) => {
                *self.refusals.entry(refused.reason.symbol()).or_default() += 1;
            }
        }
    }

    /// A rating counts once, by the reaction that it began with; the comment is a submission of its own.
    fn submission(&mut self, submitted: &RatingSubmitted) {
        self.submissions += 1;
        self.comments += u64::from(submitted.comment.is_some());
        if submitted.revision == 1 {
            *self.ratings.entry(submitted.reaction.symbol()).or_default() += 1;
        }
    }

    /// One fact of a kind or with a symbol that this build does not know.
    pub fn passed_over(&mut self, label: &'static str) {
        *self.passed_over.entry(label).or_default() += 1;
    }

    /// One record that could not be folded.
    pub fn dead_letter(&mut self, class: &str) {
        *self.dead_letters.entry(class.to_owned()).or_default() += 1;
    }
}
