//! What folding a fact brings about: outputs for others, notes for the counters.

use afterword_schemas::records::Output;

/// What folding facts brought about. Reuse one: [`Effects::clear`] keeps its memory.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Effects {
    /// In order: a close's decision, then its request.
    pub outputs: Vec<Output>,
    /// What is only counted, in order.
    pub notes: Vec<Note>,
}

impl Effects {
    /// Forgets what is in it and keeps the memory.
    pub fn clear(&mut self) {
        self.outputs.clear();
        self.notes.clear();
    }
}

/// A condition to be counted; it changes no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A start after the first one folded (a repetition of it too): it changed nothing.
    LaterStart,
    /// A fact other than an answer after the deletion: passed over.
    PassedOverAfterDeletion,
    /// An event id that was folded before and is remembered: it counted once.
    Repeated,
    /// The conversation has more ids than are remembered; once a conversation.
    RememberedIdsOverflowed,
}

impl Note {
    /// Every note, for whoever registers a metric.
    pub const ALL: &'static [Note] = &[
        Note::LaterStart,
        Note::PassedOverAfterDeletion,
        Note::Repeated,
        Note::RememberedIdsOverflowed,
    ];

    /// The value of a metric's label.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Note::LaterStart => "later_start",
            Note::PassedOverAfterDeletion => "passed_over_after_deletion",
            Note::Repeated => "repeated",
            Note::RememberedIdsOverflowed => "remembered_ids_overflowed",
        }
    }
}
