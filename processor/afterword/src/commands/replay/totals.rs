//! What is counted, and the decisions that differ.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use afterword_schemas::records::{Criterion, EligibilityDecided};

/// So many as it was, and as it would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub was: u64,
    pub would_be: u64,
}

/// Counts over closes that were decided.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub facts: u64,
    pub conversations: u64,
    pub closes: u64,
    pub asked: Pair,
    /// By place in [`Criterion::ALL`].
    pub failed: [Pair; Criterion::ALL.len()],
    pub ratings: Pair,
    pub asked_now: u64,
    pub asked_no_more: u64,
    /// Not asked either way, for other reasons.
    pub other_reasons: u64,
    pub changed_conversations: u64,
    /// Conversations that are left out: they may have begun in what retention removed, or their decisions are gone.
    pub left_out: u64,
    /// Offsets of facts that are not decided yet.
    pub not_folded: u64,
}

impl Totals {
    /// How many decisions differ.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.asked_now + self.asked_no_more + self.other_reasons
    }

    /// Counts a close; true when its decision differs.
    pub fn close(&mut self, was: &EligibilityDecided, would_be: &EligibilityDecided) -> bool {
        self.closes += 1;
        self.asked.was += u64::from(was.requested);
        self.asked.would_be += u64::from(would_be.requested);
        for (criterion, pair) in Criterion::ALL.iter().zip(&mut self.failed) {
            pair.was += u64::from(was.failed.contains(criterion));
            pair.would_be += u64::from(would_be.failed.contains(criterion));
        }
        match (was.requested, would_be.requested) {
            (false, true) => self.asked_now += 1,
            (true, false) => self.asked_no_more += 1,
            _ if was.failed != would_be.failed => self.other_reasons += 1,
            _ => return false,
        }
        true
    }
}

/// Lines about the decisions that differ, the first of them or all; kept in a file, so that there may be many.
pub struct Changes {
    file: BufWriter<File>,
    lines: u64,
    most: u64,
}

/// How many lines there were.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    lines: u64,
    bytes: u64,
}

impl Changes {
    /// Keeps so many.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn new(most: u64) -> io::Result<Changes> {
        Ok(Changes {
            file: BufWriter::new(tempfile::tempfile()?),
            lines: 0,
            most,
        })
    }

    /// Whether one more is wanted.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lines < self.most
    }

    /// Adds one, without its line feed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, line: &str) -> io::Result<()> {
        self.lines += 1;
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")
    }

    /// Where it stands now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark(&mut self) -> io::Result<Mark> {
        Ok(Mark {
            lines: self.lines,
            bytes: self.file.stream_position()?,
        })
    }

    /// Forgets what was added since.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn back_to(&mut self, mark: Mark) -> io::Result<()> {
        self.lines = mark.lines;
        self.file.seek(SeekFrom::Start(mark.bytes))?;
        self.file.get_ref().set_len(mark.bytes)
    }

    /// Calls back with every line.
    ///
    /// # Errors
    /// When it cannot be read, or `each` fails.
    pub fn each(&mut self, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0))?;
        for line in BufReader::new(file).lines() {
            each(&line?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_since_a_mark_is_forgotten() {
        let mut changes = Changes::new(3).expect("a file");
        changes.add("a").expect("added");
        let mark = changes.mark().expect("a mark");
        changes.add("b, which is long").expect("added");
        changes.add("c").expect("added");
        assert!(!changes.has_room());
        changes.back_to(mark).expect("back");
        changes.add("d").expect("added");
        let mut found = Vec::new();
        let mut each = |line: &str| {
            found.push(line.to_owned());
            Ok(())
        };
        changes.each(&mut each).expect("read");
        assert_eq!(found, ["a", "d"]);
    }
}
