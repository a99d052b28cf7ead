//! Which event ids are remembered. Rules, "Time, order and repetition": the same event id twice in one conversation counts
//! once.
//!
//! Ids are kept as 64-bit xxh3 hashes. Two different ids of one conversation are taken for one with a chance of
//! n² / 2⁶⁵ among n remembered: 3 in 10¹⁴ for a full memory of 1,024, 3 in 10¹⁸ for the ten of an ordinary conversation.
//! The hash is not keyed: a producer could make two ids collide on purpose, and would lose a fact of its own by it.

use xxhash_rust::xxh3::xxh3_64;

/// How many ids of closes, snoozes, reopenings, reactions and comments a conversation remembers: the latest by when they
/// were first folded.
pub const REMEMBERED_IDS: usize = 1_024;

/// An event id as it is remembered.
#[must_use]
pub(crate) fn hash(event_id: &str) -> u64 {
    xxh3_64(event_id.as_bytes())
}

/// The ids of closes, snoozes, reopenings, reactions and comments, whether they changed anything or not, oldest first.
#[derive(Default, Clone, PartialEq, Debug)]
pub(crate) struct Remembered {
    pub(crate) hashes: Vec<u64>,
    /// Whether an id was ever forgotten, so that such a conversation is counted once.
    pub(crate) overflowed: bool,
}

/// What remembering an id found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Remembering {
    Repeated,
    New,
    /// New, and for the first time an older one had to be forgotten.
    FirstForgotten,
}

impl Remembered {
    /// Remembers an id, unless it is remembered already; a repetition does not make it younger.
    pub(crate) fn remember(&mut self, event_id: &str) -> Remembering {
        let hash = hash(event_id);
        if self.hashes.contains(&hash) {
            return Remembering::Repeated;
        }
        let full = self.hashes.len() >= REMEMBERED_IDS;
        if full {
            self.hashes.remove(0);
        }
        self.hashes.push(hash);
        if full && !self.overflowed {
            self.overflowed = true;
            return Remembering::FirstForgotten;
        }
        Remembering::New
    }
}
