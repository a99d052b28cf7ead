//! Scenarios from files: the one place of this crate that reads any, and only for tests.

use std::path::{Path, PathBuf};

use super::{Scenario, parse};

/// The scenarios of a file, or of every `.txt` file of a directory, in the order of the files' names.
///
/// # Panics
/// When a file cannot be read or is wrong; the message names the file and the line.
#[must_use]
pub fn load(path: impl AsRef<Path>) -> Vec<Scenario> {
    let path = path.as_ref();
    let mut scenarios = Vec::new();
    for file in files(path) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => panic!("{}: {error}", file.display()),
        };
        match parse(&name, &text) {
            Ok(parsed) => scenarios.extend(parsed),
            Err(error) => panic!("{error}"),
        }
    }
    scenarios
}

fn files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    files.sort();
    files
}
