//! What documents must say, and what no file may.

use std::path::Path;

use crate::Finding;
use crate::source::Source;

/// Folders that exist on one machine alone. Built from parts, since this file is looked at too.
const MACHINE_FOLDERS: [&str; 3] = [
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
];

/// Paths of somebody's machine in any text file.
pub fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let alone = |at: usize| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !(c.is_alphanumeric() || "._-/*>})".contains(c)))
            };
            if line.match_indices(folder).any(|(at, _)| alone(at)) {
                findings.push(Finding::at(
                    path,
                    index + 1,
                    format!("{folder} is a folder of one machine"),
                ));
            }
        }
    }
    findings
}

/// Names that a document must have, each in full.
pub fn unsaid(document: &str, text: &str, names: impl IntoIterator<Item = String>) -> Vec<Finding> {
    let missing = names
        .into_iter()
        .filter(|name| !text.contains(name.as_str()));
    missing
        .map(|name| Finding::at(document, 1, format!("says nothing of {name}")))
        .collect()
}

/// Links of a Markdown file to files that are not there.
pub fn dead_links(root: &Path, path: &str, text: &str) -> Vec<Finding> {
    let folder = root
        .join(path)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (at, opening) in line.match_indices("](") {
            let target = line[at + opening.len()..]
                .split(')')
                .next()
                .unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere =
                file.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !folder.join(file).exists() {
                findings.push(Finding::at(
                    path,
                    index + 1,
                    format!("links to {file}, which is not there"),
                ));
            }
        }
    }
    findings
}

/// The names of metrics in a file of Rust: string literals that begin as all our metrics do.
pub fn metric_names(source: &Source) -> Vec<String> {
    let product = source
        .product_code()
        .map(|(line, _)| &source.text[line - 1]);
    let mut names = Vec::new();
    for line in product.filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("\"afterword_") {
            let name = line[at + 1..].split('"').next().unwrap_or_default();
            let whole =
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.ends_with('_');
            if whole {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The keys of the configuration, from the table that has one row each: `number("log.cache_mib", …)`.
pub fn configuration_keys(table: &str) -> Vec<String> {
    let rows = table.split(['(', ',']).map(str::trim).filter_map(|part| {
        let key = part.strip_prefix('"')?.strip_suffix('"')?;
        let is_key = key.contains(['.', '_'])
            && key
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
        is_key.then(|| key.to_owned())
    });
    rows.collect()
}

#[test]
fn keys_of_the_configuration_are_found() {
    let table = "    other(\n  \"data_dir\", \"afterword-data\", Kind::Text, \"a folder\"),\n    number(\"log.cache_mib\", \"64\", 1, 2, \"memory\"),\n";
    assert_eq!(configuration_keys(table), ["data_dir", "log.cache_mib"]);
}

#[test]
fn machine_paths_are_found() {
    let check = |line: String, count: usize| {
        assert_eq!(machine_paths("x.md", &line).len(), count, "{line}")
    };
    for folder in MACHINE_FOLDERS {
        check(format!("see {folder}x"), 1);
        check(format!("{folder}x"), 1);
        check(format!("\"{folder}x\""), 1);
        check(format!("https://example.com{folder}x"), 0);
        check(format!("processor{folder}x"), 0);
    }
}

#[test]
fn gaps_in_documents_are_found() {
    let names = || ["a.avsc", "b.avsc"].map(str::to_owned);
    assert_eq!(unsaid("x.md", "`a.avsc` and b.avsc", names()).len(), 0);
    assert_eq!(unsaid("x.md", "`a.avsc`", names()).len(), 1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = "[a](Cargo.toml) [b](https://example.com/x) [c](#part) [d](missing.md#part)";
    assert_eq!(dead_links(root, "x.md", links).len(), 1);
}

#[test]
fn names_of_metrics_are_found() {
    let text = "let a = counter(\"afterword_facts_total\");\n// \"afterword_comment_total\"\nuse afterword_log::X;\n";
    let names = metric_names(&Source::new("x/src/lib.rs", text));
    assert_eq!(names, ["afterword_facts_total"]);
}
