//! Files of lines, read in blocks: bounded however long a line is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use afterword_schemas::json::MAX_BYTES;

use crate::failure::Failure;

/// Lines of one block at most.
const BLOCK_LINES: usize = 5_000;
/// Bytes after which a block ends.
const BLOCK_BYTES: usize = 4 << 20;
const BUFFER_BYTES: usize = 256 * 1024;

/// Some lines that stand one after the other in one file.
#[derive(Debug)]
pub struct Block {
    pub file: usize,
    /// The first line's number, from 1.
    pub first_line: u64,
    pub bytes: Vec<u8>,
    /// Where each line ends in `bytes`, its line feed left out; `None` for one that was longer than is read.
    pub lines: Vec<Option<usize>>,
}

/// The lines of one file.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    file: usize,
    next_line: u64,
    /// Bytes read so far.
    pub read: u64,
}

impl Block {
    /// Each line with its number; `None` for one that is too long.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let mut start = 0;
        self.lines.iter().enumerate().map(move |(index, end)| {
            let line = end.map(|end| &self.bytes[start..end]);
            start = end.unwrap_or(start);
            (self.first_line + index as u64, line)
        })
    }
}

impl Lines {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, file: usize) -> Result<Lines, Failure> {
        let reader: Box<dyn BufRead + Send> = match path.as_os_str() == "-" {
            true => Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin())),
            false => {
                let opened = File::open(path);
                let opened = opened.map_err(|error| {
                    Failure::while_doing(
                        format!("{}: expected a file of NDJSON", path.display()),
                        error,
                    )
                })?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, opened))
            }
        };
        Ok(Lines {
            reader,
            file,
            next_line: 1,
            read: 0,
        })
    }

    /// The next lines; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn block(&mut self) -> io::Result<Option<Block>> {
        let mut block = Block {
            file: self.file,
            first_line: self.next_line,
            bytes: Vec::new(),
            lines: Vec::new(),
        };
        while block.lines.len() < BLOCK_LINES && block.bytes.len() < BLOCK_BYTES {
            if !self.line(&mut block)? {
                break;
            }
        }
        self.next_line += block.lines.len() as u64;
        Ok((!block.lines.is_empty()).then_some(block))
    }

    fn line(&mut self, block: &mut Block) -> io::Result<bool> {
        let start = block.bytes.len();
        let limit = MAX_BYTES as u64 + 1;
        let mut read = self
            .reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut block.bytes)? as u64;
        if read == 0 {
            return Ok(false);
        }
        let is_whole = block.bytes.last() == Some(&b'\n');
        if is_whole {
            block.bytes.pop();
        }
        if !is_whole && read == limit {
            block.bytes.truncate(start);
            block.lines.push(None);
            read += self.skip_line()?;
        } else {
            block.lines.push(Some(block.bytes.len()));
        }
        self.read += read;
        Ok(true)
    }

    fn skip_line(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let found = buffer.iter().position(|byte| *byte == b'\n');
            let used = found.map_or(buffer.len(), |at| at + 1);
            self.reader.consume(used);
            skipped += used as u64;
            if used == 0 || found.is_some() {
                return Ok(skipped);
            }
        }
    }
}

/// The bytes of all files together, when each says how long it is.
#[must_use]
pub fn whole_bytes(files: &[PathBuf]) -> Option<u64> {
    let length = |path: &PathBuf| {
        std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file)
            .map(|found| found.len())
    };
    files.iter().map(length).sum()
}

/// How a file is named in messages.
#[must_use]
pub fn name(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: Vec<u8>) -> Lines {
        Lines {
            reader: Box::new(io::Cursor::new(text)),
            file: 0,
            next_line: 1,
            read: 0,
        }
    }

    #[test]
    fn lines_are_numbered_and_one_that_is_too_long_is_skipped() {
        let mut text = b"a\n\nb\n".to_vec();
        text.resize(text.len() + MAX_BYTES + 10, b'x');
        text.extend_from_slice(b"\nlast");
        let whole = text.len() as u64;
        let mut lines = lines_of(text);
        let mut found = Vec::new();
        while let Some(block) = lines.block().expect("read") {
            found.extend(
                block
                    .iter()
                    .map(|(number, line)| (number, line.map(<[u8]>::to_vec))),
            );
        }
        let line = |text: &[u8]| Some(text.to_vec());
        assert_eq!(
            found,
            [
                (1, line(b"a")),
                (2, line(b"")),
                (3, line(b"b")),
                (4, None),
                (5, line(b"last"))
            ]
        );
        assert_eq!(lines.read, whole);
    }

    #[test]
    fn a_block_ends_after_so_many_lines() {
        let mut lines = lines_of(b"x\n".repeat(BLOCK_LINES + 1));
        let sizes: Vec<_> = std::iter::from_fn(|| lines.block().expect("read"))
            .map(|block| (block.first_line, block.lines.len()))
            .collect();
        assert_eq!(sizes, [(1, BLOCK_LINES), (BLOCK_LINES as u64 + 1, 1)]);
    }
}
