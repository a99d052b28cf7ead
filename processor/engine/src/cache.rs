//! States in memory: the dirty ones, which hold facts that no stored state holds yet, ready to be folded; and the clean
//! ones as they are stored, the least recently used to be forgotten first.
//!
//! A stored state is the position up to which facts are in it, and the conversation.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use afterword_domain::Conversation;
use afterword_domain::defect::Defect;
use afterword_log::{CodingError, LogError, Offset, Reader, StateWrite, put_varint};
use hashlink::{DefaultHashBuilder, LruCache};

use crate::key::Key;

/// What an entry costs beside its key and state: tables, pointers, counts.
const ENTRY_OVERHEAD_BYTES: usize = 96;

/// A conversation that is being folded.
#[derive(Debug)]
pub struct Dirty {
    pub conversation: Conversation,
    /// Facts before this offset were in the stored state when it was loaded.
    pub applied: Offset,
    /// What was last added to the sum of dirty bytes for it.
    bytes: usize,
}

/// The states of one partition that are in memory.
#[derive(Debug)]
pub struct StateCache {
    dirty: HashMap<Key, Dirty, DefaultHashBuilder>,
    /// Dirty states by the offset of the first fact that is not stored, oldest first.
    due: VecDeque<(Offset, Key)>,
    clean: LruCache<Key, Box<[u8]>>,
    dirty_bytes: usize,
    clean_bytes: usize,
}

impl Default for StateCache {
    fn default() -> Self {
        StateCache {
            dirty: HashMap::default(),
            due: VecDeque::new(),
            clean: LruCache::new_unbounded(),
            dirty_bytes: 0,
            clean_bytes: 0,
        }
    }
}

/// Splits a stored state into the position up to which facts are in it and the conversation's bytes.
fn split(stored: &[u8]) -> Result<(Offset, &[u8]), CodingError> {
    let mut reader = Reader::new(stored);
    let applied = Offset(reader.varint()?);
    Ok((applied, &stored[reader.position()..]))
}

fn damaged(key: &[u8], error: impl std::fmt::Display) -> LogError {
    let key = String::from_utf8_lossy(key).replace('\0', "/");
    LogError::Stop(format!("the stored state of {key} cannot be read: {error}"))
}

impl StateCache {
    /// Whether this state is in memory.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.dirty.contains_key(key) || self.clean.contains_key(key)
    }

    /// Remembers a stored state as it was loaded.
    pub fn insert_loaded(&mut self, key: &[u8], stored: Vec<u8>) {
        self.insert_clean(key.into(), stored.into_boxed_slice());
    }

    fn insert_clean(&mut self, key: Key, stored: Box<[u8]>) {
        self.clean_bytes += key.len() + stored.len() + ENTRY_OVERHEAD_BYTES;
        if let Some(old) = self.clean.insert(Arc::clone(&key), stored) {
            self.clean_bytes -= key.len() + old.len() + ENTRY_OVERHEAD_BYTES;
        }
    }

    /// The conversation of this key for folding the fact at `offset`, `None` when its state holds that fact already.
    /// What is in no place begins anew.
    ///
    /// # Errors
    /// [`LogError::Stop`] when a stored state cannot be read.
    pub fn for_fact(&mut self, key: &[u8], offset: Offset) -> Result<Option<&mut Dirty>, LogError> {
        if !self.dirty.contains_key(key) {
            let (conversation, applied) = match self.clean.get(key) {
                None => (Conversation::default(), Offset(0)),
                Some(stored) => {
                    let (applied, bytes) = split(stored).map_err(|error| damaged(key, error))?;
                    if offset < applied && !Defect::RefoldDoesNotSkip.is_on() {
                        return Ok(None);
                    }
                    let conversation =
                        Conversation::decode(bytes).map_err(|error| damaged(key, error))?;
                    (conversation, applied)
                }
            };
            self.make_dirty(key, offset, conversation, applied);
        }
        let dirty = self.dirty.get_mut(key);
        Ok(dirty.filter(|dirty| offset >= dirty.applied || Defect::RefoldDoesNotSkip.is_on()))
    }

    fn make_dirty(
        &mut self,
        key: &[u8],
        offset: Offset,
        conversation: Conversation,
        applied: Offset,
    ) {
        let key: Key = match self.clean.remove_entry(key) {
            Some((key, stored)) => {
                self.clean_bytes -= key.len() + stored.len() + ENTRY_OVERHEAD_BYTES;
                key
            }
            None => key.into(),
        };
        self.due.push_back((offset, Arc::clone(&key)));
        let bytes = key.len() + ENTRY_OVERHEAD_BYTES + conversation.memory_bytes();
        self.dirty_bytes += bytes;
        self.dirty.insert(
            key,
            Dirty {
                conversation,
                applied,
                bytes,
            },
        );
    }

    /// Counts anew what this state takes, after facts were folded into it.
    pub fn recount(&mut self, key: &[u8]) {
        if let Some(dirty) = self.dirty.get_mut(key) {
            let bytes = key.len() + ENTRY_OVERHEAD_BYTES + dirty.conversation.memory_bytes();
            self.dirty_bytes = self.dirty_bytes - dirty.bytes + bytes;
            dirty.bytes = bytes;
        }
    }

    /// Every fact before the returned offset is in a stored state; `next` when nothing is dirty.
    pub fn stored_below(&self, next: Offset) -> Offset {
        self.due
            .front()
            .map_or(next, |(first, _)| (*first).min(next))
    }

    /// The same once the oldest `stored` dirty states are stored.
    pub fn stored_below_after(&self, stored: usize, next: Offset) -> Offset {
        self.due
            .get(stored)
            .map_or(next, |(first, _)| (*first).min(next))
    }

    /// Takes the states that must be stored: those that were made dirty before `bound`, and beyond them the oldest
    /// until at most `dirty_bytes` remain. They stay dirty until [`StateCache::stored`] says that the commit is done.
    pub fn due(&self, bound: Offset, dirty_bytes: usize, applied: Offset) -> Vec<StateWrite> {
        let mut left = self.dirty_bytes;
        let mut writes = Vec::new();
        for (first, key) in &self.due {
            if *first >= bound && left <= dirty_bytes {
                break;
            }
            let Some(dirty) = self.dirty.get(key) else {
                continue;
            };
            left -= dirty.bytes;
            let mut value = Vec::with_capacity(64);
            put_varint(&mut value, applied.0);
            dirty.conversation.encode(&mut value);
            writes.push(StateWrite {
                key: key.to_vec(),
                value,
            });
        }
        writes
    }

    /// The oldest `writes.len()` dirty states are stored: they are clean now.
    pub fn stored(&mut self, writes: Vec<StateWrite>) {
        for write in writes {
            let Some((_, key)) = self.due.pop_front() else {
                return;
            };
            if let Some(dirty) = self.dirty.remove(&key) {
                self.dirty_bytes -= dirty.bytes;
            }
            self.insert_clean(key, write.value.into_boxed_slice());
        }
    }

    /// Forgets clean states, the least recently used first, until all takes at most `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        while self.bytes() > bytes {
            let Some((key, stored)) = self.clean.remove_lru() else {
                return;
            };
            self.clean_bytes -= key.len() + stored.len() + ENTRY_OVERHEAD_BYTES;
        }
    }

    /// Bytes of all states in memory, by estimate.
    pub fn bytes(&self) -> usize {
        self.dirty_bytes + self.clean_bytes
    }

    /// Bytes of the dirty ones, by estimate.
    pub fn dirty_bytes(&self) -> usize {
        self.dirty_bytes
    }
}
