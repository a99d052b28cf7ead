//! The program and a real schema registry (Apicurio): schemas registered and compared, facts of strangers read, and what
//! happens while the registry hangs.

use std::time::{Duration, Instant};

use afterword_integration_tests::kafka::Registry;
use afterword_log::{Batch, Log, Offset, Partition, Record, Topic};
use afterword_schemas::json::{ParsedFact, parse_fact};
use afterword_schemas::{Framing, RecordKind, encode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::place::Place;

const FOLDED: Duration = Duration::from_secs(60);
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Somebody else who uses the registry; returns the status and the answer.
fn stranger(registry: &Registry, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", registry.url()))
        .header("content-type", CONTENT_TYPE)
        .body(body.to_string())
        .unwrap();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .allow_non_standard_methods(true)
        .build();
    let mut answer = ureq::Agent::new_with_config(config).run(request).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_str(&text).unwrap_or_default(),
    )
}

fn post_schema(registry: &Registry, subject: &str, schema: &str) -> (u16, Value) {
    let path = format!("/subjects/{subject}/versions");
    stranger(registry, "POST", &path, &json!({ "schema": schema }))
}

/// Our schema of facts with a field more.
fn facts_with(field: &str) -> String {
    let ours = RecordKind::ConversationEvent.schema_text();
    let first = r#"{"name": "event_id""#;
    assert!(ours.contains(first));
    ours.replacen(first, &format!("{field}, {first}"), 1)
}

fn listed(place: &Place, command: &str) -> Value {
    let printed = place.run(&["schemas", command, "--json"]).stdout;
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn ids(list: &Value) -> Vec<Option<u64>> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["id"].as_u64()).collect()
}

/// A fact of a writer whose schema has this id, its own field's bytes at the front. `None` for what we know no kind of.
fn record_of_a_stranger(line: &str, id: u32, field: &[u8]) -> Option<Record> {
    let ParsedFact::Fact { fact, .. } = parse_fact(line.as_bytes()).unwrap() else {
        return None;
    };
    let (event, mut value) = (fact.as_event(), Vec::new());
    encode(&event, Framing::Confluent(id), &mut value);
    let value = [&value[..5], field, &value[5..]].concat();
    Some(Record::new(event.conversation_id, value, 0))
}

/// What is on a topic, byte for byte, of all partitions.
fn values(log: &dyn Log, topic: Topic) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for partition in (0..log.partitions(topic)).map(Partition) {
        let mut batch = Batch::default();
        log.read(topic, partition, Offset(0), 64 << 20, &mut batch)
            .unwrap();
        values.extend(batch.iter().map(|record| record.value.unwrap().to_vec()));
    }
    values
}

#[test]
fn schemas_are_registered_once_and_what_breaks_readers_is_refused() {
    let registry = Registry::start();
    let place = Place::new().with("schema_registry.url", registry.url());
    let missing = place.run(&["schemas", "check"]);
    assert_eq!(missing.status.code(), Some(1), "{}", missing.stdout);
    assert_eq!(missing.stdout.matches("is not registered").count(), 7);

    // A subject that holds something else is left as it is, and named.
    let other = r#"{"type":"record","name":"Other","fields":[{"name":"x","type":"int"}]}"#;
    assert_eq!(
        post_schema(&registry, "rating-requested-value", other).0,
        200
    );
    let refused = place.run(&["schemas", "register"]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("1 refused: rating-requested-value"),
        "{}",
        refused.stderr
    );
    let subject = "/subjects/rating-requested-value";
    assert_eq!(stranger(&registry, "DELETE", subject, &Value::Null).0, 200);

    let first = listed(&place, "register");
    assert!(ids(&first).iter().all(Option::is_some), "{first}");
    let again = listed(&place, "register");
    assert_eq!(ids(&again), ids(&first));
    assert!(
        again
            .as_array()
            .unwrap()
            .iter()
            .all(|one| { one["schema"] == "there already" && one["rule"] == "FULL_TRANSITIVE" }),
        "{again}"
    );
    place.must(&["schemas", "check"]);

    // A stranger may add a field that has a default, and may not add one that has none, nor a kind of payload.
    let facts = "conversation-events-value";
    let required = facts_with(r#"{"name": "tenant", "type": "string"}"#);
    let (status, answer) = post_schema(&registry, facts, &required);
    assert_eq!(status, 409, "{answer}");
    let optional = facts_with(r#"{"name": "tenant", "type": "string", "default": ""}"#);
    assert_eq!(post_schema(&registry, facts, &optional).0, 200);
    let compatible = listed(&place, "check");
    assert_eq!(compatible[0]["state"], "compatible", "{compatible}");
    place.must(&["schemas", "check"]);

    // Somebody relaxes the rule and registers what readers of ours cannot read.
    let rule = json!({ "compatibility": "NONE" });
    let path = format!("/config/{facts}");
    assert_eq!(stranger(&registry, "PUT", &path, &rule).0, 200);
    let without = RecordKind::ConversationEvent
        .schema_text()
        .replace(r#""event_id""#, r#""identifier""#);
    assert_eq!(post_schema(&registry, facts, &without).0, 200);
    let broken = place.run(&["schemas", "check"]);
    assert_eq!(broken.status.code(), Some(1));
    for words in ["cannot read all", "found NONE", "dead letters", "event_id"] {
        assert!(broken.stdout.contains(words), "{words}: {}", broken.stdout);
    }
}

#[test]
fn facts_of_any_registered_writer_are_read_and_outputs_name_registered_schemas() {
    let registry = Registry::start();
    let place = Place::new()
        .with("schema_registry.url", registry.url())
        .with("log.partitions", 1);
    place.must(&["schemas", "register"]);
    let newer = facts_with(r#"{"name": "tenant", "type": "string", "default": ""}"#);
    let (_, answer) = post_schema(&registry, "conversation-events-value", &newer);
    let id = u32::try_from(answer["id"].as_u64().unwrap()).unwrap();

    let lines: Vec<&str> = include_str!("by_hand.facts.ndjson").lines().collect();
    place.put_settings(&place.write("s.ndjson", include_str!("by_hand.settings.ndjson")));
    let (ours, theirs) = lines.split_at(lines.len() / 2);
    place.import(&place.write("facts.ndjson", ours.join("\n")));
    let log = place.log();
    let records: Vec<_> = theirs
        .iter()
        .filter(|line| !line.trim().is_empty())
        .filter_map(|line| record_of_a_stranger(line, id, b"\x04t1"))
        .map(|record| (Partition(0), record))
        .collect();
    assert!(records.len() > 30);
    log.append(Topic::ConversationEvents, records).unwrap();
    log.close().unwrap();
    drop(log);
    place.drain();

    assert_eq!(place.tail("dead-letters"), Vec::<String>::new());
    for (topic, expected) in [
        (
            "eligibility-decided",
            include_str!("by_hand.eligibility-decided.ndjson"),
        ),
        (
            "rating-submitted",
            include_str!("by_hand.rating-submitted.ndjson"),
        ),
    ] {
        assert_eq!(place.tail(topic).len(), expected.lines().count(), "{topic}");
    }
    assert_eq!(place.tail("conversation-events").len(), 72);
    let explained = place.must(&["explain", "c1", "--workspace", "acme"]);
    assert!(explained.contains("already_requested"), "{explained}");

    let known = listed(&place, "check");
    let log = place.log();
    for (kind, one) in RecordKind::ALL.iter().zip(known.as_array().unwrap()) {
        let topic = Topic::from_name(kind.topic()).unwrap();
        let ours = u32::try_from(one["id"].as_u64().unwrap()).unwrap();
        let found = values(&*log, topic);
        assert!(!found.is_empty(), "{topic}");
        for value in found {
            let named = u32::from_be_bytes(value[1..5].try_into().unwrap());
            assert_eq!(value[0], 0, "{topic}");
            let is_strangers = topic == Topic::ConversationEvents && named == id;
            assert!(named == ours || is_strangers, "{topic}: {named}");
        }
    }
}

#[test]
fn a_registry_that_hangs_is_waited_for() {
    let registry = Registry::start();
    let place = Place::new().with("schema_registry.url", registry.url());
    place.must(&["schemas", "register"]);
    let (ours, theirs) = (
        include_str!("by_hand.facts.ndjson"),
        facts_with(r#"{"name": "tenant", "type": "string", "default": ""}"#),
    );
    let (_, answer) = post_schema(&registry, "conversation-events-value", &theirs);
    let id = u32::try_from(answer["id"].as_u64().unwrap()).unwrap();
    let line = ours.lines().next().unwrap();
    let record = record_of_a_stranger(line, id, b"\x00").unwrap();
    let log = place.log();
    let partitions = log.partitions(Topic::ConversationEvents);
    let partition = afterword_log::partition_for(record.key.as_deref().unwrap(), partitions);
    log.append(Topic::ConversationEvents, vec![(partition, record)])
        .unwrap();
    log.close().unwrap();
    drop(log);

    registry.signal(Signal::STOP);
    let began = Instant::now();
    let file = place.write("facts.ndjson", ours);
    let import = place.run(&["import", file.to_str().unwrap()]);
    assert_eq!(import.status.code(), Some(1));
    assert!(
        import.stderr.contains("expected a schema registry at"),
        "{}",
        import.stderr
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    let service = place.serve(&[]);
    service.wait_for("/readyz to name the registry", FOLDED, |service| {
        let answer = service.get("/readyz");
        answer.is_some_and(|answer| {
            answer.status == 503
                && answer
                    .body
                    .contains("waiting: expected a schema registry at")
        })
    });
    let refused = service.post(ours);
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.retry_after.is_some());

    registry.signal(Signal::CONT);
    service.wait_until_ready(FOLDED);
    assert_eq!(service.post(ours).status, 200);
    service.wait_for("all to be folded", FOLDED, |service| {
        service.metric("afterword_lag_facts") == Some(0.0)
    });
    assert_eq!(service.metric("afterword_dead_letters_total"), Some(0.0));
    assert_eq!(service.stop().code(), Some(0));
}
