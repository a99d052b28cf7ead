//! What is written is read back: as Avro by us and by apache-avro, and as JSON.

mod common;

use std::sync::LazyLock;

use afterword_schemas::json::{self, ParsedFact, Source};
use afterword_schemas::records::Output;
use afterword_schemas::{
    Decoded, Framing, OwnedRecord, Record, RecordKind, SchemaStore, encode, schema_id,
};
use apache_avro::Schema;
use common::config;
use common::oracle::assert_agreement;
use proptest::prelude::*;
use serde_json::Value as Json;

const REGISTRY_ID: u32 = 0x0102_0304;

static STORE: LazyLock<SchemaStore> = LazyLock::new(|| {
    let mut store = SchemaStore::new();
    for (kind, id) in RecordKind::ALL.iter().zip(REGISTRY_ID..) {
        let fingerprint = store
            .register_id(id, kind.schema_text())
            .expect("a built-in schema");
        assert_eq!(fingerprint, kind.fingerprint());
    }
    store
});

fn framings(kind: RecordKind) -> [Framing; 2] {
    let place = RecordKind::ALL
        .iter()
        .position(|known| *known == kind)
        .expect("a known kind");
    [
        Framing::SingleObject,
        Framing::Confluent(REGISTRY_ID + place as u32),
    ]
}

fn encoded(record: &impl Record, framing: Framing) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, framing, &mut out);
    out
}

fn written(record: &impl Record) -> String {
    let mut out = Vec::new();
    json::write(record, None, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Both framings and JSON of a record that is no fact.
fn check<R: OwnedRecord + PartialEq + std::fmt::Debug>(record: &R) {
    for framing in framings(R::KIND) {
        let value = encoded(record, framing);
        assert_eq!(STORE.decode::<R>(&value).as_ref(), Ok(record));
        for cut in 0..value.len() {
            let error = STORE.decode::<R>(&value[..cut]).expect_err("cut off");
            assert!(["framing", "malformed"].contains(&error.class()), "{error}");
        }
        let longer = [&value[..], &[0]].concat();
        assert_eq!(
            STORE.decode::<R>(&longer).expect_err("too long").class(),
            "malformed"
        );
    }
    check_json(record, R::KIND);
}

/// An output is written as the record in it.
fn check_output(output: &Output, record: &impl Record) {
    assert_eq!(written(output), written(record));
    assert_eq!(
        encoded(output, Framing::SingleObject),
        encoded(record, Framing::SingleObject)
    );
}

/// `type` first, then every field of the schema in its order.
fn check_json(record: &impl Record, kind: RecordKind) {
    let mut out = Vec::new();
    let source = Source {
        topic: "t\"",
        partition: 3,
        offset: 5,
        index: Some(1),
    };
    json::write(record, Some(&source), &mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    let object: Json = serde_json::from_str(&text).expect("JSON");
    let Ok(Schema::Record(schema)) = Schema::parse_str(kind.schema_text()) else {
        panic!("no record")
    };
    let fields = schema.fields.iter().map(|field| field.name.as_str());
    let expected: Vec<_> = ["type"]
        .into_iter()
        .chain(fields)
        .chain(["source"])
        .collect();
    let mut names: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let place = |name: &str| text.find(&format!("\"{name}\":")).expect("a member");
    assert!(text.starts_with("{\"type\":"), "{text}");
    assert!(
        text.ends_with(r#""source":{"topic":"t\"","partition":3,"offset":5,"index":1}}"#),
        "{text}"
    );
    names.sort_by_key(|name| expected.iter().position(|other| other == name));
    assert_eq!(names, expected);
    assert!(place("type") < place(expected[1]));
    assert_eq!(object["type"], record.json_type());
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn facts_as_avro(fact in common::fact()) {
        let event = fact.as_event();
        let schema = Schema::parse_str(RecordKind::ConversationEvent.schema_text())?;
        for framing in framings(RecordKind::ConversationEvent) {
            let value = encoded(&event, framing);
            prop_assert_eq!(STORE.decode_fact(&value), Ok(Decoded::Fact(event)));
            let header = if framing == Framing::SingleObject { 10 } else { 5 };
            assert_agreement(&schema, &value[header..], &Ok(Decoded::Fact(event)));
        }
    }

    #[test]
    fn facts_as_json(fact in common::fact()) {
        let event = fact.as_event();
        let text = written(&event);
        let Ok(ParsedFact::Fact { fact, ignored }) = json::parse_fact(text.as_bytes()) else {
            panic!("{:?}", json::parse_fact(text.as_bytes()));
        };
        prop_assert_eq!(fact.as_event(), event);
        prop_assert!(ignored.is_empty());
    }

    #[test]
    fn facts_cut_off(fact in common::fact()) {
        for framing in framings(RecordKind::ConversationEvent) {
            let value = encoded(&fact.as_event(), framing);
            for cut in 0..value.len() {
                let error = STORE.decode_fact(&value[..cut]).expect_err("cut off");
                prop_assert!(["framing", "malformed"].contains(&error.class()), "{error}");
            }
            let longer = [&value[..], &[0]].concat();
            let error = STORE.decode_fact(&longer).expect_err("too long");
            prop_assert_eq!(error.class(), "malformed");
        }
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let fingerprint = RecordKind::ConversationEvent.fingerprint().to_le_bytes();
        let headers: [&[u8]; 3] = [&[], &[0, 1, 2, 3, 4], &[&[0xc3, 1][..], &fingerprint].concat()];
        for header in headers {
            let value = [header, &bytes].concat();
            let _ = STORE.decode_fact(&value);
            let _ = STORE.decode::<afterword_schemas::records::EligibilityDecided>(&value);
            let _ = schema_id(&value);
        }
        let _ = json::parse_fact(&bytes);
        let _ = json::parse_settings(&bytes);
    }

    #[test]
    fn any_json(fact in common::fact(), at: prop::sample::Index, to: char) {
        let text = written(&fact.as_event());
        let places: Vec<_> = text.char_indices().map(|(place, _)| place).collect();
        let at = *at.get(&places);
        let after = at + text[at..].chars().next().map_or(0, char::len_utf8);
        let _ = json::parse_fact(format!("{}{to}{}", &text[..at], &text[after..]).as_bytes());
        let _ = json::parse_fact(&text.as_bytes()[..at]);
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn ratings_requested(record in common::outputs::rating_requested()) {
        check(&record);
        check_output(&Output::RatingRequested(record.clone()), &record);
    }

    #[test]
    fn ratings_submitted(record in common::outputs::rating_submitted()) {
        check(&record);
        check_output(&Output::RatingSubmitted(record.clone()), &record);
    }

    #[test]
    fn eligibilities_decided(record in common::outputs::eligibility_decided()) {
        check(&record);
        check_output(&Output::EligibilityDecided(record.clone()), &record);
    }

    #[test]
    fn answers_refused(record in common::outputs::answer_refused()) {
        check(&record);
        check_output(&Output::AnswerRefused(record.clone()), &record);
    }

    #[test]
    fn scorecards(record in common::outputs::teammate_scorecard()) {
        check(&record);
    }

    #[test]
    fn settings(record in common::outputs::workspace_settings()) {
        check(&record);
        let parsed = json::parse_settings(written(&record).as_bytes()).expect("what was written");
        prop_assert_eq!(parsed.settings, record);
        prop_assert!(parsed.ignored.is_empty());
    }
}

/// The records' symbols are the schemas', in their order: what is written is a symbol's number.
#[test]
fn symbols_are_the_schemas() {
    use afterword_schemas::records::*;
    fn symbols(text: &str, name: &str) -> Vec<String> {
        fn find(schema: &Json, name: &str) -> Option<Vec<String>> {
            let parts = match schema {
                Json::Object(members)
                    if members.get("symbols").is_some() && members["name"] == name =>
                {
                    return serde_json::from_value(members["symbols"].clone()).ok();
                }
                Json::Object(members) => members.values().collect::<Vec<_>>(),
                Json::Array(items) => items.iter().collect(),
                _ => return None,
            };
            parts.into_iter().find_map(|part| find(part, name))
        }
        find(&serde_json::from_str(text).expect("JSON"), name)
            .unwrap_or_else(|| panic!("no enum {name}"))
    }
    fn check<T: Copy + std::fmt::Display>(kinds: &[RecordKind], name: &str, all: &[T]) {
        let expected: Vec<_> = all.iter().map(ToString::to_string).collect();
        for kind in kinds {
            assert_eq!(
                symbols(kind.schema_text(), name),
                expected,
                "{name} of {kind:?}"
            );
        }
    }
    use RecordKind::{
        AnswerRefused, ConversationEvent, EligibilityDecided, RatingRequested, RatingSubmitted,
    };
    check(
        &[
            ConversationEvent,
            RatingRequested,
            RatingSubmitted,
            EligibilityDecided,
        ],
        "ActorKind",
        ActorKind::ALL,
    );
    check(
        &[ConversationEvent, RatingRequested, RatingSubmitted],
        "Channel",
        Channel::ALL,
    );
    check(
        &[ConversationEvent, RatingSubmitted],
        "Reaction",
        Reaction::ALL,
    );
    check(&[ConversationEvent], "Origin", Origin::ALL);
    check(&[ConversationEvent], "Format", Format::ALL);
    check(&[ConversationEvent], "Visibility", Visibility::ALL);
    check(&[EligibilityDecided], "Criterion", Criterion::ALL);
    check(&[AnswerRefused], "RefusalReason", RefusalReason::ALL);
    let measured = symbols(EligibilityDecided.schema_text(), "MeasuredOrigin");
    let expected = Origin::ALL
        .iter()
        .map(ToString::to_string)
        .chain(["unknown".to_owned()]);
    assert_eq!(measured, expected.collect::<Vec<_>>());
    assert_eq!(Payload::KINDS.len(), 10);
}
