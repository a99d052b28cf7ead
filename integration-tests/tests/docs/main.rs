//! The documents: their examples run as they stand on their pages, the references of commands and of the configuration are what the program says, the AsyncAPI
//! document is what the schemas give, and every link of the site leads somewhere.
//!
//! | variable | is | when unset |
//! | --- | --- | --- |
//! | `AFTERWORD_BIN` | the program to test | built when it is older than its sources |
//! | `AFTERWORD_WRITE_DOCS` | `1`: writes the pages of `docs/reference/` anew instead of comparing them | compares |
//!
//! The examples that need brokers are run by the tests of `kafka`.

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../processes/binary.rs"]
mod binary;
mod commands;
mod configuration;
mod help_desk;
mod quick_start;
mod scenarios;
mod stage;
mod values;

use std::fs;
use std::process::Command;

use afterword_integration_tests::examples::python;
use afterword_integration_tests::kafka::{CONSUMER, compile, repository};

/// Runs a command that has to end well; returns what it printed.
fn must(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{command:?}: {printed}{errors}");
    printed
}

/// That a page is as it is made here, or writes it.
fn expect(page: &str, text: &str) {
    let path = repository().join(page);
    if std::env::var_os("AFTERWORD_WRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap();
    let differs = found
        .lines()
        .zip(text.lines())
        .position(|(found, expected)| found != expected);
    assert!(
        found == text,
        "{page} is out of date, from line {} on: AFTERWORD_WRITE_DOCS=1 make test ARGS='--test docs'",
        differs.map_or(found.lines().count(), |line| line + 1)
    );
}

/// Runs one of the checks of `integration-tests/docs/check.py`.
fn check(what: &str) {
    let mut command = Command::new(python());
    command.current_dir(repository());
    print!(
        "{}",
        must(command.args(["integration-tests/docs/check.py", what]))
    );
}

#[test]
fn the_asyncapi_document_is_valid_and_what_the_schemas_give() {
    check("asyncapi");
}

#[test]
fn the_site_is_built_and_its_links_lead_somewhere() {
    check("site");
}

#[test]
fn the_example_in_java_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let page = "consumers/java.md";
    afterword_integration_tests::examples::write_files(page, "java", folder.path());
    let file = folder.path().join("Scorecards.java");
    must(&mut compile(&file, CONSUMER, folder.path()));
}
