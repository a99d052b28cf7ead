//! What a process asks a schema registry, how often, and what follows from its answers.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use afterword_schemas::records::ConversationEvent;
use afterword_schemas::{
    Decoded, Framing, RecordKind, SchemaId, SchemaRegistry, Schemas, Unavailable, encode,
};

/// A registry that counts what it is asked.
#[derive(Clone, Default)]
struct Counting(Arc<Inner>);

#[derive(Default)]
struct Inner {
    schemas: Mutex<BTreeMap<u32, String>>,
    asked: AtomicUsize,
    away: AtomicBool,
}

impl Counting {
    fn put(&self, id: u32, schema: &str) {
        let mut schemas = self.0.schemas.lock().expect("no panic before");
        schemas.insert(id, schema.to_owned());
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    fn answer(&self) -> Result<(), Unavailable> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        // Long enough for others to come meanwhile.
        std::thread::sleep(Duration::from_millis(20));
        match self.0.away.load(Ordering::SeqCst) {
            true => Err(Unavailable("away".to_owned())),
            false => Ok(()),
        }
    }
}

impl SchemaRegistry for Counting {
    fn schema(&self, id: u32) -> Result<Option<String>, Unavailable> {
        self.answer()?;
        Ok(self
            .0
            .schemas
            .lock()
            .expect("no panic before")
            .get(&id)
            .cloned())
    }

    fn id_of(&self, kind: RecordKind) -> Result<u32, Unavailable> {
        self.answer()?;
        Ok(100 + kind as u32)
    }
}

fn schemas() -> (Counting, Schemas) {
    let registry = Counting::default();
    (registry.clone(), Schemas::with_registry(registry))
}

/// A writer newer than us: its schema has one field more, at the front.
fn newer() -> String {
    RecordKind::ConversationEvent.schema_text().replace(
        r#"{"name": "event_id""#,
        r#"{"name": "tenant", "type": "string"}, {"name": "event_id""#,
    )
}

/// A fact framed with this id, written by our own schema, behind these bytes.
fn value(id: u32, before: &[u8]) -> Vec<u8> {
    let mut ours = Vec::new();
    let text = r#"{"event_id":"e","workspace_id":"w","conversation_id":"c","occurred_at":0,"type":"conversation_deleted",
        "by":{"kind":"system","id":"s"}}"#;
    let parsed = afterword_schemas::json::parse_fact(text.as_bytes()).expect("a fact");
    let afterword_schemas::json::ParsedFact::Fact { fact, .. } = parsed else {
        panic!("a fact of a known kind");
    };
    let event: ConversationEvent<'_> = fact.as_event();
    encode(&event, Framing::Confluent(id), &mut ours);
    [&ours[..5], before, &ours[5..]].concat()
}

#[test]
fn an_id_is_asked_for_once_and_a_newer_writer_is_read() {
    let (registry, schemas) = schemas();
    registry.put(7, &newer());
    let newer = value(7, b"\x04t1");
    for _ in 0..3 {
        let store = schemas
            .for_values([newer.as_slice(), &newer])
            .expect("the registry answers");
        let Ok(Decoded::Fact(fact)) = store.decode_fact(&newer) else {
            panic!("{:?}", store.decode_fact(&newer));
        };
        assert_eq!((fact.event_id, fact.workspace_id), ("e", "w"));
    }
    assert_eq!(registry.asked(), 1);
}

#[test]
fn an_id_that_the_registry_does_not_have_is_unknown_until_it_has_it() {
    let (registry, schemas) = schemas();
    let value = value(7, b"\x04t1");
    let store = schemas.for_values([value.as_slice()]).expect("it answers");
    let error = store.decode_fact(&value).expect_err("unknown");
    assert_eq!(error.unknown_schema(), Some(SchemaId::Registry(7)));
    registry.put(7, &newer());
    let store = schemas.for_values([value.as_slice()]).expect("it answers");
    assert!(matches!(store.decode_fact(&value), Ok(Decoded::Fact(_))));
}

#[test]
fn what_is_no_schema_is_unknown_and_not_asked_for_again() {
    let (registry, schemas) = schemas();
    registry.put(7, "message M { }");
    let value = value(7, b"");
    for _ in 0..3 {
        let store = schemas.for_values([value.as_slice()]).expect("it answers");
        let error = store.decode_fact(&value).expect_err("unknown");
        assert_eq!(error.class(), "unknown_schema");
    }
    assert_eq!(registry.asked(), 1);
}

#[test]
fn a_registry_that_is_away_is_no_fault_of_a_value() {
    let (registry, schemas) = schemas();
    registry.put(7, &newer());
    registry.set_away(true);
    let value = value(7, b"\x04t1");
    for _ in 0..2 {
        let error = schemas.for_values([value.as_slice()]).expect_err("away");
        assert_eq!(error, Unavailable("away".to_owned()));
    }
    registry.set_away(false);
    let store = schemas.for_values([value.as_slice()]).expect("back");
    assert!(matches!(store.decode_fact(&value), Ok(Decoded::Fact(_))));
    assert_eq!(registry.asked(), 3);
}

#[test]
fn of_many_who_need_an_id_one_asks() {
    let (registry, schemas) = schemas();
    registry.put(7, &newer());
    let value = value(7, b"\x04t1");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = schemas.for_values([value.as_slice()]).expect("it answers");
                assert!(store.knows(SchemaId::Registry(7)));
            });
        }
    });
    assert_eq!(registry.asked(), 1);
}

#[test]
fn values_without_an_id_need_no_registry() {
    let (registry, schemas) = schemas();
    registry.set_away(true);
    let mut ours = value(7, b"");
    ours.splice(..5, {
        let mut header = vec![0xC3, 1];
        header.extend(RecordKind::ConversationEvent.fingerprint().to_le_bytes());
        header
    });
    let values: [&[u8]; 4] = [&ours, b"", b"\x00\x00", b"{\"json\":1}"];
    let store = schemas.for_values(values).expect("nothing to ask");
    assert!(matches!(store.decode_fact(&ours), Ok(Decoded::Fact(_))));
    assert_eq!(registry.asked(), 0);
}

#[test]
fn each_kind_is_framed_with_the_id_that_the_registry_gave_it() {
    let (registry, schemas) = schemas();
    for _ in 0..2 {
        let framings = schemas.framings().expect("it answers");
        for kind in RecordKind::ALL {
            assert_eq!(framings.of(*kind), Framing::Confluent(100 + *kind as u32));
        }
    }
    assert_eq!(registry.asked(), RecordKind::ALL.len());
    // What we write, we read, though the registry is gone by then.
    registry.set_away(true);
    let value = value(100, b"");
    let store = schemas.for_values([value.as_slice()]).expect("known");
    assert!(matches!(store.decode_fact(&value), Ok(Decoded::Fact(_))));
}

#[test]
fn without_a_registry_values_name_fingerprints() {
    let schemas = Schemas::new();
    let framings = schemas.framings().expect("nothing to ask");
    for kind in RecordKind::ALL {
        assert_eq!(framings.of(*kind), Framing::SingleObject);
    }
    let value = value(7, b"");
    let store = schemas
        .for_values([value.as_slice()])
        .expect("nothing to ask");
    assert!(!store.knows(SchemaId::Registry(7)));
}

#[test]
fn who_reads_whom() {
    let kind = RecordKind::RatingSubmitted;
    let ours = kind.schema_text();
    assert_eq!(
        (kind.can_read(ours), kind.can_be_read_by(ours)),
        (Ok(()), Ok(()))
    );
    let field = r#"{"name": "request_id""#;
    let added = |extra: &str| ours.replacen(field, &format!("{extra}, {field}"), 1);
    let required = added(r#"{"name": "extra", "type": "string"}"#);
    assert_eq!(kind.can_read(&required), Ok(()), "we skip it");
    assert!(kind.can_be_read_by(&required).is_err(), "it has no default");
    let optional = added(r#"{"name": "extra", "type": "string", "default": ""}"#);
    assert_eq!(kind.can_be_read_by(&optional), Ok(()));
    let symbol = ours.replace(r#""amazing""#, r#""amazing", "stellar""#);
    assert_ne!(symbol, ours);
    assert!(
        kind.can_read(&symbol).is_err(),
        "a symbol that we do not know"
    );
    assert_eq!(kind.can_be_read_by(&symbol), Ok(()));
}
