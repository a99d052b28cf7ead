//! Whatever is done to outputs, positions or facts is found, and named by the fact's offset.

use std::collections::BTreeSet;

use afterword_log::{Offset, Partition, Record, Topic};
use afterword_schemas::records::{EligibilityDecided, RatingRequested, RatingSubmitted, Reaction};
use afterword_schemas::{Framing, OwnedRecord, SchemaStore, encode};
use serde_json::Value;

use crate::world::{World, header, source, untouched, verify};

const DECIDED: Topic = Topic::EligibilityDecided;
const REQUESTED: Topic = Topic::RatingRequested;
const SUBMITTED: Topic = Topic::RatingSubmitted;
const REFUSED: Topic = Topic::AnswerRefused;
const LETTERS: Topic = Topic::DeadLetters;

/// A difference that must be told: kind, topic, offset of the source.
type Told = (&'static str, Topic, u64);

/// Tampers with the log, and expects exactly these differences.
fn check(name: &str, tamper: impl FnOnce(&mut World) -> Vec<Told>) -> Value {
    check_with(name, &[], tamper)
}

fn check_with(
    name: &str,
    arguments: &[&str],
    tamper: impl FnOnce(&mut World) -> Vec<Told>,
) -> Value {
    let mut world = untouched();
    let expected = tamper(&mut world);
    let (ended, json) = verify(&world.write(), arguments);
    let told = json["differences"].as_array().expect("a list");
    let told: BTreeSet<(String, String, u64)> = told
        .iter()
        .map(|told| {
            let text = |name: &str| told[name].as_str().expect("text").to_owned();
            let offset = told["source"]["offset"].as_u64().expect("an offset");
            (text("kind"), text("topic"), offset)
        })
        .collect();
    let expected: BTreeSet<_> = expected
        .into_iter()
        .map(|(kind, topic, offset)| (kind.to_owned(), topic.name().to_owned(), offset))
        .collect();
    assert_eq!(told, expected, "{name}: {:#}", json["differences"]);
    assert_eq!(json["proven"], false, "{name}");
    assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
    json
}

/// A record's value read, changed, and written again.
fn change<R: OwnedRecord>(record: &mut Record, change: impl FnOnce(&mut R)) {
    let value = record.value.as_deref().expect("a value");
    let mut decoded: R = SchemaStore::new().decode(value).expect("a record");
    change(&mut decoded);
    let mut value = Vec::new();
    encode(&decoded, Framing::SingleObject, &mut value);
    record.value = Some(value);
}

fn decided(record: &Record) -> EligibilityDecided {
    let value = record.value.as_deref().expect("a value");
    SchemaStore::new().decode(value).expect("a decision")
}

#[test]
fn the_copy_is_proven() {
    let world = untouched();
    let (ended, json) = verify(&world.write(), &[]);
    assert_eq!((ended.code, &json["proven"]), (Some(0), &Value::Bool(true)));
    for (topic, least) in [
        (DECIDED, 200),
        (REQUESTED, 100),
        (SUBMITTED, 80),
        (REFUSED, 2),
    ] {
        let proven = &json["outputs"][topic.name()]["proven"];
        assert!(proven.as_u64() >= Some(least), "{topic}: {json}");
    }
    // Three facts, three versions of settings.
    assert_eq!(json["outputs"][LETTERS.name()]["proven"], 6, "{json}");
}

#[test]
fn an_output_that_is_missing() {
    check("request", |world| {
        let gone = world.records(REQUESTED, 0).remove(5);
        vec![("torn", REQUESTED, source(&gone))]
    });
    check("the last request", |world| {
        let gone = world.records(REQUESTED, 1).pop().expect("a request");
        vec![("torn", REQUESTED, source(&gone))]
    });
    check("the first submission", |world| {
        let gone = world.records(SUBMITTED, 0).remove(0);
        vec![("missing", SUBMITTED, source(&gone))]
    });
    check("refusal", |world| {
        let gone = world.records(REFUSED, 0).remove(0);
        vec![("missing", REFUSED, source(&gone))]
    });
    check("a decision of no request", |world| {
        let decisions = world.records(DECIDED, 1);
        let place = decisions
            .iter()
            .position(|record| !decided(record).requested);
        let gone = decisions.remove(place.expect("one that asks nobody"));
        vec![("missing", DECIDED, source(&gone))]
    });
    check("a whole topic", |world| {
        let gone = std::mem::take(world.records(REFUSED, 1));
        assert!(!gone.is_empty());
        gone.iter()
            .map(|gone| ("missing", REFUSED, source(gone)))
            .collect()
    });
}

#[test]
fn an_output_that_is_there_twice() {
    check("side by side", |world| {
        let submissions = world.records(SUBMITTED, 0);
        let again = submissions[3].clone();
        submissions.insert(3, again.clone());
        vec![("twice", SUBMITTED, source(&again))]
    });
    check("much later", |world| {
        let requests = world.records(REQUESTED, 1);
        let again = requests[0].clone();
        requests.push(again.clone());
        vec![("twice", REQUESTED, source(&again))]
    });
    check("a whole commit", |world| {
        let mut told = Vec::new();
        for topic in [DECIDED, REQUESTED] {
            let records = world.records(topic, 0);
            let last = records.last().expect("an output").clone();
            told.push(("twice", topic, source(&last)));
            records.push(last);
        }
        told
    });
}

#[test]
fn outputs_that_are_out_of_order() {
    check("two neighbours", |world| {
        let decisions = world.records(DECIDED, 0);
        decisions.swap(4, 5);
        vec![("out_of_order", DECIDED, source(&decisions[4]))]
    });
    check("the first at the end", |world| {
        let requests = world.records(REQUESTED, 0);
        let first = requests.remove(0);
        requests.push(first.clone());
        let place = source(&first);
        vec![
            ("torn", REQUESTED, place),
            ("out_of_order", REQUESTED, place),
        ]
    });
}

#[test]
fn an_output_that_says_something_else() {
    let json = check("reaction", |world| {
        let record = &mut world.records(SUBMITTED, 0)[2];
        change::<RatingSubmitted>(record, |submitted| {
            submitted.reaction = match submitted.reaction {
                Reaction::Great => Reaction::Bad,
                _ => Reaction::Great,
            };
        });
        vec![("differs", SUBMITTED, source(record))]
    });
    let detail = json["differences"][0]["detail"].as_str().expect("text");
    assert!(detail.starts_with("reaction: expected "), "{detail}");
    let json = check("a measured value", |world| {
        let record = &mut world.records(DECIDED, 1)[7];
        change::<EligibilityDecided>(record, |decided| decided.measured.customers += 1);
        vec![("differs", DECIDED, source(record))]
    });
    let detail = json["differences"][0]["detail"].as_str().expect("text");
    assert!(
        detail.starts_with("measured.customers: expected "),
        "{detail}"
    );
    check("a teammate", |world| {
        let record = &mut world.records(REQUESTED, 1)[7];
        change::<RatingRequested>(record, |requested| requested.teammate_id.push('x'));
        vec![("differs", REQUESTED, source(record))]
    });
    check("a revision", |world| {
        let record = &mut world.records(SUBMITTED, 1)[0];
        change::<RatingSubmitted>(record, |submitted| submitted.revision = 2);
        vec![("differs", SUBMITTED, source(record))]
    });
    check("key", |world| {
        let record = &mut world.records(REQUESTED, 0)[1];
        record.key = Some(b"c2".to_vec());
        vec![("differs", REQUESTED, source(record))]
    });
    check("timestamp", |world| {
        let record = &mut world.records(DECIDED, 0)[1];
        record.timestamp_ms += 1;
        vec![("differs", DECIDED, source(record))]
    });
    check("bytes", |world| {
        let record = &mut world.records(REFUSED, 0)[0];
        record.value.as_mut().expect("a value").pop();
        vec![("differs", REFUSED, source(record))]
    });
}

#[test]
fn an_output_that_names_another_source() {
    check("a fact that brings nothing about", |world| {
        let record = &mut world.records(REQUESTED, 0)[9];
        let place = source(record);
        *header(record, "afterword-source") =
            format!("conversation-events/0/{}", place - 1).into_bytes();
        vec![
            ("unexpected", REQUESTED, place - 1),
            ("torn", REQUESTED, place),
        ]
    });
    check("a fact that is yet to come", |world| {
        let record = &mut world.records(REQUESTED, 0)[9];
        let place = source(record);
        *header(record, "afterword-source") = b"conversation-events/0/999999999".to_vec();
        vec![
            ("torn", REQUESTED, place),
            ("out_of_order", REQUESTED, 999_999_999),
        ]
    });
    check("another index", |world| {
        let record = &mut world.records(REQUESTED, 0)[9];
        *header(record, "afterword-index") = b"0".to_vec();
        let place = source(record);
        vec![("unexpected", REQUESTED, place), ("torn", REQUESTED, place)]
    });
    for (name, value) in [
        ("no source", None),
        ("rubbish", Some(b"conversation-events/0".to_vec())),
    ] {
        check(name, |world| {
            let records = world.records(DECIDED, 1);
            let (before, place) = (source(&records[2]), source(&records[3]));
            let is_source = |header: &&mut (String, _)| header.0 == "afterword-source";
            let found = records[3].headers.iter_mut().find(is_source);
            found.expect("a header").1 = value;
            let is_requested = decided(&records[3]).requested;
            let kind = if is_requested { "torn" } else { "missing" };
            vec![("headers", DECIDED, before), (kind, DECIDED, place)]
        });
    }
    check("another partition", |world| {
        let moved = world.records(SUBMITTED, 0).remove(0);
        let before = 0;
        world.records(SUBMITTED, 1).insert(0, moved.clone());
        vec![
            ("missing", SUBMITTED, source(&moved)),
            ("headers", SUBMITTED, before),
        ]
    });
}

#[test]
fn a_position_that_is_wrong() {
    check("one fact back", |world| {
        // The last fact of the partition's last conversation is a close that asks nobody or somebody.
        let committed = world.committed[0].expect("a position");
        world.committed[0] = Some(Offset(committed.0 - 1));
        ahead(world, 0, committed.0 - 1)
    });
    check("nothing committed", |world| {
        world.committed[0] = Some(Offset(20));
        ahead(world, 0, 20)
    });
    check("one beyond the facts", |world| {
        let committed = world.committed[1].expect("a position");
        world.committed[1] = Some(committed.next());
        vec![("position", Topic::ConversationEvents, committed.0 + 1)]
    });
    check("over facts that were never folded", |world| {
        let facts = world.records(Topic::ConversationEvents, 0);
        let (poison, end) = (Record::new("k", "rubbish", 0), facts.len() as u64);
        facts.push(poison);
        world.committed[0] = Some(Offset(end + 1));
        vec![("missing", LETTERS, end)]
    });
}

/// The outputs of a partition's facts from this offset on.
fn ahead(world: &World, partition: u32, from: u64) -> Vec<Told> {
    let mut told = Vec::new();
    for topic in [DECIDED, REQUESTED, SUBMITTED, REFUSED, LETTERS] {
        let records = &world.topics[&(topic, Partition(partition))];
        told.extend(
            records
                .iter()
                .filter(|record| of_fact(record))
                .map(source)
                .filter(|place| *place >= from)
                .map(|place| ("ahead", topic, place)),
        );
    }
    // So many are shown.
    told.sort_by_key(|(_, topic, place)| (*place, *topic));
    assert!(!told.is_empty());
    told.truncate(20);
    told
}

fn of_fact(record: &Record) -> bool {
    let value = header(&mut record.clone(), "afterword-source").clone();
    value.starts_with(b"conversation-events/")
}

#[test]
fn a_dead_letter_that_is_wrong() {
    let first_of_fact = |letters: &[Record]| letters.iter().position(of_fact).expect("a letter");
    check("gone", |world| {
        let letters = world.records(LETTERS, 1);
        let gone = letters.remove(1);
        vec![("missing", LETTERS, source(&gone))]
    });
    check("another value", |world| {
        let letters = world.records(LETTERS, 0);
        let place = first_of_fact(letters);
        letters[place].value = Some(b"rubbisH".to_vec());
        vec![("differs", LETTERS, source(&letters[place]))]
    });
    check("another class", |world| {
        let record = &mut world.records(LETTERS, 1)[0];
        *header(record, "afterword-dead-class") = b"limit".to_vec();
        vec![("differs", LETTERS, source(record))]
    });
    check("the record's own headers are gone", |world| {
        let letters = world.records(LETTERS, 0);
        let place = first_of_fact(letters);
        letters[place].headers.drain(..2);
        vec![("differs", LETTERS, source(&letters[place]))]
    });
    check("of a fact that was folded", |world| {
        let letters = world.records(LETTERS, 1);
        let mut made_up = letters[0].clone();
        *header(&mut made_up, "afterword-source") = b"conversation-events/1/0".to_vec();
        letters.insert(0, made_up);
        vec![("unexpected", LETTERS, 0)]
    });
}

#[test]
fn a_dead_letter_of_settings_that_is_wrong() {
    let places = |letters: &[Record]| -> Vec<usize> {
        (0..letters.len())
            .filter(|place| !of_fact(&letters[*place]))
            .collect()
    };
    check("gone", |world| {
        let letters = world.records(LETTERS, 0);
        let gone = letters.remove(places(letters)[0]);
        vec![("missing", LETTERS, source(&gone))]
    });
    check("twice", |world| {
        let letters = world.records(LETTERS, 0);
        let again = letters[places(letters)[0]].clone();
        letters.insert(places(letters)[1], again.clone());
        vec![("twice", LETTERS, source(&again))]
    });
    check("another key", |world| {
        let letters = world.records(LETTERS, 0);
        let place = places(letters)[1];
        letters[place].key = None;
        vec![("differs", LETTERS, source(&letters[place]))]
    });
    check("of settings that were taken", |world| {
        let letters = world.records(LETTERS, 0);
        let mut made_up = letters[places(letters)[2]].clone();
        let taken = source(&made_up) - 1;
        *header(&mut made_up, "afterword-source") =
            format!("workspace-settings/0/{taken}").into_bytes();
        letters.insert(places(letters)[2], made_up);
        vec![("unexpected", LETTERS, taken)]
    });
}

#[test]
fn settings_that_could_not_have_judged() {
    // Of what nothing shows that it was known, the fold knows nothing: then the request was not due either.
    for (name, conversation, version, requests) in [
        ("one that there is not", "wc", 9, 1),
        ("one that was not in force", "we", 3, 0),
        ("less than was known", "we", 1, 0),
        ("none", "wd", 0, 0),
    ] {
        check(name, |world| {
            let partition = (0..2).find(|partition| {
                let decisions = &world.topics[&(DECIDED, Partition(*partition))];
                decisions
                    .iter()
                    .any(|record| record.key.as_deref() == Some(conversation.as_bytes()))
            });
            let decisions = world.records(DECIDED, partition.expect("a partition"));
            let record = decisions
                .iter_mut()
                .find(|record| record.key.as_deref() == Some(conversation.as_bytes()));
            let record = record.expect("a decision");
            change::<EligibilityDecided>(record, |decided| decided.settings_version = version);
            let place = source(record);
            let mut told = vec![("differs", DECIDED, place)];
            told.extend(std::iter::repeat_n(
                ("unexpected", REQUESTED, place),
                requests,
            ));
            told
        });
    }
}

#[test]
fn a_fact_that_was_changed_after_it_was_folded() {
    check("one gone, and another in its place", |world| {
        let request = world.records(REQUESTED, 0)[3].clone();
        let place = usize::try_from(source(&request)).expect("an offset");
        let facts = world.records(Topic::ConversationEvents, 0);
        // The close: with the fact before it instead there is no decision.
        facts[place] = facts[0].clone();
        let place = source(&request);
        let value = request.value.as_deref().expect("a value");
        let asked: RatingRequested = SchemaStore::new().decode(value).expect("a request");
        let mut told = vec![
            ("unexpected", DECIDED, place),
            ("unexpected", REQUESTED, place),
        ];
        let later = world.topics[&(SUBMITTED, Partition(0))]
            .iter()
            .filter(|record| record.key.as_deref() == Some(asked.conversation_id.as_bytes()));
        for record in later {
            told.push(("unexpected", SUBMITTED, source(record)));
            told.push(("missing", REFUSED, source(record)));
        }
        told
    });
}

#[test]
fn what_is_wrong_is_found_in_several_passes_too() {
    let arguments = ["--memory-mib", "1"];
    let json = check_with("twice and torn", &arguments, |world| {
        pad(world);
        let requests = world.records(REQUESTED, 0);
        let gone = requests.remove(5);
        let again = requests[0].clone();
        requests.push(again.clone());
        vec![
            ("torn", REQUESTED, source(&gone)),
            ("twice", REQUESTED, source(&again)),
        ]
    });
    assert!(json["partitions"][0]["passes"].as_u64() > Some(1), "{json}");
}

/// Many conversations more, of which nothing comes out: they take memory.
fn pad(world: &mut World) {
    let fact = world.records(Topic::ConversationEvents, 0)[0].clone();
    let store = SchemaStore::new();
    let value = fact.value.as_deref().expect("a value");
    let Ok(afterword_schemas::Decoded::Fact(event)) = store.decode_fact(value) else {
        panic!("expected a fact");
    };
    let facts = world.records(Topic::ConversationEvents, 0);
    for number in 0..6_000 {
        let id = format!("padding-{number}");
        let mut value = Vec::new();
        let event = afterword_schemas::records::ConversationEvent {
            conversation_id: &id,
            ..event
        };
        encode(&event, Framing::SingleObject, &mut value);
        facts.push(Record::new(id.as_bytes(), value, 1));
    }
    world.committed[0] = Some(Offset(facts.len() as u64));
}
