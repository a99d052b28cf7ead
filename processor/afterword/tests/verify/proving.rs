//! What the program makes is proven, also while it makes it.

use std::time::Duration;

use afterword_log::{Offset, Partition, Record, Topic};
use serde_json::{Value, json};

use crate::common::{Home, facts, post};
use crate::world::{seen, untouched, verify};

#[test]
fn people_are_told_in_words() {
    let home = untouched().write();
    let ended = home.run(&["verify"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .out
            .contains("Proven: nothing missing, nothing twice, nothing torn.")
    );
    assert!(ended.out.contains("facts/s"), "{ended:?}");
    let mut world = untouched();
    let gone = world.records(Topic::RatingRequested, 0).remove(0);
    let place = crate::world::source(&gone);
    let ended = world.write().run(&["verify"]);
    let told = format!("conversation-events/0/{place} (");
    assert!(ended.out.starts_with(&told), "{ended:?}");
    assert!(
        ended.out.contains("torn in rating-requested, index 1: "),
        "{ended:?}"
    );
    assert!(ended.out.contains("Not proven."), "{ended:?}");
    assert!(ended.err.contains("not proven: 1 differences"), "{ended:?}");
}

#[test]
fn one_partition_can_be_chosen() {
    let mut world = untouched();
    world.records(Topic::RatingRequested, 0).remove(0);
    let home = world.write();
    assert_eq!(verify(&home, &["--partition", "1"]).0.code, Some(0));
    assert_eq!(verify(&home, &["--partition", "0"]).0.code, Some(1));
    assert_eq!(home.run(&["verify", "--partition", "2"]).code, Some(2));
}

#[test]
fn nothing_folded_is_nothing_wrong() {
    let home = Home::new();
    let file = home.file("facts.ndjson", &facts());
    assert_eq!(home.run(&["import", &file]).code, Some(0));
    let (ended, json) = verify(&home, &[]);
    assert_eq!((ended.code, &json["facts"]), (Some(0), &json!(0)));
    assert_eq!(json["not_folded"], 9, "{json}");
}

#[test]
fn beside_a_service_that_goes_on() {
    let home = Home::new();
    let running = home.start();
    let simulate = home
        .command(&[
            "simulate",
            "--live",
            "--rate",
            "400",
            "--conversations",
            "4000",
        ])
        .spawn();
    let mut simulate = simulate.expect("it started");
    let (mut folded, mut rounds) = (0, 0);
    while rounds < 6 || folded < 500 {
        std::thread::sleep(Duration::from_millis(300));
        let (ended, json) = verify(&home, &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        folded = json["facts"].as_u64().expect("a number");
        rounds += 1;
        assert!(rounds < 100, "hardly anything is folded: {json}");
    }
    let _ = simulate.kill();
    let _ = simulate.wait();
    let (status, _) = post(
        &format!("{}/api/v1/events", running.reports),
        "application/x-ndjson",
        &facts(),
    );
    assert_eq!(status, 200);
    running.stop();
    let (ended, json) = verify(&home, &[]);
    assert_eq!((ended.code, &json["newer"]), (Some(0), &json!(0)), "{json}");
}

/// A fact that made another build panic: it is a dead letter, and its conversation goes on without it.
#[test]
fn a_fact_that_was_set_aside_is_told_and_no_difference() {
    for (class, proven) in [("panic", true), ("limit", false)] {
        let mut world = untouched();
        let facts = world.records(Topic::ConversationEvents, 1);
        // The message of a conversation that is never closed.
        let mut fact = facts[0].clone();
        let id = b"aside".to_vec();
        let at = facts.len() as u64;
        let store = afterword_schemas::SchemaStore::new();
        let value = seen(&fact, |record| record.value.map(<[u8]>::to_vec)).expect("a value");
        let Ok(afterword_schemas::Decoded::Fact(event)) = store.decode_fact(&value) else {
            panic!("expected a fact");
        };
        let mut moved = Vec::new();
        let event = afterword_schemas::records::ConversationEvent {
            conversation_id: "aside",
            ..event
        };
        afterword_schemas::encode(&event, afterword_schemas::Framing::SingleObject, &mut moved);
        (fact.key, fact.value) = (Some(id), Some(moved));
        facts.push(fact.clone());
        world.committed[1] = Some(Offset(at + 1));
        let letter = letter_of(fact, at, class);
        world.records(Topic::DeadLetters, 1).push(letter);
        let (ended, json) = verify(&world.write(), &[]);
        assert_eq!(json["proven"], Value::Bool(proven), "{json}");
        assert_eq!(ended.code, Some(i32::from(!proven)));
        let kind = if proven { "set_aside" } else { "unexpected" };
        assert_eq!(json["counts"], json!({ kind: 1 }), "{json}");
        assert_eq!(json["differences"][0]["source"]["offset"], at, "{json}");
    }
}

fn letter_of(fact: Record, at: u64, class: &str) -> Record {
    fact.with_header("afterword-dead-topic", "conversation-events")
        .with_header("afterword-dead-partition", Partition(1).to_string())
        .with_header("afterword-dead-offset", at.to_string())
        .with_header("afterword-dead-class", class)
        .with_header("afterword-dead-error", "it panicked")
        .with_header("afterword-dead-build", "another")
        .with_header("afterword-source", format!("conversation-events/1/{at}"))
        .with_header("afterword-index", "0")
}
