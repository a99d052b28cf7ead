//! Poisonous records among good ones: each is put aside with its bytes, and nothing else changes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use afterword_engine::dead;
use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::OwnedFact;
use afterword_log::{
    EmbeddedLog, INDEX_HEADER, Log, Offset, Partition, Record, SOURCE_HEADER, Topic, partition_for,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::number;
use crate::outputs::{self, differences, each, story};
use crate::place::Place;
use crate::poison_kinds::{Poison, encoded, poison};

/// Poisonous records of the test command.
const POISON: u64 = 2_000;
/// Records of one append.
const APPEND: usize = 500;

/// Where each poisonous record went.
type Placed = BTreeMap<(Partition, Offset), Poison>;

#[test]
fn every_poisonous_record_is_a_dead_letter_and_the_rest_is_decided() {
    let poisonous = number("AFTERWORD_POISON").unwrap_or(POISON);
    let good = usize::try_from(poisonous).unwrap().clamp(1_000, 20_000);
    let config = Config {
        facts: good,
        conversations: 20,
        settings_per_mille: 0,
        ..Config::default()
    };
    let facts = generate(4_711, &config).facts;
    let place = Place::new().patient(Duration::from_secs(120 + poisonous / 100));

    let started = Instant::now();
    let log = place.log();
    let placed = append_mixed(&log, &facts, poisonous);
    log.close().unwrap();
    let appended = started.elapsed();
    place.drain();
    let drained = started.elapsed() - appended;
    place.must(&["verify"]);

    let log = place.log();
    let found = outputs::outputs(&log);
    let modelled = outputs::modelled(&facts, &[]);
    let parted = differences(
        &story(modelled.iter().flatten()),
        &story(found.iter().map(|sourced| &sourced.output)),
    );
    assert!(
        parted.is_empty(),
        "the good facts are decided otherwise: {}",
        parted[0]
    );
    assert_eq!(outputs::violations(&log, &[]), Vec::<String>::new());
    let classes = check_dead_letters(&log, &placed);
    println!(
        "{poisonous} poisonous records among {} facts: appended in {:.1} s, drained in {:.1} s, {} outputs, dead letters by \
         class: {classes:?}",
        facts.len(),
        appended.as_secs_f64(),
        drained.as_secs_f64(),
        found.len()
    );
}

/// Appends everything in a random mixture, the facts in their order; some dead letters of old among the poison.
fn append_mixed(log: &EmbeddedLog, facts: &[OwnedFact], poisonous: u64) -> Placed {
    let mut dice = ChaCha8Rng::seed_from_u64(poisonous);
    let partitions = log.partitions(Topic::ConversationEvents);
    let mut placed = Placed::new();
    let mut waiting: Vec<(Partition, Record, Option<Poison>)> = Vec::new();
    let mut flush = |waiting: &mut Vec<(Partition, Record, Option<Poison>)>| {
        let records = waiting
            .iter()
            .map(|(partition, record, _)| (*partition, record.clone()))
            .collect();
        let places = log.append(Topic::ConversationEvents, records).unwrap();
        for (place, (_, _, poison)) in places.into_iter().zip(waiting.drain(..)) {
            placed.extend(poison.map(|poison| (place, poison)));
        }
    };
    let (mut next, mut number) = (0, 0);
    while next < facts.len() || number < poisonous {
        let left = (facts.len() - next) as u64;
        let is_good = dice.random_range(0..left + poisonous - number) < left;
        let fact = &facts[next.min(facts.len() - 1)];
        let partition = partition_for(fact.conversation_id.as_bytes(), partitions);
        if is_good {
            waiting.push((
                partition,
                Record::new(fact.conversation_id.as_bytes(), encoded(fact), 0),
                None,
            ));
            next += 1;
        } else {
            let poison = poison(number, fact, &mut dice);
            waiting.push((partition, poison.record.clone(), Some(poison)));
            number += 1;
        }
        if waiting.len() == APPEND {
            flush(&mut waiting);
        }
    }
    flush(&mut waiting);
    placed
}

/// Each poisonous record must be there once, byte for byte, with the headers that say where it was and why; returns how
/// many there are of each class.
fn check_dead_letters(log: &EmbeddedLog, placed: &Placed) -> BTreeMap<String, u64> {
    let mut found: BTreeMap<(Partition, Offset), Record> = BTreeMap::new();
    for partition in outputs::partitions(log, Topic::DeadLetters) {
        each(
            log,
            Topic::DeadLetters,
            partition,
            Offset(0),
            |_, letter| {
                let number = |name| own_header(&letter, name).parse::<u64>().unwrap();
                assert_eq!(
                    own_header(&letter, dead::TOPIC),
                    Topic::ConversationEvents.name()
                );
                let source = (
                    Partition(u32::try_from(number(dead::PARTITION)).unwrap()),
                    Offset(number(dead::OFFSET)),
                );
                assert!(
                    found.insert(source, letter).is_none(),
                    "twice a dead letter of {source:?}"
                );
            },
        );
    }
    let mut classes = BTreeMap::new();
    for ((partition, offset), poison) in placed {
        let letter = found.remove(&(*partition, *offset));
        let letter = letter.unwrap_or_else(|| {
            panic!(
                "no dead letter of {partition}/{offset}: {:?}",
                poison.record
            )
        });
        let original = &poison.record;
        assert_eq!(
            (&letter.key, &letter.value),
            (&original.key, &original.value),
            "{partition}/{offset}"
        );
        assert_eq!(
            letter.timestamp_ms, original.timestamp_ms,
            "{partition}/{offset}"
        );
        assert_eq!(
            letter.headers[..original.headers.len()],
            original.headers,
            "{partition}/{offset}"
        );
        assert_eq!(
            own_header(&letter, SOURCE_HEADER),
            format!("conversation-events/{partition}/{offset}")
        );
        assert_eq!(own_header(&letter, INDEX_HEADER), "0");
        let class = own_header(&letter, dead::CLASS);
        assert!(
            poison.class.is_none_or(|expected| expected == class),
            "expected {:?}, found {letter:?}",
            poison.class
        );
        assert!(
            !own_header(&letter, dead::ERROR).is_empty()
                && !own_header(&letter, dead::BUILD).is_empty()
        );
        *classes.entry(class).or_default() += 1;
    }
    assert!(
        found.is_empty(),
        "dead letters of what was no poison: {:?}",
        found.keys()
    );
    classes
}

/// A header that the program added: the last of its name, since the record's own come first.
fn own_header(letter: &Record, name: &str) -> String {
    let found = letter.headers.iter().rev().find(|(found, _)| found == name);
    let value = found
        .and_then(|(_, value)| value.clone())
        .unwrap_or_else(|| panic!("no header {name}: {letter:?}"));
    String::from_utf8(value).unwrap()
}
