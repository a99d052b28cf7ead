//! What a fact's bytes say according to apache-avro: the judge of our own decoder, in tests and under the fuzzer.
//!
//! apache-avro takes the first branch of the payload's union with the same fields, where the specification goes by the
//! record's name. So the branch is chosen here, by name, and all else is apache-avro's resolution.

use std::io::Read;
use std::sync::LazyLock;

use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Reaction, Timestamp,
    Visibility,
};
use afterword_schemas::{DecodeError, Decoded, PassedOver, RecordKind, limits};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use serde_json::{Value as Json, json};

/// What apache-avro makes of a body.
#[derive(Debug)]
pub enum Verdict {
    /// The number of its kind, and the resolved record.
    Fact(usize, Value),
    UnknownKind,
    UnknownSymbol,
    /// It is not resolvable, or breaks a limit.
    Refused(String),
    Malformed(String),
}

/// The reader's schema with one kind of payload alone: as it is, and with a default for every enum.
struct Reader {
    kind: String,
    strict: Schema,
    lenient: Schema,
}

static READERS: LazyLock<Vec<Reader>> = LazyLock::new(|| {
    apache_avro::util::max_allocation_bytes(16 << 20);
    let event: Json =
        serde_json::from_str(RecordKind::ConversationEvent.schema_text()).expect("JSON");
    let payloads = event["fields"][4]["type"].as_array().expect("a union");
    let actor = payloads[0]["fields"][1]["type"].clone();
    let reader = |payload: &Json| {
        let mut payload = payload.clone();
        for field in payload["fields"].as_array_mut().expect("fields") {
            if field["type"] == "Actor" {
                field["type"] = actor.clone();
            }
        }
        let kind = payload["name"].as_str().expect("a name").to_owned();
        let mut strict = event.clone();
        strict["fields"][4]["type"] = payload;
        let mut lenient = strict.clone();
        add_enum_defaults(&mut lenient);
        let parse = |schema| Schema::parse(&schema).expect("a schema");
        Reader {
            kind,
            strict: parse(strict),
            lenient: parse(lenient),
        }
    };
    payloads.iter().map(reader).collect()
});

fn add_enum_defaults(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(add_enum_defaults),
        Json::Object(members) => {
            if members.get("type") == Some(&json!("enum")) {
                let first = members["symbols"][0].clone();
                members.insert("default".to_owned(), first);
            }
            members.values_mut().for_each(add_enum_defaults);
        }
        _ => {}
    }
}

/// Judges a body that `writer` wrote.
pub fn judge(writer: &Schema, body: &[u8]) -> Verdict {
    LazyLock::force(&READERS);
    let mut source = Watched {
        rest: body,
        ended_early: false,
    };
    let reader = GenericDatumReader::builder(writer)
        .build()
        .expect("a schema with its names");
    let value = match reader.read_value(&mut source) {
        Ok(value) => value,
        Err(error) => return Verdict::Malformed(error.to_string()),
    };
    if source.ended_early || !source.rest.is_empty() {
        return Verdict::Malformed("too short or too long".to_owned());
    }
    let Some(kind) = kind_of_payload(writer, &value) else {
        return Verdict::Refused("no payload".to_owned());
    };
    let Some(kind) = READERS
        .iter()
        .position(|reader| Some(&reader.kind) == kind.as_ref())
    else {
        return Verdict::UnknownKind;
    };
    let reader = &READERS[kind];
    let lenient = match value.clone().resolve(&reader.lenient) {
        Ok(resolved) => resolved,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    if let Err(error) = check_limits(kind, &lenient) {
        return Verdict::Refused(error);
    }
    value
        .resolve(&reader.strict)
        .map_or(Verdict::UnknownSymbol, |value| Verdict::Fact(kind, value))
}

/// The name of the writer's payload, if the writer has one; `Some(None)` when it is no record.
fn kind_of_payload(writer: &Schema, value: &Value) -> Option<Option<String>> {
    let (Schema::Record(record), Value::Record(fields)) = (writer, value) else {
        return None;
    };
    let place = record
        .fields
        .iter()
        .position(|field| field.name == "payload")?;
    let (schema, value) = match (&record.fields[place].schema, &fields[place].1) {
        (Schema::Union(union), Value::Union(branch, inner)) => {
            (&union.variants()[*branch as usize], &**inner)
        }
        (schema, value) => (schema, value),
    };
    let is_record = matches!(value, Value::Record(_));
    Some(
        schema
            .name()
            .filter(|_| is_record)
            .map(|name| name.name().to_owned()),
    )
}

fn check_limits(kind: usize, value: &Value) -> Result<(), String> {
    let event = event(kind, value);
    let mut ids = vec![event.event_id, event.workspace_id, event.conversation_id];
    let mut text = "";
    match event.payload {
        Payload::ConversationStarted {
            initiator: actor, ..
        }
        | Payload::ParticipantJoined { participant: actor }
        | Payload::ParticipantLeft { participant: actor }
        | Payload::ConversationClosed { by: actor }
        | Payload::ConversationSnoozed { by: actor, .. }
        | Payload::ConversationReopened { by: actor }
        | Payload::ConversationDeleted { by: actor } => ids.push(actor.id),
        Payload::MessageAdded {
            author,
            text: message,
            ..
        } => {
            ids.push(author.id);
            text = message;
        }
        Payload::ReactionSelected {
            request_id,
            customer_id,
            ..
        } => ids.extend([request_id, customer_id]),
        Payload::CommentLeft {
            request_id,
            customer_id,
            text: comment,
        } => {
            ids.extend([request_id, customer_id]);
            text = comment;
        }
    }
    ids.iter()
        .try_for_each(|id| limits::check_id(id))
        .map_err(|error| error.to_string())?;
    limits::check_text(text).map_err(|error| error.to_string())
}

/// The fact that a resolved value is.
fn event(kind: usize, value: &Value) -> ConversationEvent<'_> {
    let payload = field(value, "payload");
    let actor = |name| {
        let actor = field(payload, name);
        Actor {
            kind: symbol(actor, "kind", ActorKind::from_symbol),
            id: string(actor, "id"),
        }
    };
    let payload = match kind {
        0 => Payload::ConversationStarted {
            origin: symbol(payload, "origin", Origin::from_symbol),
            initiator: actor("initiator"),
            channel: symbol(payload, "channel", Channel::from_symbol),
        },
        1 => Payload::MessageAdded {
            author: actor("author"),
            text: string(payload, "text"),
            format: symbol(payload, "format", Format::from_symbol),
            visibility: symbol(payload, "visibility", Visibility::from_symbol),
        },
        2 => Payload::ParticipantJoined {
            participant: actor("participant"),
        },
        3 => Payload::ParticipantLeft {
            participant: actor("participant"),
        },
        4 => Payload::ConversationClosed { by: actor("by") },
        5 => Payload::ConversationSnoozed {
            by: actor("by"),
            until: nullable_time(payload, "until"),
        },
        6 => Payload::ConversationReopened { by: actor("by") },
        7 => Payload::ConversationDeleted { by: actor("by") },
        8 => Payload::ReactionSelected {
            request_id: string(payload, "request_id"),
            customer_id: string(payload, "customer_id"),
            reaction: symbol(payload, "reaction", Reaction::from_symbol),
        },
        _ => Payload::CommentLeft {
            request_id: string(payload, "request_id"),
            customer_id: string(payload, "customer_id"),
            text: string(payload, "text"),
        },
    };
    let Value::TimestampMillis(occurred_at) = field(value, "occurred_at") else {
        panic!("no time")
    };
    ConversationEvent {
        event_id: string(value, "event_id"),
        workspace_id: string(value, "workspace_id"),
        conversation_id: string(value, "conversation_id"),
        occurred_at: Timestamp(*occurred_at),
        payload,
    }
}

fn nullable_time(value: &Value, name: &str) -> Option<Timestamp> {
    let Value::Union(_, inner) = field(value, name) else {
        panic!("no union: {name}")
    };
    if let Value::TimestampMillis(ms) = **inner {
        Some(Timestamp(ms))
    } else {
        None
    }
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    let Value::Record(fields) = value else {
        panic!("no record: {value:?}")
    };
    &fields
        .iter()
        .find(|(field, _)| field == name)
        .expect("a field")
        .1
}

fn string<'v>(value: &'v Value, name: &str) -> &'v str {
    let Value::String(text) = field(value, name) else {
        panic!("no string: {name}")
    };
    text
}

fn symbol<T>(value: &Value, name: &str, from: fn(&str) -> Option<T>) -> T {
    let Value::Enum(_, symbol) = field(value, name) else {
        panic!("no enum: {name}")
    };
    from(symbol).expect("a known symbol")
}

/// Bytes that say whether somebody wanted more of them: apache-avro takes the end of its input for a null.
struct Watched<'a> {
    rest: &'a [u8],
    ended_early: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.rest.read(buffer)?;
        self.ended_early |= count < buffer.len();
        Ok(count)
    }
}

/// Panics unless our decoder and apache-avro agree.
pub fn assert_agreement(writer: &Schema, body: &[u8], ours: &Result<Decoded<'_>, DecodeError>) {
    let is = |text: &str| {
        ours.as_ref()
            .is_err_and(|error| error.to_string().contains(text))
    };
    if is("nested at most") {
        return; // apache-avro would use up its stack.
    }
    let verdict = judge(writer, body);
    let agreed = match (ours, &verdict) {
        (Ok(Decoded::Fact(fact)), Verdict::Fact(kind, value)) => *fact == event(*kind, value),
        (Ok(Decoded::PassedOver(PassedOver::PayloadKind(_))), Verdict::UnknownKind) => true,
        (Ok(Decoded::PassedOver(PassedOver::EnumSymbol { .. })), Verdict::UnknownSymbol) => true,
        (Err(error), Verdict::Refused(_)) => error.class() != "framing",
        (Err(error), Verdict::Malformed(_)) => error.class() == "malformed",
        // Bytes that are to be a string are found not to be one when they are read, not when all has been.
        (Err(_), Verdict::UnknownKind | Verdict::UnknownSymbol) => is("expected UTF-8"),
        _ => false,
    };
    assert!(
        agreed,
        "ours: {ours:?}\napache-avro: {verdict:?}\nbody: {body:02x?}"
    );
}
