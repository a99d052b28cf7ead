//! Records as one line of JSON each, as the contract prints them.
//!
//! Facts are printed as they would be imported. Every other record has a member more, `source`: the place of the fact that
//! caused it and its index among that fact's outputs; for settings and scorecards, which no single fact caused, their own
//! place and index 0. A dead letter is an object of its own: where it stood, its class and error, its key, value and
//! headers (as text where they are UTF-8, in base64 otherwise) and its time.

use afterword_engine::dead;
use afterword_log::{Partition, RecordRef, Topic};
use afterword_schemas::records::{
    AnswerRefused, EligibilityDecided, RatingRequested, RatingSubmitted, TeammateScorecard,
    WorkspaceSettings,
};
use afterword_schemas::{Decoded, OwnedRecord, SchemaStore, json};
use afterword_web::story::Cause;
use base64::Engine as _;
use serde_json::{Map, Value, json};

/// Appends a record's line, without its line feed. What cannot be decoded becomes an object of type `undecodable`.
pub fn render(
    store: &SchemaStore,
    topic: Topic,
    partition: Partition,
    record: &RecordRef<'_>,
    out: &mut Vec<u8>,
) {
    let value = record.value.unwrap_or_default();
    let printed = match topic {
        Topic::ConversationEvents => match store.decode_fact(value) {
            Ok(Decoded::Fact(fact)) => {
                json::write(&fact, None, out);
                Ok(())
            }
            Ok(Decoded::PassedOver(passed_over)) => Err(passed_over.to_string()),
            Err(error) => Err(error.to_string()),
        },
        Topic::WorkspaceSettings => {
            output::<WorkspaceSettings>(store, topic, partition, record, out)
        }
        Topic::RatingRequested => output::<RatingRequested>(store, topic, partition, record, out),
        Topic::RatingSubmitted => output::<RatingSubmitted>(store, topic, partition, record, out),
        Topic::EligibilityDecided => {
            output::<EligibilityDecided>(store, topic, partition, record, out)
        }
        Topic::AnswerRefused => output::<AnswerRefused>(store, topic, partition, record, out),
        Topic::TeammateScorecards => {
            output::<TeammateScorecard>(store, topic, partition, record, out)
        }
        Topic::DeadLetters => {
            out.extend_from_slice(dead_letter(record).to_string().as_bytes());
            Ok(())
        }
    };
    if let Err(error) = printed {
        out.extend_from_slice(
            undecodable(topic, partition, record, &error)
                .to_string()
                .as_bytes(),
        );
    }
}

fn output<R: OwnedRecord>(
    store: &SchemaStore,
    topic: Topic,
    partition: Partition,
    record: &RecordRef<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let value = record
        .value
        .ok_or("the value is null: the key was deleted")?;
    let decoded = store
        .decode::<R>(value)
        .map_err(|error| error.to_string())?;
    json::write(
        &decoded,
        Some(&Cause::of(topic, partition, record).as_source()),
        out,
    );
    Ok(())
}

fn undecodable(topic: Topic, partition: Partition, record: &RecordRef<'_>, error: &str) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("undecodable"));
    object.insert("error".to_owned(), json!(error));
    put_bytes(&mut object, "key", record.key);
    put_bytes(&mut object, "value", record.value);
    object.insert(
        "source".to_owned(),
        place(topic.name(), json!(partition.0), json!(record.offset.0)),
    );
    Value::Object(object)
}

fn place(topic: &str, partition: Value, offset: Value) -> Value {
    json!({ "topic": topic, "partition": partition, "offset": offset, "index": 0 })
}

fn dead_letter(record: &RecordRef<'_>) -> Value {
    let text = |name| record.header(name).map(String::from_utf8_lossy);
    let number = |name| {
        text(name)
            .and_then(|text| text.parse::<u64>().ok())
            .map_or(Value::Null, Value::from)
    };
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("dead_letter"));
    object.insert("class".to_owned(), json!(text(dead::CLASS)));
    object.insert("error".to_owned(), json!(text(dead::ERROR)));
    object.insert("build".to_owned(), json!(text(dead::BUILD)));
    put_bytes(&mut object, "key", record.key);
    put_bytes(&mut object, "value", record.value);
    let ours = [
        dead::TOPIC,
        dead::PARTITION,
        dead::OFFSET,
        dead::CLASS,
        dead::ERROR,
        dead::BUILD,
    ];
    let theirs = record
        .headers
        .clone()
        .filter(|(name, _)| !ours.contains(name) && !name.starts_with("afterword-"));
    let headers = theirs.map(|(name, value)| {
        let mut header = Map::new();
        header.insert("name".to_owned(), json!(name));
        put_bytes(&mut header, "value", value);
        Value::Object(header)
    });
    object.insert("headers".to_owned(), headers.collect());
    object.insert("timestamp_ms".to_owned(), json!(record.timestamp_ms));
    let topic = text(dead::TOPIC).unwrap_or_default();
    object.insert(
        "source".to_owned(),
        place(&topic, number(dead::PARTITION), number(dead::OFFSET)),
    );
    Value::Object(object)
}

/// `name` as text, or `name_base64` when the bytes are no UTF-8.
fn put_bytes(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(std::str::from_utf8) {
        None => object.insert(name.to_owned(), Value::Null),
        Some(Ok(text)) => object.insert(name.to_owned(), json!(text)),
        Some(Err(_)) => {
            let coded = base64::engine::general_purpose::STANDARD.encode(bytes.unwrap_or_default());
            object.insert(format!("{name}_base64"), json!(coded))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use afterword_log::{Batch, Offset, Record};

    #[test]
    fn a_dead_letter_shows_its_bytes_and_where_it_stood() {
        let record = Record::new("c1", vec![0xff, 0], 5)
            .with_header("trace", "t1")
            .with_header(dead::TOPIC, "conversation-events")
            .with_header(dead::PARTITION, "2")
            .with_header(dead::OFFSET, "9")
            .with_header(dead::CLASS, "framing");
        let mut batch = Batch::default();
        batch.push(Offset(0), &record);
        let mut out = Vec::new();
        for record in batch.iter() {
            render(
                &SchemaStore::new(),
                Topic::DeadLetters,
                Partition(2),
                &record,
                &mut out,
            );
        }
        let printed: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(printed["value_base64"], "/wA=");
        assert_eq!(printed["key"], "c1");
        assert_eq!(printed["class"], "framing");
        assert_eq!(
            printed["headers"],
            json!([{ "name": "trace", "value": "t1" }])
        );
        assert_eq!(printed["source"]["offset"], 9);
    }
}
