//! Settings and outputs that cannot be, or that other versions wrote.

use afterword_schemas::records::*;
use afterword_schemas::{Framing, Record, RecordKind, SchemaStore, encode};

fn encoded(record: &impl Record) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, Framing::SingleObject, &mut out);
    out
}

/// A store that knows one schema, by registry id 1.
fn knowing(schema: &str) -> SchemaStore {
    let mut store = SchemaStore::new();
    store.register_id(1, schema).expect("a schema");
    store
}

fn settings() -> WorkspaceSettings {
    WorkspaceSettings {
        workspace_id: "w".to_owned(),
        version: 1,
        effective_from: Timestamp(0),
        live_for_users: true,
        live_for_leads: true,
        plan_includes_ratings: true,
        time_zone: "Europe/Berlin".to_owned(),
        target: None,
        teammate_targets: Default::default(),
    }
}

#[test]
fn impossible_settings() {
    let store = SchemaStore::new();
    let target = Target {
        positive_share: 0.9,
        minimum_ratings: 10,
    };
    type Change = fn(&mut WorkspaceSettings, Target);
    let changes: [(Change, &str); 8] = [
        (|s, _| s.version = 0, "version: expected 1 or more, found 0"),
        (
            |s, _| s.workspace_id = String::new(),
            "workspace_id: expected an id of 1 to 256 bytes, found 0 bytes",
        ),
        (
            |s, _| s.time_zone = "Berlin".to_owned(),
            "time_zone: expected an IANA name such as Europe/Berlin, found \"Berlin\"",
        ),
        (
            |s, t| {
                s.target = Some(Target {
                    positive_share: 1.1,
                    ..t
                })
            },
            "target.positive_share: expected 0.0 to 1.0, found 1.1",
        ),
        (
            |s, t| {
                s.target = Some(Target {
                    positive_share: f64::NAN,
                    ..t
                })
            },
            "target.positive_share: expected 0.0 to 1.0, found NaN",
        ),
        (
            |s, t| {
                s.target = Some(Target {
                    minimum_ratings: -1,
                    ..t
                })
            },
            "target.minimum_ratings: expected 0 or more, found -1",
        ),
        (
            |s, t| {
                s.teammate_targets = [(
                    "t".to_owned(),
                    Target {
                        positive_share: -0.1,
                        ..t
                    },
                )]
                .into()
            },
            "teammate_targets.t.positive_share: expected 0.0 to 1.0, found -0.1",
        ),
        (
            |s, t| s.teammate_targets = [("\n".to_owned(), t)].into(),
            "teammate_targets: expected an id without control characters, found U+000A",
        ),
    ];
    for (change, message) in changes {
        let mut settings = settings();
        change(&mut settings, target);
        let error = store
            .decode::<WorkspaceSettings>(&encoded(&settings))
            .expect_err("impossible");
        assert_eq!(
            (error.class(), error.to_string().as_str()),
            ("invalid", message)
        );
    }
    assert_eq!(store.decode(&encoded(&settings())), Ok(settings()));
}

#[test]
fn outputs_of_other_versions() {
    let refused = RecordKind::AnswerRefused.schema_text();
    let body = b"\0\0\0\0\x01\x02r\x02c\x02w\x02e\x00\x00";
    let decode = |schema: &str| knowing(schema).decode::<AnswerRefused>(body);
    assert!(decode(refused).is_ok());
    let error = decode(&refused.replace("no_request", "too_rude")).expect_err("unknown symbol");
    assert_eq!(error.class(), "unknown_symbol");
    let error = decode(&refused.replace(r#""event_id""#, r#""event""#)).expect_err("a field less");
    assert_eq!(error.class(), "incompatible_schema");
    // A fact is no refusal, and a refusal no fact.
    assert_eq!(
        SchemaStore::new()
            .decode::<AnswerRefused>(&encoded(&fact()))
            .expect_err("a fact")
            .class(),
        "incompatible_schema"
    );
    let error = knowing(refused).decode_fact(body).expect_err("no fact");
    assert_eq!(error.class(), "incompatible_schema");
    let submitted = RecordKind::RatingSubmitted
        .schema_text()
        .replace("\"terrible\"", "\"dreadful\"");
    let body = b"\0\0\0\0\x01\x02r\x02w\x02c\0\x02u\x02t\0\0\0\0\x02\x02\0\x02\0\0\0";
    let error = knowing(&submitted)
        .decode::<RatingSubmitted>(body)
        .expect_err("unknown symbol in a union");
    assert_eq!(error.class(), "unknown_symbol", "{error}");
}

fn fact() -> ConversationEvent<'static> {
    let by = Actor {
        kind: ActorKind::Bot,
        id: "b",
    };
    let payload = Payload::ConversationClosed { by };
    ConversationEvent {
        event_id: "e",
        workspace_id: "w",
        conversation_id: "c",
        occurred_at: Timestamp(0),
        payload,
    }
}
