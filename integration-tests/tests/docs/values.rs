//! The decoder of `docs/consumers/python.md`, on values as the program writes them, in both frames, without a broker.

use std::fs;
use std::process::Command;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::repository;
use afterword_schemas::records::{
    ActorKind, Channel, OwnedActor, RatingSubmitted, Reaction, TeammateScorecard, Timestamp,
};
use afterword_schemas::{Framing, Record, RecordKind, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::must;

/// Prints, for each value of the command line in hexadecimal digits, what it holds or why it cannot be read.
const DRIVER: &str = "\
import json, sys
from afterword_values import Values
values = Values(sys.argv[1], sys.argv[2] or None)
for digits in sys.argv[3:]:
    try:
        print(json.dumps(values.decode(bytes.fromhex(digits)), default=lambda time: time.isoformat()))
    except ValueError as error:
        print(json.dumps(str(error)))
";

fn hex(record: &impl Record, framing: Framing) -> String {
    let mut out = Vec::new();
    encode(record, framing, &mut out);
    out.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decoded(folder: &TempDir, registry: &str, values: &[&str]) -> Vec<Value> {
    examples::write_files("consumers/python.md", "python", folder.path());
    let mut command = Command::new(examples::python());
    command.current_dir(folder.path()).args(["-c", DRIVER]);
    command
        .arg(repository().join("schemas"))
        .arg(registry)
        .args(values);
    let printed = must(&mut command);
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn submitted() -> RatingSubmitted {
    RatingSubmitted {
        request_id: "r1".to_owned(),
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        customer: OwnedActor {
            kind: ActorKind::Lead,
            id: "u1".to_owned(),
        },
        teammate_id: "Zoë".to_owned(),
        channel: Channel::Email,
        requested_at: Timestamp(1_772_442_000_000),
        first_rated_at: Timestamp(1_772_442_060_000),
        submitted_at: Timestamp(1_772_442_120_250),
        revision: 2,
        previous_reaction: Some(Reaction::Bad),
        reaction: Reaction::Amazing,
        comment: None,
        locked: false,
        after_reopen: true,
    }
}

fn expected() -> Value {
    json!({
        "request_id": "r1", "workspace_id": "w1", "conversation_id": "c1", "customer": {"kind": "lead", "id": "u1"},
        "teammate_id": "Zoë", "channel": "email", "requested_at": "2026-03-02T09:00:00+00:00",
        "first_rated_at": "2026-03-02T09:01:00+00:00", "submitted_at": "2026-03-02T09:02:00.250000+00:00", "revision": 2,
        "previous_reaction": "bad", "reaction": "amazing", "comment": null, "locked": false, "after_reopen": true,
    })
}

#[test]
fn python_reads_single_object_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let card = TeammateScorecard {
        workspace_id: "w1".to_owned(),
        teammate_id: "t1".to_owned(),
        day: "2026-03-01".to_owned(),
        requests: 1,
        requests_answered: 2,
        terrible: 3,
        bad: 4,
        ok: 5,
        great: 6,
        amazing: 7,
        comments: 8,
        revision: 9,
    };
    let rating = hex(&submitted(), Framing::SingleObject);
    let card = hex(&card, Framing::SingleObject);
    // A schema that nobody has, a registry that nobody told of, and no frame at all.
    let strange = format!("c3010000000000000000{}", &rating[20..]);
    let found = decoded(
        &folder,
        "",
        &[&strange, "0000000001", "7b7d", &rating, &card],
    );
    let refused = [
        "no .avsc file has the fingerprint 0000000000000000",
        "with a registry; found 0000",
        "with a registry; found 7b7d",
    ];
    for (found, words) in found.iter().zip(refused) {
        let says = found.as_str().is_some_and(|text| text.contains(words));
        assert!(says, "expected {words:?}, found {found}");
    }
    assert_eq!(found[3], expected());
    assert_eq!(
        [&found[4]["day"], &found[4]["revision"]],
        [&json!("2026-03-01"), &json!(9)]
    );
}

#[test]
fn python_reads_the_wire_format_of_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    // Files in the place of a registry: the same paths, and the same answers.
    let ids = folder.path().join("schemas/ids");
    fs::create_dir_all(&ids).unwrap();
    let schema = json!({"schema": RecordKind::RatingSubmitted.schema_text()});
    fs::write(ids.join("258"), schema.to_string()).unwrap();
    let registry = format!("file://{}", folder.path().display());
    let value = hex(&submitted(), Framing::Confluent(258));
    assert_eq!(decoded(&folder, &registry, &[&value]), [expected()]);
}
