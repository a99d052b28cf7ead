//! Conversations folded without an engine, a cache or a store, and what they take of the memory.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use afterword_domain::{Conversation, Effects, Rules, SettingsTable, fold};
use afterword_log::Offset;
use afterword_schemas::records::{ConversationEvent, Output, Payload};

/// What a conversation costs beside its state and its key, about.
const ENTRY_BYTES: usize = 96;

/// Conversations by workspace and id; `T` is what else is known of each.
pub struct Conversations<T> {
    places: HashMap<Box<[u8]>, usize>,
    entries: Vec<Entry<T>>,
    /// The first fact that is kept.
    first: Offset,
    bytes: usize,
    effects: Effects,
    key: Vec<u8>,
}

/// What is known of a conversation.
#[derive(Default)]
pub struct Entry<T> {
    conversation: Conversation,
    bytes: usize,
    /// Whether what it depends on may have been removed: then nothing of it can be judged.
    pub is_cut: bool,
    pub more: T,
}

/// Folding a fact panicked: this build has a fault that another may not have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl<T: Default> Conversations<T> {
    /// None yet, of facts that are kept from this one on.
    #[must_use]
    pub fn new(first: Offset) -> Conversations<T> {
        Conversations {
            places: HashMap::new(),
            entries: Vec::new(),
            first,
            bytes: 0,
            effects: Effects::default(),
            key: Vec::new(),
        }
    }

    /// Folds a fact into its conversation; returns that, and the outputs.
    pub fn fold(
        &mut self,
        fact: &ConversationEvent<'_>,
        rules: &Rules,
        settings: &SettingsTable,
    ) -> (&mut Entry<T>, Result<&[Output], Panicked>) {
        self.key.clear();
        self.key.extend_from_slice(fact.workspace_id.as_bytes());
        self.key.push(0);
        self.key.extend_from_slice(fact.conversation_id.as_bytes());
        let place = match self.places.get(self.key.as_slice()) {
            Some(place) => *place,
            None => self.begin(fact),
        };
        let entry = &mut self.entries[place];
        self.effects.clear();
        let (conversation, effects) = (&mut entry.conversation, &mut self.effects);
        let folded = catch_unwind(AssertUnwindSafe(|| {
            fold(conversation, fact, rules, settings, effects);
        }));
        let bytes = entry.conversation.memory_bytes();
        self.bytes = self.bytes + bytes - entry.bytes;
        entry.bytes = bytes;
        let outputs = folded.map(|()| self.effects.outputs.as_slice());
        (entry, outputs.map_err(|_| Panicked))
    }

    /// A conversation of which nothing was seen; returns its place.
    fn begin(&mut self, fact: &ConversationEvent<'_>) -> usize {
        let is_start = matches!(fact.payload, Payload::ConversationStarted { .. });
        self.entries.push(Entry {
            is_cut: self.first > Offset(0) && !is_start,
            ..Entry::default()
        });
        let place = self.entries.len() - 1;
        self.bytes += self.key.len() + ENTRY_BYTES;
        self.places.insert(self.key.as_slice().into(), place);
        place
    }

    /// Memory of all of them, by estimate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How many of them cannot be judged.
    #[must_use]
    pub fn count_cut(&self) -> u64 {
        let cut = self.entries.iter().filter(|entry| entry.is_cut);
        cut.count() as u64
    }
}
