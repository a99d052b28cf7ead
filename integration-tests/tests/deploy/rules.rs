//! Alert rules, their runbooks, dashboards: what can be said of them without a service.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::{must, run, top};

/// The values of this key, one a line of the file.
fn values(text: &str, key: &str) -> Vec<String> {
    let found = text
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
    found.map(|value| value.trim().to_owned()).collect()
}

const TESTS: [&str; 2] = ["alerts.test.yaml", "alerts.week.test.yaml"];

#[test]
fn every_alert_is_fired_and_silenced_by_a_test_of_promtool() {
    must(Command::new("promtool").args(["check", "rules", "deploy/watch/alerts.yaml"]));
    let folder = top().join("deploy/watch");
    let files = TESTS.map(|name| folder.join(name));
    must(
        Command::new("promtool")
            .args(["test", "rules"])
            .args(&files),
    );
    let tests = files.map(|file| fs::read_to_string(file).unwrap()).concat();
    let rules = fs::read_to_string(folder.join("alerts.yaml")).unwrap();
    let alerts: BTreeSet<String> = values(&rules, "alert:").into_iter().collect();
    let tested: BTreeSet<String> = values(&tests, "name:").into_iter().collect();
    assert_eq!(alerts, tested);
    assert!(alerts.len() > 10);
    let fired = values(&tests, "exp_alerts:").len();
    assert_eq!(
        fired,
        alerts.len(),
        "each test names the alert that it expects"
    );
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let alerts = fs::read_to_string(top().join("deploy/watch/alerts.yaml")).unwrap();
    let watch = fs::read_to_string(top().join("docs/watch.md")).unwrap();
    let (names, pages) = (values(&alerts, "alert:"), values(&alerts, "runbook:"));
    assert_eq!(names.len(), pages.len());
    for (name, page) in names.iter().zip(&pages) {
        let text =
            fs::read_to_string(top().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(
            text.contains(&format!("`{name}`")),
            "{page} does not name {name}"
        );
        for part in ["## What it means", "## What to look at", "## What to do"] {
            assert!(text.contains(part), "{page} has no part {part:?}");
        }
        assert!(
            watch.contains(name.as_str()),
            "docs/watch.md does not name {name}"
        );
    }
    let there = fs::read_dir(top().join("docs/runbooks")).unwrap().count();
    assert_eq!(
        there,
        pages.iter().collect::<BTreeSet<_>>().len(),
        "each page belongs to an alert"
    );
}

#[test]
fn dashboards_are_what_their_code_makes() {
    must(Command::new("python3").args(["deploy/watch/dashboards.py", "--check"]));
}

#[test]
fn a_wrong_rule_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(top().join("deploy/watch").join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(folder.path().join(name), text.replace(from, to)).unwrap();
    };
    write(
        "alerts.test.yaml",
        "evaluation_interval",
        "evaluation_interval",
    );
    let tests = folder.path().join("alerts.test.yaml");
    for (from, to) in [
        ("> 0.05", "> 0.6"),
        ("for: 2m", "for: 20m"),
        ("state=\"stopped\"", "state=\"stoped\""),
    ] {
        write("alerts.yaml", from, to);
        let said = run(Command::new("promtool").args(["test", "rules"]).arg(&tests));
        assert!(said.is_err(), "{from} as {to} passes: {said:?}");
    }
}
