//! Traces: what a receiver that decodes with OpenTelemetry's own classes is told of facts, from their append to the
//! scorecard, and that nothing depends on it.

use std::time::{Duration, Instant};

use afterword_log::{Batch, Log, Offset, Partition, Topic};
use serde_json::{Value, json};

use crate::closes::{asked, now_ms, reaction};
use crate::peers::{Peer, free_port, trace_receiver};
use crate::place::Place;
use crate::service::Service;

const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SENDER: &str = "b7ad6b7169203331";
const TRACEPARENT: &str = "traceparent";

fn place() -> Place {
    Place::new().with("log.partitions", 1)
}

/// A place whose spans go to this port.
fn traced(port: u16) -> Place {
    let endpoint = format!("http://127.0.0.1:{port}");
    place()
        .with("telemetry.otlp_endpoint", endpoint)
        .with("telemetry.otlp_headers", "x-key=whisper")
}

fn receiver(place: &Place, port: u16) -> Peer {
    trace_receiver(port, &place.file("spans"))
}

fn header(flags: &str) -> String {
    format!("00-{TRACE}-{SENDER}-{flags}")
}

/// What a span says under this name.
fn said<'a>(span: &'a Value, name: &str) -> &'a str {
    span[name].as_str().unwrap()
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn of_trace(spans: &[Value], trace: &str) -> Vec<Value> {
    let of_it = spans.iter().filter(|span| span["trace"] == trace);
    of_it.cloned().collect()
}

/// The one span of this name at this offset of its topic.
fn at<'a>(spans: &'a [Value], name: &str, offset: u64) -> &'a Value {
    let found: Vec<_> = named(spans, name)
        .into_iter()
        .filter(|span| span["attributes"]["afterword.offset"] == offset)
        .collect();
    assert_eq!(found.len(), 1, "{name} at {offset}: {spans:#?}");
    found[0]
}

/// The headers of a topic's records, in the log itself.
fn headers(place: &Place, topic: Topic) -> Vec<Vec<String>> {
    let log = place.log();
    let mut batch = Batch::default();
    log.read(topic, Partition(0), Offset(0), 1 << 20, &mut batch)
        .unwrap();
    let of_record = |record: afterword_log::RecordRef<'_>| {
        let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        let headers = record.headers;
        headers
            .map(|(name, value)| format!("{name}: {}", text(value)))
            .collect()
    };
    let read = batch.iter().map(of_record).collect();
    log.close().unwrap();
    read
}

fn proven(place: &Place) {
    let verified = place.must(&["verify"]);
    assert!(!verified.is_empty());
}

/// A span of each step, one below the other, and each of the time that its step took.
fn follows(spans: &[Value], offset: u64, output: (&str, u64)) {
    let appended = at(spans, "append conversation-events", offset);
    let decided = at(spans, "decide conversation-events", offset);
    let projected = at(spans, &format!("project {}", output.0), output.1);
    for (above, below) in [(appended, decided), (decided, projected)] {
        assert_eq!(below["parent"], above["span"], "{below:#?}");
        assert_eq!(below["trace"], above["trace"]);
    }
    let events = |span: &Value| -> Vec<Value> {
        let events = span["events"].as_array().unwrap().iter();
        events.map(|event| event[0].clone()).collect()
    };
    assert_eq!(events(decided), ["folded", "committed"]);
    assert_eq!(events(projected), ["committed", "published"]);
    for span in [appended, decided, projected] {
        let (start, end) = (span["start_ns"].as_u64(), span["end_ns"].as_u64());
        assert!(start.unwrap() > 0 && start <= end, "{span:#?}");
    }
    let (committed, read) = (decided["end_ns"].as_u64(), projected["start_ns"].as_u64());
    let spread = committed.unwrap().abs_diff(read.unwrap());
    assert!(spread < PATIENCE.as_nanos() as u64, "{spread} ns");
}

#[test]
fn a_fact_is_followed_from_its_append_to_the_scorecard() {
    let port = free_port();
    let place = traced(port);
    let receiver = receiver(&place, port);
    let service = place.serve(&[]);
    let sent = header("01");
    service.post_with(
        &asked("w1", "c1", "u-anna", "messenger", now_ms()),
        (TRACEPARENT, &sent),
    );
    service.wait_until_folded(4, PATIENCE);
    service.post(&reaction("w1", "c1", "u-anna", "great", now_ms()));
    // Four facts with two outputs, one fact with one output.
    let spans = receiver.wait_for(4 + 4 + 2 + 3);
    assert_eq!(spans.len(), 13);

    let of_sender = of_trace(&spans, TRACE);
    assert_eq!(of_sender.len(), 10);
    for appended in named(&of_sender, "append conversation-events") {
        assert_eq!(said(appended, "parent"), SENDER);
        assert_eq!(said(appended, "kind"), "SPAN_KIND_PRODUCER");
    }
    follows(&of_sender, 3, ("eligibility-decided", 0));
    follows(&of_sender, 3, ("rating-requested", 0));
    let rated: Vec<Value> = spans
        .iter()
        .filter(|span| span["trace"] != TRACE)
        .cloned()
        .collect();
    follows(&rated, 4, ("rating-submitted", 0));
    assert_eq!(
        said(at(&rated, "append conversation-events", 4), "parent"),
        ""
    );

    let decided = at(&of_sender, "decide conversation-events", 3);
    assert_eq!(
        decided["attributes"],
        json!({
            "messaging.system": "afterword",
            "messaging.operation.name": "decide",
            "messaging.operation.type": "process",
            "messaging.destination.name": "conversation-events",
            "messaging.destination.partition.id": "0",
            "messaging.message.conversation_id": "c1",
            "afterword.offset": 3,
            "afterword.outputs": ["eligibility-decided", "rating-requested"],
        })
    );
    let request = &decided["request"];
    assert_eq!(request["path"], "/v1/traces");
    assert_eq!(request["headers"]["content-type"], "application/x-protobuf");
    assert_eq!(request["headers"]["x-key"], "whisper");
    assert_eq!(decided["resource"]["service.name"], "afterword");
    assert_eq!(
        (&decided["scope"], &decided["flags"]),
        (&"afterword".into(), &1.into())
    );
    // Neither texts nor customers.
    let all = format!("{spans:?}");
    for secret in ["u-anna", "yyyy", "xxxx", "great"] {
        assert!(!all.contains(secret), "{secret}");
    }
    service.wait_for("all to be counted", PATIENCE, |service| {
        service.metric("afterword_spans_exported_total") == Some(13.0)
    });
    assert_eq!(service.metric("afterword_spans_dropped_total"), Some(0.0));
    assert_eq!(service.times_said("whisper"), 0);
    assert!(service.stop().success());
    proven(&place);
}

#[test]
fn a_stop_sends_what_is_left_and_a_senders_word_counts() {
    let port = free_port();
    let place = traced(port).with("telemetry.sample_ratio", 0);
    let receiver = receiver(&place, port);
    let service = place.serve(&[]);
    let facts = |conversation: &str| asked("w1", conversation, "u1", "messenger", now_ms());
    service.post(&facts("c1"));
    let uppercase = header("01").to_uppercase();
    service.post_with(&facts("c2"), (TRACEPARENT, &uppercase));
    service.post_with(&facts("c3"), (TRACEPARENT, &header("00")));
    service.post_with(&facts("c4"), (TRACEPARENT, &header("01")));
    service.wait_until_folded(16, PATIENCE);
    // At once, before a batch is due: what is gathered goes out with the end.
    assert!(service.stop().success());
    let spans = receiver.taken();
    assert!(spans.len() >= 8, "{spans:#?}");
    for span in &spans {
        assert_eq!(said(span, "trace"), TRACE);
        let attributes = &span["attributes"];
        assert_eq!(attributes["messaging.message.conversation_id"], "c4");
    }
    let facts = headers(&place, Topic::ConversationEvents);
    let traces = |records: &[Vec<String>]| -> Vec<usize> {
        let lengths = records.iter().map(Vec::len);
        lengths.collect()
    };
    assert_eq!(traces(&facts), [[0; 12].as_slice(), &[1; 4]].concat());
    let decisions = headers(&place, Topic::EligibilityDecided);
    assert_eq!(traces(&decisions), [2, 2, 2, 3]);
    // Outputs have what their fact has.
    assert_eq!(decisions[3][2], facts[15][0]);
    proven(&place);
}

#[test]
fn commands_that_write_the_log_themselves_trace_too() {
    let port = free_port();
    let place = traced(port);
    let receiver = receiver(&place, port);
    let facts = asked("w1", "c1", "u1", "messenger", now_ms());
    place.import(&place.write("facts.ndjson", facts));
    assert_eq!(receiver.wait_for(4).len(), 4);
    place.drain();
    let spans = receiver.wait_for(10);
    let closed = at(&spans, "append conversation-events", 3);
    follows(
        &of_trace(&spans, said(closed, "trace")),
        3,
        ("rating-requested", 0),
    );
    proven(&place);
}

/// Without configuration nothing is added to any record, whatever is asked for.
#[test]
fn what_is_off_leaves_nothing() {
    let place = place();
    let service = place.serve(&[]);
    let facts = asked("w1", "c1", "u1", "messenger", now_ms());
    service.post_with(&facts, (TRACEPARENT, &header("01")));
    service.wait_until_folded(4, PATIENCE);
    assert_eq!(service.metric("afterword_spans_exported_total"), Some(0.0));
    assert!(service.stop().success());
    for record in headers(&place, Topic::ConversationEvents) {
        assert_eq!(record, Vec::<String>::new());
    }
    let decided = headers(&place, Topic::EligibilityDecided);
    assert_eq!(
        decided,
        [[
            "afterword-source: conversation-events/0/3",
            "afterword-index: 0"
        ]]
    );
}

/// Posts conversations until so many facts are folded.
fn busy(service: &Service, conversations: u64) {
    for number in 0..conversations {
        let conversation = format!("c{number}");
        let posted = service.post(&asked("w1", &conversation, "u1", "messenger", now_ms()));
        assert_eq!(posted.status, 200);
    }
    service.wait_until_folded(4 * conversations, PATIENCE);
}

/// Spans that cannot be sent are not waited for longer than the documents say, by far.
fn stops_soon(service: Service) {
    let began = Instant::now();
    assert!(service.stop().success());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_receiver_that_is_away_impedes_nothing() {
    let place = traced(free_port());
    let service = place.serve(&[]);
    busy(&service, 20);
    service.wait_for("spans to be dropped", PATIENCE, |service| {
        service
            .metric("afterword_spans_dropped_total")
            .is_some_and(|dropped| dropped > 0.0)
    });
    assert_eq!(service.metric("afterword_spans_exported_total"), Some(0.0));
    service.wait_until_ready(PATIENCE);
    assert_eq!(service.times_said("spans cannot be exported"), 1);
    assert_eq!(service.times_said("whisper"), 0);
    stops_soon(service);
    proven(&place);
}

/// A receiver that takes connections and never says a word.
#[test]
fn a_silent_receiver_delays_a_stop_by_seconds_at_most() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = traced(listener.local_addr().unwrap().port());
    let service = place.serve(&[]);
    busy(&service, 20);
    service.wait_until_ready(PATIENCE);
    stops_soon(service);
    proven(&place);
}

#[test]
fn what_was_traced_is_proven_after_a_crash() {
    let port = free_port();
    let place = traced(port);
    let receiver = receiver(&place, port);
    let mut service = place.serve(&[]);
    for number in 0..30 {
        let conversation = format!("c{number}");
        service.post(&asked("w1", &conversation, "u1", "messenger", now_ms()));
    }
    service.process().kill();
    // Whoever comes next need not trace: outputs are those of the log.
    let untraced = place.serve(&[
        "--set",
        "telemetry.otlp_endpoint=",
        "--set",
        "telemetry.otlp_headers=",
    ]);
    untraced.wait_until_ready(PATIENCE);
    let closed = |service: &Service| service.metric("afterword_lag_facts") == Some(0.0);
    untraced.wait_for("all to be folded", PATIENCE, closed);
    assert!(untraced.stop().success());
    proven(&place);
    let decided = headers(&place, Topic::EligibilityDecided);
    assert_eq!(decided.len(), 30);
    assert!(
        decided
            .iter()
            .all(|headers| headers[2].starts_with("traceparent: 00-"))
    );
    drop(receiver);
}
