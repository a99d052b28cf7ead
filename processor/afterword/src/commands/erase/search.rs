//! Looking for what was erased in bytes: of records as they are read, and of files as they lie on the disk.
//!
//! A short text or id stands in other bytes by chance, so those of less than [`LEAST_BYTES`] are not looked for. Of a long text
//! pieces are: files are compressed, and a whole text may lie in one cut up.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use aho_corasick::{AhoCorasick, BuildError};

/// Shorter texts and ids are not looked for.
pub const LEAST_BYTES: usize = 8;
/// A piece of a text: its beginning, middle or end.
const PIECE_BYTES: usize = 32;
/// Pieces that are looked for, at most: those of the texts that come first.
pub const MOST_PIECES: usize = 50_000;
/// Files are read in parts of this size.
const PART_BYTES: usize = 1 << 20;

/// What is to be looked for.
#[derive(Debug, Default)]
pub struct Pieces {
    pieces: BTreeSet<Vec<u8>>,
    /// Texts of which nothing is looked for, for being too short or too many.
    pub left_out: u64,
}

/// Looks for pieces.
#[derive(Debug)]
pub struct Search {
    automaton: AhoCorasick,
    pieces: Vec<Vec<u8>>,
    longest: usize,
    /// Which stand in what stays, for others said the same: nothing can be concluded from them.
    stays: Vec<bool>,
}

impl Pieces {
    /// Pieces of a text.
    pub fn add_text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if bytes.len() < LEAST_BYTES || self.pieces.len() >= MOST_PIECES {
            self.left_out += u64::from(!bytes.is_empty());
            return;
        }
        let last = bytes.len().saturating_sub(PIECE_BYTES);
        for from in [0, last / 2, last] {
            let piece = &bytes[from..bytes.len().min(from + PIECE_BYTES)];
            self.pieces.insert(piece.to_vec());
        }
    }

    /// The whole of an id, an address or a name.
    pub fn add_whole(&mut self, text: &str) {
        match text.len() < LEAST_BYTES {
            true => self.left_out += 1,
            false => drop(self.pieces.insert(text.as_bytes().to_vec())),
        }
    }

    /// Ready to look.
    ///
    /// # Errors
    /// When they are too many together.
    pub fn search(self) -> Result<Search, BuildError> {
        let pieces: Vec<_> = self.pieces.into_iter().collect();
        Ok(Search {
            automaton: AhoCorasick::new(&pieces)?,
            longest: pieces.iter().map(Vec::len).max().unwrap_or(0),
            stays: vec![false; pieces.len()],
            pieces,
        })
    }
}

impl Search {
    /// How many pieces there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pieces.len()
    }

    /// Those that stand in what stays.
    #[must_use]
    pub fn count_staying(&self) -> usize {
        self.stays.iter().filter(|stays| **stays).count()
    }

    /// Notes what stands in these bytes, which stay.
    pub fn note(&mut self, bytes: &[u8]) {
        for found in self.automaton.find_overlapping_iter(bytes) {
            self.stays[found.pattern().as_usize()] = true;
        }
    }

    /// The first file below a directory that has a piece which nothing that stays has.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn in_files(&self, directory: &Path) -> io::Result<Option<String>> {
        for entry in fs::read_dir(directory)? {
            let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
            let found = match entry?.is_dir() {
                true => self.in_files(&path)?,
                false => self
                    .is_in(File::open(&path)?)?
                    .then(|| path.display().to_string()),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn is_in(&self, mut file: impl Read) -> io::Result<bool> {
        let (mut part, mut kept) = (vec![0; PART_BYTES + self.longest], 0);
        loop {
            let read = file.read(&mut part[kept..])?;
            if read == 0 {
                return Ok(false);
            }
            let bytes = &part[..kept + read];
            let mut found = self.automaton.find_overlapping_iter(bytes);
            if found.any(|found| !self.stays[found.pattern().as_usize()]) {
                return Ok(true);
            }
            // What begins in this part may end in the next.
            let again = bytes.len().saturating_sub(self.longest);
            let length = bytes.len();
            part.copy_within(again..length, 0);
            kept = length - again;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn search(texts: &[&str]) -> Search {
        let mut pieces = Pieces::default();
        texts.iter().for_each(|text| pieces.add_text(text));
        pieces.search().unwrap()
    }

    #[test]
    fn what_is_cut_by_the_end_of_a_part_is_found() {
        let needle = "a distinctive sentence of some length";
        for at in [0, 5, PART_BYTES - 3, PART_BYTES + 20, 3 * PART_BYTES] {
            let mut bytes = vec![b'.'; at];
            bytes.extend_from_slice(needle.as_bytes());
            bytes.resize(4 * PART_BYTES, b'.');
            assert!(search(&[needle]).is_in(&bytes[..]).unwrap(), "{at}");
            assert!(!search(&["another sentence"]).is_in(&bytes[..]).unwrap());
        }
    }

    #[test]
    fn what_others_said_too_proves_nothing() {
        let mut both = search(&["Thank you very much!", "My secret number is 4711"]);
        both.note(b"... Thank you very much! ...");
        assert_eq!((both.count(), both.count_staying()), (2, 1));
        assert!(!both.is_in(&b"Thank you very much!"[..]).unwrap());
        assert!(both.is_in(&b"My secret number is 4711"[..]).unwrap());
    }

    #[test]
    fn short_texts_are_not_looked_for() {
        let mut pieces = Pieces::default();
        pieces.add_text("ok");
        pieces.add_text("");
        pieces.add_whole("u1");
        assert_eq!(pieces.left_out, 2);
        let search = pieces.search().unwrap();
        assert_eq!(search.count(), 0);
        assert!(!search.is_in(&b"ok u1"[..]).unwrap());
    }
}
