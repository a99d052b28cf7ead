//! The examples of the documents, taken out of their pages: what a test runs is what a reader copies.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::{fs, iter};

use crate::kafka::repository;

/// The blocks of this language on a page of `docs/`, in their order.
///
/// # Panics
/// When the page is not there or has none.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = repository().join("docs").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let found = blocks_of(&text, language);
    assert!(!found.is_empty(), "docs/{page} has no block of {language}");
    found
}

/// The commands of a page's consoles: lines after `$ `.
pub fn commands(page: &str) -> Vec<String> {
    let blocks = blocks(page, "console");
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines
        .filter_map(|line| line.strip_prefix("$ "))
        .map(str::to_owned)
        .collect()
}

/// Writes the blocks of a page into a folder, each under the name that its first line has as a comment, such as `# ratings.py`.
///
/// # Panics
/// When a block begins otherwise.
pub fn write_files(page: &str, language: &str, folder: &std::path::Path) {
    for block in blocks(page, language) {
        let first = block.lines().next().unwrap_or_default();
        let name = first.trim_start_matches(['#', '/', ' ']);
        assert!(
            name != first && name.contains('.') && !name.contains([' ', '/']),
            "docs/{page}: expected a block that begins with the name of its file, found {first:?}"
        );
        fs::write(folder.join(name), &block).unwrap();
    }
}

/// The Python that has what the documents' examples import, made by `.ci/checkers`.
///
/// # Panics
/// When it cannot be made: the message says why.
pub fn python() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        let done = Command::new(repository().join(".ci/checkers")).output();
        let done = done.expect("bash is needed for .ci/checkers");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), ".ci/checkers: {errors}");
        PathBuf::from(String::from_utf8_lossy(&done.stdout).trim()).join("bin/python")
    };
    FOUND.get_or_init(find).clone()
}

fn blocks_of(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut lines = text.lines();
    let next = || {
        lines.find(|line| line.trim_end() == opening)?;
        let inside = lines.by_ref().take_while(|line| line.trim_end() != "```");
        Some(inside.map(|line| format!("{line}\n")).collect())
    };
    iter::from_fn(next).collect()
}

#[test]
fn blocks_are_found_by_their_language() {
    let text = "a\n```sql\nSELECT 1;\n\nSELECT 2;\n```\n```text\nx\n```\n```sql\nlast\n```\n";
    let found = blocks_of(text, "sql");
    assert_eq!(found, ["SELECT 1;\n\nSELECT 2;\n", "last\n"]);
    assert_eq!(blocks_of(text, "python"), Vec::<String>::new());
}
