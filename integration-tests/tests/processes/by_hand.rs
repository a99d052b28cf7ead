//! A file of facts written by hand (`by_hand.facts.ndjson`: each line says in its member `story` what it is for, which the
//! program does not know and ignores), and beside it, also by hand, every line that must come out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::place::Place;
use crate::scorecards;

const FACTS: &str = include_str!("by_hand.facts.ndjson");
const SETTINGS: &str = include_str!("by_hand.settings.ndjson");
const EXPECTED: [(&str, &str); 4] = [
    (
        "eligibility-decided",
        include_str!("by_hand.eligibility-decided.ndjson"),
    ),
    (
        "rating-requested",
        include_str!("by_hand.rating-requested.ndjson"),
    ),
    (
        "rating-submitted",
        include_str!("by_hand.rating-submitted.ndjson"),
    ),
    (
        "answer-refused",
        include_str!("by_hand.answer-refused.ndjson"),
    ),
];
const SCORECARDS: &str = include_str!("by_hand.teammate-scorecards.ndjson");

/// A place in which the settings are known. One partition: then a fact's offset is its line, which the expected lines name.
fn place(keys: &[(&str, u64)]) -> Place {
    let new = Place::new().with("log.partitions", 1);
    let place = keys
        .iter()
        .fold(new, |place, (key, value)| place.with(key, value));
    let settings = place.write("settings.ndjson", SETTINGS);
    place.put_settings(&settings);
    place
}

fn facts(place: &Place) -> PathBuf {
    place.write("facts.ndjson", FACTS)
}

/// What every topic of outputs prints, byte for byte; the scorecards by what they say, since their revisions tell how
/// often they were written.
fn everything(place: &Place) -> BTreeMap<&'static str, Vec<String>> {
    let topics = EXPECTED
        .iter()
        .map(|(topic, _)| *topic)
        .chain(["dead-letters"]);
    let mut printed: BTreeMap<_, _> = topics.map(|topic| (topic, place.tail(topic))).collect();
    let cards = scorecards::told(&place.tail("teammate-scorecards"));
    printed.insert(
        "teammate-scorecards",
        cards.iter().map(|card| format!("{card:?}")).collect(),
    );
    printed
}

/// Imports the facts after so many lines.
pub fn import_after(place: &Place, lines: usize) {
    let rest: Vec<&str> = FACTS.lines().skip(lines).collect();
    place.import(&place.write("facts.ndjson", rest.join("\n")));
}

/// That all which was written by hand has come out, field by field, and nothing else.
pub fn expect_everything(place: &Place) {
    for (topic, expected) in EXPECTED {
        let found = place.tail(topic);
        for (number, (expected, found)) in expected.lines().zip(&found).enumerate() {
            let value = |line: &str| serde_json::from_str::<Value>(line).unwrap();
            assert_eq!(
                value(found),
                value(expected),
                "{topic}, line {}",
                number + 1
            );
        }
        assert_eq!(
            found.len(),
            expected.lines().count(),
            "lines of {topic}: {found:#?}"
        );
    }
    assert_eq!(place.tail("dead-letters"), Vec::<String>::new());
    let expected: Vec<String> = SCORECARDS
        .lines()
        .map(|line| line.replacen('{', "{\"revision\":1,", 1))
        .collect();
    assert_eq!(
        scorecards::told(&place.tail("teammate-scorecards")),
        scorecards::told(&expected)
    );
}

#[test]
fn what_comes_out_is_what_the_rules_say_field_by_field() {
    let place = place(&[]);
    place.import(&facts(&place));
    place.drain();
    expect_everything(&place);
}

#[test]
fn the_facts_themselves_come_out_as_they_went_in() {
    let place = place(&[]);
    place.import(&facts(&place));
    let tailed = place.tail("conversation-events");
    // Out and in again: what is printed can be imported, and then prints the same.
    let again = Place::new().with("log.partitions", 1);
    again.import(&again.write("again.ndjson", tailed.join("\n")));
    assert_eq!(again.tail("conversation-events"), tailed);
    let ids = |lines: &[String]| -> Vec<String> {
        let id = |line: &String| {
            serde_json::from_str::<Value>(line).unwrap()["event_id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        lines.iter().map(id).collect()
    };
    let written: Vec<String> = FACTS
        .lines()
        .filter(|line| !line.contains("\"tag_added\""))
        .map(str::to_owned)
        .collect();
    assert_eq!(ids(&tailed), ids(&written));
}

#[test]
fn batches_debts_and_caches_change_not_a_byte() {
    let usual = place(&[]);
    usual.import(&facts(&usual));
    usual.drain();
    let usual = everything(&usual);
    let one_by_one = [
        ("process.poll_facts", 1),
        ("process.commit_facts", 1),
        ("process.debt_facts", 0),
        ("process.cache_mib", 1),
        ("log.cache_mib", 1),
    ];
    let small = [
        ("process.poll_facts", 3),
        ("process.commit_facts", 7),
        ("process.debt_facts", 5),
    ];
    let large = [
        ("process.poll_facts", 100_000),
        ("process.commit_facts", 1_000_000),
        ("process.debt_facts", 100_000_000),
    ];
    for keys in [&one_by_one[..], &small, &large] {
        let place = place(keys);
        place.import(&facts(&place));
        place.drain();
        assert_eq!(everything(&place), usual, "{keys:?}");
    }
}

#[test]
fn pieces_and_repetitions_change_not_a_byte() {
    let usual = place(&[]);
    usual.import(&facts(&usual));
    usual.drain();
    // Everything is sent again after it was decided, and once more.
    let once = everything(&usual);
    usual.import(&facts(&usual));
    usual.drain();
    assert_eq!(everything(&usual), once, "imported and drained again");
    let twice = place(&[("process.debt_facts", 0)]);
    let file = facts(&twice);
    let file = file.to_str().unwrap();
    twice.must(&["import", file, file]);
    twice.drain();
    assert_eq!(everything(&twice), once, "imported twice, drained once");
    let pieces = place(&[("process.debt_facts", 10)]);
    let lines: Vec<&str> = FACTS.lines().collect();
    for piece in lines.chunks(17) {
        pieces.import(&pieces.write("piece.ndjson", piece.join("\n")));
        pieces.drain();
    }
    assert_eq!(everything(&pieces), once, "piece by piece");
}

#[test]
fn a_wrong_line_is_named_and_the_others_are_kept() {
    let place = Place::new().with("log.partitions", 1);
    let good = FACTS.lines().next().unwrap();
    let without_id = good.replace("\"event_id\":\"e101\",", "");
    let file = place.write(
        "facts.ndjson",
        format!("{good}\nnot JSON\n{without_id}\n\n{good}\n"),
    );
    let ran = place.run(&["import", file.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1), "{}", ran.stderr);
    let says = |words: &[&str]| {
        ran.stderr
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    assert!(says(&["facts.ndjson:2:"]), "{}", ran.stderr);
    assert!(says(&["facts.ndjson:3:", "event_id"]), "{}", ran.stderr);
    assert_eq!(place.tail("conversation-events").len(), 2);
}
