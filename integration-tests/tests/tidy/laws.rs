//! Who may know whom, and what may stand where. The reasons are in docs/architecture.md, under "Invariants".

use crate::Finding;
use crate::source::Source;

/// One crate of ours: where it lies and which of the others it may use.
pub struct Crate {
    pub folder: &'static str,
    pub may_use: &'static [&'static str],
    /// All that it may use from outside, where that is a law; elsewhere [`OWNED`] alone counts.
    pub only: Option<&'static [&'static str]>,
}

/// The rooms of the house. The tests may use anything, and nobody may use them.
#[rustfmt::skip]
pub const CRATES: &[Crate] = &[
    Crate { folder: "schemas", may_use: &[], only: None },
    Crate { folder: "processor/domain", may_use: &["schemas"],
        only: Some(&["html5gum", "postcard", "serde", "thiserror", "uuid", "xxhash-rust"]) },
    Crate { folder: "processor/log", may_use: &[], only: None },
    Crate { folder: "processor/engine", may_use: &["domain", "log", "schemas", "trace"], only: None },
    Crate { folder: "processor/readmodel", may_use: &["log", "schemas", "trace"], only: None },
    Crate { folder: "processor/link", may_use: &[],
        only: Some(&["base64", "getrandom", "pasetors", "zeroize"]) },
    Crate { folder: "processor/trace", may_use: &[], only: Some(&["xxhash-rust"]) },
    Crate { folder: "processor/deliver", may_use: &["readmodel", "schemas"], only: None },
    Crate { folder: "processor/web", may_use: &["link", "log", "readmodel", "schemas", "trace"], only: None },
    Crate { folder: "processor/afterword", may_use: &["deliver", "domain", "engine", "link", "log", "readmodel", "schemas", "trace", "web"], only: None },
];

/// What lies behind one wall: a dependency, and the crates of ours that may have it.
const OWNED: &[(&str, &[&str])] = &[
    ("apache-avro", &["schemas"]),
    ("axum", &["web"]),
    ("pasetors", &["link"]),
    ("prost", &["afterword"]),
    ("rocksdb", &["log"]),
    ("sqlx", &["readmodel"]),
    ("tokio", &["deliver", "readmodel", "web", "afterword"]),
];

/// What no code of a folder may say, and why. An empty folder means all of them.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    (
        "",
        ".unwrap()",
        "return the error, or say with `expect` why there can be none",
    ),
    ("", "unbounded", "every queue has a bound"),
    (
        "",
        "mpsc::channel()",
        "the standard library's channel has no bound; use sync_channel",
    ),
    (
        "",
        "#[allow(unsafe_code)]",
        "no unsafe code but in the exceptions",
    ),
    ("processor/domain/", "std::time", "the rules read no clock"),
    ("processor/domain/", "SystemTime", "the rules read no clock"),
    ("processor/domain/", "Instant", "the rules read no clock"),
    ("processor/domain/", "std::fs", "the rules do no I/O"),
    ("processor/domain/", "std::io", "the rules do no I/O"),
    ("processor/domain/", "std::net", "the rules do no I/O"),
    (
        "processor/domain/",
        "std::env",
        "the rules depend on their arguments alone",
    ),
    (
        "processor/domain/",
        "std::thread",
        "the rules know no threads",
    ),
    (
        "processor/domain/",
        "async ",
        "the rules are plain functions",
    ),
    ("processor/domain/", "println!", "the rules do not log"),
    (
        "processor/domain/",
        "HashMap",
        "its order is random: the same log must give the same bytes",
    ),
    (
        "processor/domain/",
        "HashSet",
        "its order is random: the same log must give the same bytes",
    ),
    ("processor/domain/", "panic!", "the rules never panic"),
    ("processor/domain/", ".expect(", "the rules never panic"),
    ("processor/domain/", "unreachable!", "the rules never panic"),
    ("schemas/", "SystemTime", "the codec reads no clock"),
    ("schemas/", "Instant", "the codec reads no clock"),
];

/// Looks through one `Cargo.toml`.
pub fn manifest(krate: &Crate, text: &str) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", krate.folder);
    let own_name = short_name(krate.folder);
    let mut findings = Vec::new();
    for (line, name) in dependencies(text) {
        let mut complain = |what: String| findings.push(Finding::at(&path, line, what));
        if let Some(ours) = ours(&name) {
            if !krate.may_use.contains(&ours) {
                complain(format!("{own_name} may not know {ours}"));
            }
            continue;
        }
        let owners = OWNED.iter().find(|(owned, _)| *owned == name);
        if let Some((_, owners)) = owners.filter(|(_, owners)| !owners.contains(&own_name)) {
            complain(format!(
                "{name} belongs to {}, not to {own_name}",
                owners.join(" and ")
            ));
        }
        if krate
            .only
            .is_some_and(|only| !only.contains(&name.as_str()))
        {
            complain(format!(
                "{own_name} knows as little as it can, and not {name}"
            ));
        }
    }
    findings
}

/// Looks through one file of a crate: paths to our other crates, and what is forbidden there.
pub fn code(source: &Source) -> Vec<Finding> {
    let krate = CRATES
        .iter()
        .find(|krate| source.path.starts_with(&format!("{}/", krate.folder)));
    let mut findings = Vec::new();
    for (line, code) in source.product_code() {
        let mut complain = |what: String| findings.push(Finding::new(source, line, what));
        for (folder, words, reason) in FORBIDDEN {
            if source.path.starts_with(folder) && says(code, words) {
                complain(format!("`{words}`: {reason}"));
            }
        }
        let Some(krate) = krate else { continue };
        for (ours, rest) in mentions(code) {
            if ours == "domain" && krate.folder == "processor/domain"
                || krate.folder.ends_with(&format!("/{ours}"))
            {
                continue;
            }
            if !krate.may_use.contains(&ours.as_str()) && krate.folder != ours {
                complain(format!("{} may not know {ours}", short_name(krate.folder)));
            } else if krate.folder == "processor/domain" && !rest.starts_with("::records") {
                complain(
                    "of schemas the domain uses `afterword_schemas::records` alone".to_owned(),
                );
            }
        }
    }
    findings
}

/// Whether the code says these words, not only as a part of a longer word.
fn says(code: &str, words: &str) -> bool {
    let continues = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts_word = words.chars().next().is_some_and(char::is_alphanumeric);
    code.match_indices(words).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + words.len()..].chars().next();
        let whole =
            !words.ends_with(char::is_alphanumeric) || !continues(after) || words == "unbounded";
        whole && !(starts_word && continues(before))
    })
}

/// The crates of ours that a line names as a path, each with what follows its name.
fn mentions(code: &str) -> Vec<(String, &str)> {
    let starts = code
        .match_indices("afterword_")
        .map(|(at, prefix)| at + prefix.len());
    starts
        .filter_map(|at| {
            let end = code[at..].find(|c: char| !(c.is_alphanumeric() || c == '_'))? + at;
            Some((code[at..end].to_owned(), &code[end..]))
        })
        .filter(|(_, rest)| rest.starts_with("::"))
        .collect()
}

/// `processor/domain` and `afterword-domain` are both called `domain`.
fn short_name(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

fn ours(dependency: &str) -> Option<&str> {
    dependency.strip_prefix("afterword-")
}

/// The dependencies of a manifest with their lines, those for tests left out.
fn dependencies(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut counts = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            counts = section.ends_with("dependencies") && !section.ends_with("dev-dependencies");
            // `[dependencies.name]` is another way to write one.
            if let Some((before, name)) = section.rsplit_once("dependencies.")
                && !before.ends_with("dev-")
            {
                found.push((index + 1, name.to_owned()));
            }
        } else if counts && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((index + 1, name.trim_matches('"').to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(folder: &str) -> &'static Crate {
        let found = CRATES.iter().find(|krate| krate.folder == folder);
        found.expect("a crate in that folder")
    }

    #[test]
    fn forbidden_dependencies_are_found() {
        let check = |folder: &str, dependency: &str, count: usize| {
            let plain =
                format!("[package]\nname = \"x\"\n[dependencies]\n{dependency}.workspace = true\n");
            let table = format!("[dependencies.{dependency}]\nversion = \"1\"\n");
            let target = format!("[target.'cfg(unix)'.dependencies]\n{dependency} = \"1\"\n");
            for text in [plain, table, target] {
                assert_eq!(
                    manifest(room(folder), &text).len(),
                    count,
                    "{folder}: {text}"
                );
            }
            let for_tests = format!("[dev-dependencies]\n{dependency} = \"1\"\n");
            assert_eq!(
                manifest(room(folder), &for_tests).len(),
                0,
                "{folder}: {for_tests}"
            );
        };
        check("schemas", "afterword-domain", 1);
        check("processor/domain", "afterword-schemas", 0);
        check("processor/domain", "afterword-log", 1);
        check("processor/domain", "tracing", 1);
        check("processor/log", "afterword-schemas", 1);
        check("processor/log", "rocksdb", 0);
        check("processor/engine", "rocksdb", 1);
        check("processor/engine", "axum", 1);
        check("processor/readmodel", "afterword-domain", 1);
        check("processor/web", "sqlx", 1);
        check("processor/afterword", "afterword-engine", 0);
    }

    fn findings(folder: &str, line: &str) -> Vec<String> {
        let source = Source::new(&format!("{folder}/src/x.rs"), line);
        code(&source)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn forbidden_code_is_found() {
        let check = |folder: &str, line: &str, found: bool| {
            assert_eq!(
                !findings(folder, line).is_empty(),
                found,
                "{folder}: {line}"
            );
        };
        check("processor/web", "a.unwrap();", true);
        check("processor/web", "a.unwrap_or(b);", false);
        check("processor/web", "// a.unwrap();", false);
        check(
            "processor/engine",
            "let (s, r) = crossbeam_channel::unbounded();",
            true,
        );
        check(
            "processor/engine",
            "tokio::sync::mpsc::unbounded_channel()",
            true,
        );
        check("processor/engine", "std::sync::mpsc::channel()", true);
        check("processor/engine", "tokio::sync::mpsc::channel(8)", false);
        check("processor/engine", "Instant::now()", false);
        check("processor/domain", "Instant::now()", true);
        check("processor/domain", "use std::time::Duration;", true);
        check("processor/domain", "pub async fn a() {}", true);
        check("processor/domain", "let instants = 1;", false);
        check("processor/domain", "use std::collections::HashMap;", true);
        check("processor/log", "#[allow(unsafe_code)]", true);
    }

    #[test]
    fn forbidden_paths_are_found() {
        let check = |folder: &str, line: &str, count: usize| {
            assert_eq!(findings(folder, line).len(), count, "{folder}: {line}")
        };
        check("schemas", "use afterword_domain::Fold;", 1);
        check(
            "processor/domain",
            "use afterword_schemas::records::Actor;",
            0,
        );
        check("processor/domain", "use afterword_schemas::json;", 1);
        check(
            "processor/domain",
            "use afterword_schemas::{json, records};",
            1,
        );
        check("processor/log", "afterword_schemas::encode(a)", 1);
        check("processor/engine", "use afterword_domain::fold;", 0);
        check("processor/readmodel", "use afterword_domain::fold;", 1);
        check("processor/engine", "let afterword_web = 1;", 0);
    }
}
