//! Every way for a value to be no record, with what is said about it.

use afterword_schemas::records::*;
use afterword_schemas::{
    Decoded, Framing, PassedOver, Record, RecordKind, SchemaError, SchemaId, SchemaStore, encode,
    schema_id,
};

const EVENT: &str = RecordKind::ConversationEvent.schema_text();

fn event<'a>(id: &'a str, payload: Payload<'a>) -> ConversationEvent<'a> {
    ConversationEvent {
        event_id: id,
        workspace_id: "w",
        conversation_id: "c",
        occurred_at: Timestamp(0),
        payload,
    }
}

fn closed(id: &str) -> ConversationEvent<'_> {
    event(
        id,
        Payload::ConversationClosed {
            by: Actor {
                kind: ActorKind::Bot,
                id: "b",
            },
        },
    )
}

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

#[track_caller]
fn check(store: &SchemaStore, value: &[u8], class: &str, message: &str) {
    let error = store.decode_fact(value).expect_err("no fact");
    assert_eq!(
        (error.class(), error.to_string().as_str()),
        (class, message)
    );
}

#[test]
fn framing() {
    let store = SchemaStore::new();
    let expected =
        "expected C3 01 and 8 bytes of fingerprint, or 00 and 4 bytes of schema id, found ";
    for (value, found) in [
        (&b""[..], "[] at the start of 0 bytes"),
        (b"{}", "[7B, 7D] at the start of 2 bytes"),
        (
            b"\xc3\x01\0\0\0\0\0\0\0",
            "[C3, 01, 00, 00, 00, 00, 00, 00, 00] at the start of 9 bytes",
        ),
        (b"\xc3\x02", "[C3, 02] at the start of 2 bytes"),
        (b"\0\0\0\0", "[00, 00, 00, 00] at the start of 4 bytes"),
    ] {
        check(&store, value, "framing", &format!("{expected}{found}"));
        assert_eq!(schema_id(value).expect_err("no header").class(), "framing");
    }
}

#[test]
fn unknown_schemas() {
    let store = SchemaStore::new();
    let value = b"\0\0\0\x01\x02rest";
    check(
        &store,
        value,
        "unknown_schema",
        "expected a schema that is registered, found registry id 258",
    );
    let error = store.decode_fact(value).expect_err("unknown");
    assert_eq!(error.unknown_schema(), Some(SchemaId::Registry(258)));
    assert!(!store.knows(SchemaId::Registry(258)));
    let value = b"\xc3\x01\x01\0\0\0\0\0\0\0";
    let expected = "expected a schema that is registered, found fingerprint 0000000000000001";
    check(&store, value, "unknown_schema", expected);
    assert!(store.knows(SchemaId::Fingerprint(
        RecordKind::AnswerRefused.fingerprint()
    )));
}

/// Schemas of apache-avro's own reckoning: it fingerprints a logical type's attributes.
#[test]
fn fingerprints_of_apache_avro_are_known() {
    let schema = apache_avro::Schema::parse_str(EVENT).expect("a schema");
    let theirs = schema.fingerprint::<apache_avro::rabin::Rabin>().bytes;
    assert_ne!(
        theirs,
        RecordKind::ConversationEvent.fingerprint().to_le_bytes()
    );
    let value = encoded(&closed("e"));
    let value = [&value[..2], &theirs, &value[10..]].concat();
    assert_eq!(
        SchemaStore::new().decode_fact(&value),
        Ok(Decoded::Fact(closed("e")))
    );
}

#[test]
fn incompatible_schemas() {
    let value = [b"\0\0\0\0\x01", &encoded(&closed("e"))[10..]].concat();
    let id = r#""event_id", "type": "string""#;
    let cases = [
        (
            EVENT.replace(id, r#""id", "type": "string""#),
            "event_id: expected a string, found no such field in the writer's schema",
        ),
        (
            EVENT.replace(
                id,
                r#""event_id", "type": {"type": "array", "items": "null"}"#,
            ),
            "",
        ),
    ];
    let store = knowing(&cases[0].0);
    check(&store, &value, "incompatible_schema", cases[0].1);
    let store = knowing(&cases[1].0);
    let value = b"\0\0\0\0\x01\0\x02w\x02c\0\x08\x06\x02b";
    check(
        &store,
        value,
        "incompatible_schema",
        "event_id: expected a string, found the writer's type Array",
    );
    let micros = EVENT.replacen("timestamp-millis", "timestamp-micros", 1);
    let expected =
        "occurred_at: expected a long (timestamp-millis), found the writer's type TimestampMicros";
    check(
        &knowing(&micros),
        b"\0\0\0\0\x01\x02e\x02w\x02c\0\x08\x06\x02b",
        "incompatible_schema",
        expected,
    );
    check(
        &knowing("\"null\""),
        b"\0\0\0\0\x01",
        "incompatible_schema",
        "the record: expected a record, found the writer's type Null",
    );
}

#[test]
fn malformed_bytes() {
    let store = knowing(EVENT);
    let value = encoded(&closed("e"));
    let cut = &value[..value.len() - 1];
    check(
        &store,
        cut,
        "malformed",
        "by.id: expected more bytes, found the end, at byte 10 of a body of 10",
    );
    let longer = [&value[..], b"xy"].concat();
    check(
        &store,
        &longer,
        "malformed",
        "the record: expected the end, found 2 bytes more, at byte 11 of a body of 13",
    );
    let body = |body: &[u8]| [b"\0\0\0\0\x01", body].concat();
    for (bytes, message) in [
        (
            &b"\x02\xff"[..],
            "event_id: expected UTF-8, found other bytes, at byte 2 of a body of 2",
        ),
        (
            b"\x01",
            "event_id: expected a length of 0 or more, found -1, at byte 1 of a body of 1",
        ),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "event_id: expected an integer of at most 10 bytes, found a longer one, at byte 0 of a body of 11",
        ),
        (
            b"\x02e\x02w\x02c\0\x14",
            "payload: expected the number of one of 10 branches of a union, found 10, at byte 8 of a body of 8",
        ),
        (
            b"\x02e\x02w\x02c\0\x08\x0a",
            "by.kind: expected the number of one of 5 symbols, found 5, at byte 9 of a body of 9",
        ),
        (
            b"\x02e\x02w\x02c\0\x08\x01",
            "by.kind: expected the number of one of 5 symbols, found -1, at byte 9 of a body of 9",
        ),
    ] {
        check(&store, &body(bytes), "malformed", message);
    }
    let extra = |of: &str| {
        EVENT.replace(
            r#"{"name": "event_id""#,
            &format!(r#"{{"name": "extra", "type": {of}}}, {{"name": "event_id""#),
        )
    };
    for (of, bytes, message) in [
        (
            "\"boolean\"",
            &b"\x02"[..],
            "extra: expected 00 or 01 for a boolean, found 02, at byte 1 of a body of 1",
        ),
        (
            "\"int\"",
            b"\x80\x80\x80\x80\x10",
            "extra: expected an int of 32 bits, found 2147483648, at byte 5 of a body of 5",
        ),
        (
            r#"{"type": "array", "items": "int"}"#,
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0",
            "extra: expected a count of items, found -9223372036854775808, at byte 11 of a body of 11",
        ),
    ] {
        check(&knowing(&extra(of)), &body(bytes), "malformed", message);
    }
}

#[test]
fn limits() {
    let store = SchemaStore::new();
    let check_id = |id: &str, message: &str| check(&store, &encoded(&closed(id)), "limit", message);
    check_id(
        "",
        "event_id: expected an id of 1 to 256 bytes, found 0 bytes",
    );
    check_id(
        &"x".repeat(257),
        "event_id: expected an id of 1 to 256 bytes, found 257 bytes",
    );
    check_id(
        "a\nb",
        "event_id: expected an id without control characters, found U+000A",
    );
    check_id(
        "a\u{9f}b",
        "event_id: expected an id without control characters, found U+009F",
    );
    let comment = |request_id, customer_id, text| {
        event(
            "e",
            Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            },
        )
    };
    check(
        &store,
        &encoded(&comment("", "u", "")),
        "limit",
        "request_id: expected an id of 1 to 256 bytes, found 0 bytes",
    );
    check(
        &store,
        &encoded(&comment("r", "\0", "")),
        "limit",
        "customer_id: expected an id without control characters, found U+0000",
    );
    let longest = "é".repeat(262_144);
    assert!(matches!(
        store.decode_fact(&encoded(&comment("r", "u", &longest))),
        Ok(Decoded::Fact(_))
    ));
    let longer = format!("{longest}x");
    let message = "text: expected a text of at most 262144 characters, found 262145 characters";
    check(
        &store,
        &encoded(&comment("r", "u", &longer)),
        "limit",
        message,
    );
}

/// An unknown kind goes before broken limits and unknown symbols, these after broken limits; malformed bytes before all.
#[test]
fn what_goes_first() {
    let newer = EVENT
        .replace("ConversationClosed", "ConversationArchived")
        .replacen(r#""bot""#, r#""robot""#, 1);
    let store = knowing(&newer);
    let body = |id: &str, branch: u8| {
        let mut value = vec![0, 0, 0, 0, 1, 2 * id.len() as u8];
        value.extend_from_slice(id.as_bytes());
        value.extend_from_slice(&[2, b'w', 2, b'c', 0, branch, 6, 2, b'b']);
        value
    };
    let archived = Ok(Decoded::PassedOver(PassedOver::PayloadKind(
        "ConversationArchived".into(),
    )));
    assert_eq!(store.decode_fact(&body("e", 8)), archived);
    assert_eq!(store.decode_fact(&body("", 8)), archived);
    let robot = PassedOver::EnumSymbol {
        member: "by.kind".into(),
        symbol: "robot".into(),
    };
    assert_eq!(robot.label(), "enum_symbol");
    assert_eq!(
        store.decode_fact(&body("e", 14)),
        Ok(Decoded::PassedOver(robot))
    );
    check(
        &store,
        &body("", 14),
        "limit",
        "event_id: expected an id of 1 to 256 bytes, found 0 bytes",
    );
    let cut = body("", 8);
    assert_eq!(
        store
            .decode_fact(&cut[..cut.len() - 1])
            .expect_err("cut off")
            .class(),
        "malformed"
    );
}

#[test]
fn schemas_that_are_none() {
    let mut store = SchemaStore::new();
    assert!(matches!(store.register("{"), Err(SchemaError::Invalid(_))));
    assert!(matches!(
        store.register(r#"{"type": "record"}"#),
        Err(SchemaError::Invalid(_))
    ));
    assert!(matches!(
        store.register(r#""Nobody""#),
        Err(SchemaError::Invalid(_))
    ));
    assert_eq!(
        store.register(&" ".repeat(1 << 21)),
        Err(SchemaError::TooLong { bytes: 1 << 21 })
    );
    assert_eq!(
        store.register_id(7, "\"int\""),
        store.register_id(7, " { \"type\" : \"int\" } ")
    );
    assert_eq!(
        store.register_id(7, "\"long\""),
        Err(SchemaError::IdTaken { id: 7 })
    );
}
