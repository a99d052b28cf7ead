//! The stored form: small, and readable for ever.
#![allow(clippy::disallowed_macros, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use afterword_domain::scenario::{OwnedEvent, Step, load};
use afterword_domain::{Conversation, StateError};
use support::fold_into;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stored");

/// The states that are stored, by title, folded from their facts.
fn states() -> BTreeMap<String, Conversation> {
    let scenarios = load(format!("{DIRECTORY}/states.txt"));
    let states = scenarios.into_iter().map(|scenario| {
        let facts: Vec<OwnedEvent> = scenario
            .steps
            .into_iter()
            .filter_map(|step| match step {
                Step::Fact(step) => Some(step.fact),
                Step::Settings(_) => None,
            })
            .collect();
        let mut conversation = Conversation::default();
        fold_into(&mut conversation, &facts);
        (scenario.title, conversation)
    });
    states.collect()
}

fn stored(conversation: &Conversation) -> Vec<u8> {
    let mut bytes = Vec::new();
    conversation.encode(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits =
        |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// `title: bytes`, one a line.
fn corpus(file: &str) -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(format!("{DIRECTORY}/{file}")).expect(file);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(": ").expect("title: bytes"));
    pairs
        .map(|(title, bytes)| (title.to_owned(), unhex(bytes)))
        .collect()
}

#[test]
fn states_of_format_1_are_readable_for_ever() {
    let states = states();
    let corpus = corpus("format-1.txt");
    assert!(corpus.len() >= 13);
    for (title, bytes) in corpus {
        let read = Conversation::decode(&bytes).unwrap_or_else(|error| panic!("{title}: {error}"));
        assert_eq!(Some(&read), states.get(&title), "{title}");
    }
}

/// As long as format 1 is the one that is written, it is written as it always was: a build that is rolled back reads it.
#[test]
fn format_1_is_written_as_ever() {
    let known = corpus("format-1.txt");
    let differing: Vec<String> = states()
        .iter()
        .map(|(title, conversation)| (title, stored(conversation)))
        .filter(|(title, bytes)| known.get(*title) != Some(bytes))
        .map(|(title, bytes)| format!("{title}: {}", hex(&bytes)))
        .collect();
    assert!(
        differing.is_empty(),
        "not as in format-1.txt:\n{}",
        differing.join("\n")
    );
}

#[test]
fn a_settled_ordinary_conversation_takes_no_more_than_60_bytes() {
    let states = states();
    for (title, at_most) in [
        ("settled: asked and not answered", 60),
        ("settled: rated", 60),
        ("settled: rated and commented", 90),
        ("settled, with long ids", 75),
        ("open and long enough", 35),
    ] {
        let len = stored(&states[title]).len();
        println!(
            "{title}: {len} bytes, {} in memory",
            states[title].memory_bytes()
        );
        assert!(len <= at_most, "{title}: {len} bytes");
    }
    assert_eq!(stored(&Conversation::default()).len(), 7);
}

#[test]
fn a_deleted_conversation_keeps_nothing_that_was_said_or_by_whom() {
    let states = states();
    let deleted = stored(&states["deleted, asked before and answered"]);
    assert!(deleted.len() <= 7 + 2 * 8, "{} bytes", deleted.len());
}

#[test]
fn encoding_appends() {
    let mut bytes = b"before".to_vec();
    Conversation::default().encode(&mut bytes);
    assert!(bytes.starts_with(b"before\x01"));
}

#[test]
fn unknown_formats_and_damage_are_told_apart() {
    assert_eq!(
        Conversation::decode(&[2, 0, 0]),
        Err(StateError::UnknownFormat { found: 2 })
    );
    assert_eq!(
        Conversation::decode(&[0]),
        Err(StateError::UnknownFormat { found: 0 })
    );
    assert!(matches!(
        Conversation::decode(&[]),
        Err(StateError::Damaged { .. })
    ));
    assert!(matches!(
        Conversation::decode(&[1]),
        Err(StateError::Damaged { .. })
    ));
    // A count of customers that would need more memory than there is.
    let huge = [
        1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01,
    ];
    assert!(matches!(
        Conversation::decode(&huge),
        Err(StateError::Damaged { .. })
    ));
    let message = Conversation::decode(&[9]).expect_err("unknown").to_string();
    assert!(
        message.contains("format 9") && message.contains("format 1"),
        "{message}"
    );
}
