//! `docs/reference/scenarios.md`: the rules' scenarios as they are checked, in the order of the rules.

use std::fmt::Write;
use std::fs;

use afterword_integration_tests::kafka::repository;

use crate::expect;

const HEAD: &str = "\
# The rules as examples

What happened in a conversation, and what must come of it: each line with `=>` is all that the line above it brings about, and a line without one brings
about nothing. Every one of these is run by `make test`, through the rules alone and through the whole pipeline on every log. What is in parentheses may be
left out where it does not matter. The page is made from the files in `processor/domain/scenarios/`, where `README.md` says how they are written.
";

/// The files and what they are about.
const FILES: [(&str, &str); 12] = [
    ("criteria", "When a rating is asked for"),
    ("characters", "More than 250 characters"),
    ("week", "Within 7 days of the last reply"),
    ("origin", "Who started it, and what is a reply"),
    ("customers", "Who is included, and as what"),
    ("credit", "Whom a rating is for"),
    ("answers", "What the customer may do"),
    ("refusals", "Why an answer is refused"),
    ("state", "Open, snoozed, closed"),
    ("settings", "Which settings judge a close"),
    ("repetition", "What is sent twice counts once"),
    ("deletion", "Deleted is final"),
];

#[test]
fn the_rules_examples_are_those_that_are_checked() {
    let folder = repository().join("processor/domain/scenarios");
    let mut text = HEAD.to_owned();
    for (file, title) in FILES {
        let scenarios = fs::read_to_string(folder.join(format!("{file}.txt"))).unwrap();
        // The comment at its head is for who writes scenarios.
        let body = scenarios.lines().skip_while(|line| line.starts_with('#'));
        let body: Vec<_> = body.collect();
        writeln!(
            text,
            "\n## {title}\n\n```text\n{}\n```",
            body.join("\n").trim()
        )
        .unwrap();
    }
    let there = fs::read_dir(folder).unwrap();
    let there = there.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension().is_some_and(|ending| ending == "txt")
    });
    assert_eq!(
        there.count(),
        FILES.len(),
        "a file of scenarios that the page does not have"
    );
    expect("docs/reference/scenarios.md", &text);
}
