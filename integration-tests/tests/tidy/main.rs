//! The style of this repository and the laws of its architecture, as far as a program can check them.
//!
//! A finding names its file, its line and what is wrong. To break a rule on purpose, add an exception below with its
//! reason; one that is no longer needed fails as well, so that the list only shrinks.

mod documents;
mod laws;
mod links;
mod sizes;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use afterword_schemas::records::{Criterion, RefusalReason};
use source::Source;

/// What may be as it is: the file, words of the finding, and the reason.
#[rustfmt::skip]
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("processor/engine/src/metrics.rs", "fn new has", "one table: every metric of the engine with its help and labels"),
    ("processor/afterword/src/service/metrics.rs", "fn new has", "one table: every metric of the process with its help and labels"),
    ("processor/domain/src/scenario/load.rs", "std::fs", "reads the scenarios of tests; only with the feature `scenarios`"),
    ("processor/domain/src/scenario/load.rs", "panic!", "fails a test that has a broken scenario; only with the feature `scenarios`"),
];

/// Something to put right.
#[derive(Clone, Debug)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(source: &Source, line: usize, what: String) -> Finding {
        Finding::at(&source.path, line, what)
    }

    fn at(path: &str, line: usize, what: String) -> Finding {
        let path = path.to_owned();
        Finding { path, line, what }
    }

    fn is_excepted_by(&self, exception: &(&str, &str, &str)) -> bool {
        self.path == exception.0 && self.what.contains(exception.1)
    }
}

#[test]
fn files_and_functions_are_short() {
    hold(sizes_of(&sources()));
}

#[test]
fn nobody_knows_more_than_they_may() {
    hold(laws_of(&sources()));
}

#[test]
fn files_name_no_machine() {
    hold(machines_in(&files()));
}

#[test]
fn documents_are_complete() {
    hold(gaps_in_documents());
}

#[test]
fn every_exception_is_needed() {
    let sources = sources();
    let mut findings = sizes_of(&sources);
    findings.extend(laws_of(&sources));
    findings.extend(machines_in(&files()));
    findings.extend(gaps_in_documents());
    for exception in EXCEPTIONS {
        let needed = findings
            .iter()
            .any(|finding| finding.is_excepted_by(exception));
        assert!(needed, "no longer needed, remove it: {exception:?}");
    }
}

fn sizes_of(sources: &[Source]) -> Vec<Finding> {
    let long = |source| {
        sizes::long_functions(source)
            .into_iter()
            .chain(sizes::long_file(source))
    };
    sources.iter().flat_map(long).collect()
}

fn laws_of(sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = sources.iter().flat_map(laws::code).collect();
    for krate in laws::CRATES {
        let text = read(&format!("{}/Cargo.toml", krate.folder));
        findings.extend(laws::manifest(krate, &text));
    }
    findings
}

fn machines_in(files: &[String]) -> Vec<Finding> {
    let texts = files
        .iter()
        .filter_map(|path| Some((path, fs::read_to_string(root().join(path)).ok()?)));
    texts
        .flat_map(|(path, text)| documents::machine_paths(path, &text))
        .collect()
}

fn gaps_in_documents() -> Vec<Finding> {
    let files = files();
    let mut findings = Vec::new();
    let mut must_say = |document: &str, names: Vec<String>| {
        assert!(
            !names.is_empty(),
            "{document} has nothing to say: the check is broken"
        );
        findings.extend(documents::unsaid(document, &read(document), names));
    };
    let file_name = |path: &String| path.rsplit('/').next().map(str::to_owned);
    let schemas = files
        .iter()
        .filter(|path| path.starts_with("schemas/avro/") || path.ends_with(".avsc"));
    must_say("docs/topics.md", schemas.filter_map(file_name).collect());
    let members = files
        .iter()
        .filter_map(|path| path.strip_suffix("/Cargo.toml"));
    must_say(
        "docs/architecture.md",
        members.map(|folder| format!("`{folder}/`")).collect(),
    );
    let codes = Criterion::ALL.iter().map(|criterion| criterion.symbol());
    let reasons = RefusalReason::ALL.iter().map(|reason| reason.symbol());
    must_say(
        "docs/rules.md",
        codes
            .chain(reasons)
            .map(|code| format!("`{code}`"))
            .collect(),
    );
    let metrics: BTreeSet<String> = sources().iter().flat_map(documents::metric_names).collect();
    must_say(
        "docs/operations.md",
        metrics
            .into_iter()
            .map(|name| format!("`{name}`"))
            .collect(),
    );
    let keys = documents::configuration_keys(&read("processor/afterword/src/config/table.rs"));
    must_say(
        "docs/operations.md",
        keys.iter().map(|key| format!("`{key}`")).collect(),
    );
    let pages = files.iter().filter(|path| path.ends_with(".md"));
    let pages: BTreeMap<String, String> = pages.map(|path| (path.clone(), read(path))).collect();
    for (path, text) in &pages {
        findings.extend(documents::dead_links(&root(), path, text));
    }
    findings.extend(links::dead_anchors(&pages));
    let of_the_site = pages.keys().filter(|path| path.starts_with("docs/"));
    let list = "docs/SUMMARY.md";
    findings.extend(links::unlisted(list, &pages[list], of_the_site));
    findings
}

/// Fails with all findings at once, those with an exception left out.
fn hold(findings: Vec<Finding>) {
    let excepted = |finding: &Finding| {
        EXCEPTIONS
            .iter()
            .any(|exception| finding.is_excepted_by(exception))
    };
    let left: Vec<String> = findings
        .iter()
        .filter(|finding| !excepted(finding))
        .map(|Finding { path, line, what }| format!("{path}:{line}: {what}"))
        .collect();
    assert!(
        left.is_empty(),
        "{} findings:\n{}",
        left.len(),
        left.join("\n")
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sources() -> Vec<Source> {
    let files = files();
    let rust = files.iter().filter(|path| path.ends_with(".rs"));
    rust.map(|path| Source::new(path, &read(path))).collect()
}

/// Every file of the repository, from its root: what git tracks or would track, or all there is without git.
fn files() -> Vec<String> {
    let arguments = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = Command::new("git")
        .args(arguments)
        .current_dir(root())
        .output();
    let mut files: Vec<String> = match listed {
        Ok(output) if output.status.success() => {
            let names = output.stdout.split(|byte| *byte == 0);
            names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(&root(), "", &mut found);
            found
        }
    };
    files.retain(|path| !path.is_empty() && root().join(path).is_file());
    files.sort();
    assert!(files.len() > 10, "hardly any files in {:?}", root());
    files
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if path.is_file() {
            found.push(format!("{prefix}{name}"));
        } else if path.is_dir() && !matches!(name.as_str(), ".git" | "target") {
            walk(&path, &format!("{prefix}{name}/"), found);
        }
    }
}

#[test]
fn the_walk_finds_this_file() {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    assert!(found.contains(&"integration-tests/tests/tidy/main.rs".to_owned()));
}
