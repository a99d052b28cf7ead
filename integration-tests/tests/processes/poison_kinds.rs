//! Records that no reader can take for a fact, of every kind.

use afterword_integration_tests::model::{OwnedFact, OwnedPayload};
use afterword_log::Record;
use afterword_schemas::{Framing, encode};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// Of the longest kind (a quarter of a megabyte each) there are few.
const OVER_LONG_EVERY: u64 = 400;

/// What is wrong with a record; the class under which a dead letter of it may be filed, where that is certain.
pub struct Poison {
    pub record: Record,
    pub class: Option<&'static str>,
}

/// The value of a fact as a producer writes it.
pub fn encoded(fact: &OwnedFact) -> Vec<u8> {
    let mut value = Vec::new();
    encode(&fact.as_event(), Framing::SingleObject, &mut value);
    value
}

/// The poisonous record of this number, made of a good fact. Every kind comes in turn.
pub fn poison(number: u64, fact: &OwnedFact, dice: &mut impl Rng) -> Poison {
    let good = encoded(fact);
    let key = fact.conversation_id.as_bytes().to_vec();
    let (key, value, class) = match number % 8 {
        0 => (Some(key), Some(random_bytes(dice)), None),
        1 => (
            Some(key),
            Some(good[..dice.random_range(0..good.len())].to_vec()),
            None,
        ),
        2 => (
            Some(key),
            Some([&[0xC3, 0x01][..], &number.to_le_bytes(), &good[10..]].concat()),
            Some("unknown_schema"),
        ),
        3 => (
            Some(key),
            Some(encoded(&illegal(fact, dice))),
            Some("limit"),
        ),
        4 if number.is_multiple_of(OVER_LONG_EVERY) => {
            (Some(key), Some(encoded(&over_long(fact))), Some("limit"))
        }
        4 => (
            Some(key),
            Some([&[0, 0, 0, 0, 7][..], &good[10..]].concat()),
            Some("unknown_schema"),
        ),
        5 => (wrong_key(number), Some(good), Some("key")),
        6 => (Some(key), Some(Vec::new()), Some("framing")),
        _ => (Some(key), None, Some("framing")),
    };
    let headers = headers(number, dice);
    // Any time, also far from now and before 1970.
    let timestamp_ms = dice.random_range(-4_000_000_000_000..4_000_000_000_000);
    Poison {
        record: Record {
            key,
            value,
            headers,
            timestamp_ms,
        },
        class,
    }
}

/// Bytes that begin like no framing: noise may begin like one, and then names a schema that nobody has.
fn random_bytes(dice: &mut impl Rng) -> Vec<u8> {
    let length = dice.random_range(1..200);
    let mut bytes = vec![0; length];
    dice.fill(&mut bytes[..]);
    bytes
}

fn illegal(fact: &OwnedFact, dice: &mut impl Rng) -> OwnedFact {
    let ids = [
        String::new(),
        "x".repeat(257),
        "a\nb".to_owned(),
        "a\0".to_owned(),
        "\u{85}".to_owned(),
    ];
    let bad = ids.choose(dice).unwrap().clone();
    let mut fact = fact.clone();
    match dice.random_range(0..2) {
        0 => fact.event_id = bad,
        _ => fact.workspace_id = bad,
    }
    fact
}

fn over_long(fact: &OwnedFact) -> OwnedFact {
    let request_id = "r".to_owned();
    let payload = OwnedPayload::CommentLeft {
        request_id,
        customer_id: "u".to_owned(),
        text: "t".repeat(262_145),
    };
    OwnedFact {
        payload,
        ..fact.clone()
    }
}

fn wrong_key(number: u64) -> Option<Vec<u8>> {
    match number % 3 {
        0 => None,
        1 => Some(Vec::new()),
        _ => Some(b"another conversation".to_vec()),
    }
}

/// Headers of the producer's own, all of which must survive: none, one without a value, bytes that are no text, the same
/// name twice, and names that the program itself uses.
fn headers(number: u64, dice: &mut impl Rng) -> Vec<(String, Option<Vec<u8>>)> {
    let header = |name: &str, value: &[u8]| (name.to_owned(), Some(value.to_vec()));
    match dice.random_range(0..5) {
        0 => Vec::new(),
        1 => vec![("nothing".to_owned(), None), header("empty", b"")],
        2 => vec![
            header("traceparent", format!("00-{number:032x}-01").as_bytes()),
            header("bytes", &[0xFF, 0, 0xFE]),
        ],
        3 => vec![
            header("twice", b"1"),
            header("twice", b"2"),
            header("", b"no name"),
        ],
        _ => vec![
            header("afterword-source", b"conversation-events/9/9"),
            header("afterword-dead-class", b"of another letter"),
        ],
    }
}
