//! Whether a record that was found is the one that was expected, member by member.

use afterword_engine::dead;
use afterword_log::{INDEX_HEADER, Offset, Partition, Record, RecordRef, SOURCE_HEADER, Topic};
use afterword_schemas::records::{
    AnswerRefused, EligibilityDecided, Output, RatingRequested, RatingSubmitted,
};
use afterword_schemas::{DecodeError, Record as _, SchemaStore, encode, json};
use afterword_trace::{TRACEPARENT, sampled};
use serde_json::Value;

use super::codec::Codec;
use super::reader::Trouble;

/// Longest value that is shown of a member.
const SHOWN_CHARACTERS: usize = 120;

/// What differs between an output and what it must be; nothing when all is equal. `scratch` is only memory.
///
/// # Errors
/// When a schema cannot be asked for.
pub fn output(
    codec: Codec<'_>,
    topic: Topic,
    expected: &Output,
    found: &Record,
    timestamp_ms: i64,
    scratch: &mut Vec<u8>,
) -> Result<Vec<String>, Trouble> {
    let mut differences = Vec::new();
    let key = conversation_id(expected);
    if found.key.as_deref() != Some(key.as_bytes()) {
        differences.push(format!(
            "key: expected {key:?}, found {}",
            shown_bytes(found.key.as_deref())
        ));
    }
    if found.timestamp_ms != timestamp_ms {
        differences.push(format!(
            "timestamp: expected {timestamp_ms}, as the fact's, found {}",
            found.timestamp_ms
        ));
    }
    scratch.clear();
    let value = found.value.as_deref().unwrap_or_default();
    let framing = codec.framing_like(value, expected.record_kind());
    encode(expected, framing, scratch);
    if value != scratch.as_slice() {
        match decode(&*codec.of_value(value)?, topic, value) {
            Ok(output) if output == *expected => {}
            Ok(output) => differences.extend(members(expected, &output)),
            Err(error) => differences.push(format!("value: expected {topic}, found {error}")),
        }
    }
    Ok(differences)
}

/// What is wrong with the trace that an output says it belongs to: it can only be its fact's. It may say none, since builds that knew no traces
/// wrote outputs too.
pub fn trace(record: &RecordRef<'_>, found: &Record) -> Option<String> {
    let said = found.header(TRACEPARENT)?;
    let expected = record.header(TRACEPARENT).and_then(sampled);
    let expected = expected.map(|context| context.to_string().into_bytes());
    (expected.as_deref() != Some(said)).then(|| {
        format!(
            "{TRACEPARENT}: expected the fact's, {}, or none, found {}",
            shown_bytes(expected.as_deref()),
            shown_bytes(Some(said))
        )
    })
}

/// A value of an output topic.
fn decode(store: &SchemaStore, topic: Topic, value: &[u8]) -> Result<Output, DecodeError> {
    Ok(match topic {
        Topic::EligibilityDecided => {
            Output::EligibilityDecided(store.decode::<EligibilityDecided>(value)?)
        }
        Topic::RatingRequested => Output::RatingRequested(store.decode::<RatingRequested>(value)?),
        Topic::RatingSubmitted => Output::RatingSubmitted(store.decode::<RatingSubmitted>(value)?),
        _ => Output::AnswerRefused(store.decode::<AnswerRefused>(value)?),
    })
}

fn conversation_id(output: &Output) -> &str {
    match output {
        Output::EligibilityDecided(decided) => &decided.conversation_id,
        Output::RatingRequested(requested) => &requested.conversation_id,
        Output::RatingSubmitted(submitted) => &submitted.conversation_id,
        Output::AnswerRefused(refused) => &refused.conversation_id,
    }
}

/// The members in which two outputs differ.
fn members(expected: &Output, found: &Output) -> Vec<String> {
    let mut differing = Vec::new();
    differ("", &as_json(expected), &as_json(found), &mut differing);
    if differing.is_empty() {
        // Never seen: the JSON form has every member.
        differing.push(format!("expected {expected:?}, found {found:?}"));
    }
    differing
}

fn as_json(output: &Output) -> Value {
    let mut line = Vec::new();
    json::write(output, None, &mut line);
    serde_json::from_slice(&line).unwrap_or_default()
}

fn differ(name: &str, expected: &Value, found: &Value, out: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (member, value) in expected {
                let name = if name.is_empty() {
                    member.clone()
                } else {
                    format!("{name}.{member}")
                };
                differ(&name, value, found.get(member).unwrap_or(&Value::Null), out);
            }
        }
        _ if expected == found => {}
        _ => out.push(format!(
            "{name}: expected {}, found {}",
            shown(expected),
            shown(found)
        )),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn shown_bytes(bytes: Option<&[u8]>) -> String {
    let text = |bytes: &[u8]| {
        format!(
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_CHARACTERS)])
        )
    };
    bytes.map_or_else(|| "none".to_owned(), text)
}

/// What a dead letter says of itself.
pub fn class(letter: &Record) -> Option<&str> {
    std::str::from_utf8(header(letter, dead::CLASS)?).ok()
}

fn header<'a>(letter: &'a Record, name: &str) -> Option<&'a [u8]> {
    let last = letter.headers.iter().rfind(|(found, _)| found == name);
    last.and_then(|(_, value)| value.as_deref())
}

/// What differs between a dead letter and the one that this record must have become. The words of the error and the
/// build are not compared: they may be another version's.
pub fn letter(
    source: (Topic, Partition),
    record: &RecordRef<'_>,
    class: &str,
    found: &Record,
) -> Vec<String> {
    let expected = record.to_record();
    let mut differences = Vec::new();
    let mut bytes = |what: &str, expected: Option<&[u8]>, found: Option<&[u8]>| {
        if expected != found {
            differences.push(format!(
                "{what}: expected {}, found {}",
                shown_bytes(expected),
                shown_bytes(found)
            ));
        }
    };
    bytes("key", expected.key.as_deref(), found.key.as_deref());
    bytes("value", expected.value.as_deref(), found.value.as_deref());
    let place = format!("{}/{}/{}", source.0, source.1, record.offset);
    let ours = [
        (dead::TOPIC, source.0.to_string()),
        (dead::PARTITION, source.1.to_string()),
        (dead::OFFSET, record.offset.to_string()),
        (dead::CLASS, class.to_owned()),
        (SOURCE_HEADER, place),
        (INDEX_HEADER, "0".to_owned()),
    ];
    for (name, value) in &ours {
        bytes(name, Some(value.as_bytes()), header(found, name));
    }
    if !found.headers.starts_with(&expected.headers) {
        differences.push("headers: expected those of the record first, found others".to_owned());
    }
    let unsaid = [dead::ERROR, dead::BUILD]
        .into_iter()
        .filter(|name| header(found, name).is_none());
    differences.extend(unsaid.map(|name| format!("{name}: expected a header, found none")));
    if found.timestamp_ms != record.timestamp_ms {
        differences.push(format!(
            "timestamp: expected {}, found {}",
            record.timestamp_ms, found.timestamp_ms
        ));
    }
    differences
}

/// Where something stands, for people.
pub fn place(topic: Topic, partition: Partition, offset: Offset) -> String {
    format!("{topic}/{partition}/{offset}")
}
