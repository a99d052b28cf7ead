//! Writers of other versions, against apache-avro as the judge.

mod common;

use std::collections::BTreeMap;

use afterword_schemas::{Decoded, Framing, SchemaStore, encode};
use apache_avro::Schema;
use common::oracle::{Verdict, assert_agreement, judge};
use common::types::Dice;
use common::writers::Writer;
use proptest::prelude::*;

const BODIES_PER_WRITER: usize = 8;

/// The framed body of the writer with registry id 1.
fn framed(body: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 1], body].concat()
}

fn register(writer: &Writer) -> (SchemaStore, Schema) {
    let text = writer.schema();
    let mut store = SchemaStore::new();
    store
        .register_id(1, &text)
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    (store, Schema::parse_str(&text).expect("a schema"))
}

proptest! {
    #![proptest_config(common::config(500))]

    /// What an evolved writer wrote is what apache-avro resolves it to, or both refuse.
    #[test]
    fn whole_values(seed: u64) {
        let writer = Writer::evolved(seed);
        let (store, schema) = register(&writer);
        let mut dice = Dice(!seed);
        for _ in 0..BODIES_PER_WRITER {
            let body = writer.body(&mut dice);
            let value = framed(&body);
            let ours = store.decode_fact(&value);
            assert_agreement(&schema, &body, &ours);
        }
    }

    /// The same after bits flipped, or bytes were lost.
    #[test]
    fn damaged_values(seed: u64) {
        let writer = Writer::evolved(seed);
        let (store, schema) = register(&writer);
        let mut dice = Dice(!seed);
        for _ in 0..BODIES_PER_WRITER {
            let mut body = writer.body(&mut dice);
            for _ in 0..=dice.below(3) {
                if dice.once_in(4) {
                    body.truncate(dice.below(body.len() + 1));
                } else if !body.is_empty() {
                    let at = dice.below(body.len());
                    body[at] ^= 1 << dice.below(8);
                }
            }
            let value = framed(&body);
            assert_agreement(&schema, &body, &store.decode_fact(&value));
        }
    }

    /// Our own values, damaged.
    #[test]
    fn damaged_values_of_our_own(fact in common::fact(), seed: u64) {
        let store = SchemaStore::new();
        let mut value = Vec::new();
        encode(&fact.as_event(), Framing::SingleObject, &mut value);
        let schema = Schema::parse_str(afterword_schemas::RecordKind::ConversationEvent.schema_text())?;
        let mut dice = Dice(seed);
        for _ in 0..BODIES_PER_WRITER {
            let mut damaged = value.clone();
            let at = 10 + dice.below(value.len() - 10);
            damaged[at] ^= 1 << dice.below(8);
            assert_agreement(&schema, &damaged[10..], &store.decode_fact(&damaged));
        }
    }
}

/// The generator is worth something: it makes every kind of verdict, and facts most of all.
#[test]
fn made_up_writers_are_of_all_sorts() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for seed in 0..400 {
        let writer = Writer::evolved(seed);
        let (_, schema) = register(&writer);
        let verdict = match judge(&schema, &writer.body(&mut Dice(seed))) {
            Verdict::Fact(..) => "fact",
            Verdict::UnknownKind => "unknown kind",
            Verdict::UnknownSymbol => "unknown symbol",
            Verdict::Refused(_) => "refused",
            Verdict::Malformed(_) => "malformed",
        };
        *counts.entry(verdict).or_default() += 1;
    }
    for (verdict, at_least) in [
        ("fact", 100),
        ("unknown kind", 20),
        ("unknown symbol", 10),
        ("refused", 40),
    ] {
        assert!(
            counts.get(verdict).is_some_and(|count| *count >= at_least),
            "{verdict}: {counts:?}"
        );
    }
    assert_eq!(counts.get("malformed"), None);
}

/// A schema that refers to itself can be skipped as deep as the bound, and no deeper.
#[test]
fn recursion_is_bounded() {
    let text = afterword_schemas::RecordKind::ConversationEvent.schema_text().replace(
        r#"{"name": "event_id""#,
        r#"{"name": "extra", "type": {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}},
           {"name": "event_id""#,
    );
    let mut store = SchemaStore::new();
    store.register_id(1, &text).expect("a schema");
    let rest = b"\x02e\x02w\x02c\x00\x04\x00\x02a";
    let nested = |depth: usize| framed(&[&vec![2; depth][..], &[0], rest].concat());
    assert!(matches!(
        store.decode_fact(&nested(30)),
        Ok(Decoded::Fact(_))
    ));
    let error = store.decode_fact(&nested(1_000_000)).expect_err("too deep");
    assert_eq!(error.class(), "malformed");
    assert_eq!(
        error.to_string(),
        "extra: expected values nested at most 64 deep, found deeper ones, at byte 32 of a body of 1000012"
    );
}

/// Items that take no bytes are any number in a few bytes, and no work.
#[test]
fn empty_items_cost_nothing() {
    let text = afterword_schemas::RecordKind::ConversationEvent
        .schema_text()
        .replace(
            r#"{"name": "event_id""#,
            r#"{"name": "extra", "type": {"type": "array", "items": "null"}}, {"name": "event_id""#,
        );
    let mut store = SchemaStore::new();
    store.register_id(1, &text).expect("a schema");
    let count = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00";
    let value = framed(&[&count[..], b"\x02e\x02w\x02c\x00\x04\x00\x02a"].concat());
    assert!(matches!(store.decode_fact(&value), Ok(Decoded::Fact(_))));
}
