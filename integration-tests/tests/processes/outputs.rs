//! What stands in a log after the processes are gone, and what should.

use std::collections::{BTreeMap, BTreeSet};

use afterword_integration_tests::model::{DEFAULT_THRESHOLDS, NaiveFold, OwnedFact};
use afterword_log::{
    Batch, EmbeddedLog, INDEX_HEADER, Log, Offset, Partition, Record, SOURCE_HEADER, Topic,
};
use afterword_schemas::records::{Output, WorkspaceSettings};
use afterword_schemas::{Decoded, SchemaStore, json};

/// The topics of what is decided.
pub const TOPICS: [Topic; 4] = [
    Topic::EligibilityDecided,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::AnswerRefused,
];

/// Workspace and conversation.
pub type Conversation = (String, String);

/// Everything that was decided about each conversation, topic by topic, in order.
pub type Story = BTreeMap<(Conversation, Topic), Vec<Output>>;

/// One output with the headers by which a consumer tells a repetition.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced {
    pub topic: Topic,
    /// Topic, partition and offset of the fact.
    pub source: String,
    pub index: String,
    pub output: Output,
}

/// Calls back with every record of a partition from this offset on; returns the end.
pub fn each(
    log: &EmbeddedLog,
    topic: Topic,
    partition: Partition,
    from: Offset,
    mut take: impl FnMut(Offset, Record),
) -> Offset {
    let (mut from, mut batch) = (from, Batch::default());
    loop {
        log.read(topic, partition, from, 4 << 20, &mut batch)
            .unwrap();
        let Some(next) = batch.next() else {
            return from;
        };
        for record in batch.iter() {
            take(record.offset, record.to_record());
        }
        from = next;
    }
}

/// The partitions of a topic.
pub fn partitions(log: &EmbeddedLog, topic: Topic) -> impl Iterator<Item = Partition> + use<> {
    (0..log.partitions(topic)).map(Partition)
}

/// Every output of the log, partition by partition, topic by topic.
pub fn outputs(log: &EmbeddedLog) -> Vec<Sourced> {
    let store = SchemaStore::new();
    let mut found = Vec::new();
    for topic in TOPICS {
        for partition in partitions(log, topic) {
            each(log, topic, partition, Offset(0), |_, record| {
                found.push(sourced(&store, topic, &record))
            });
        }
    }
    found
}

fn sourced(store: &SchemaStore, topic: Topic, record: &Record) -> Sourced {
    let value = record.value.as_deref().expect("an output has a value");
    let output = match topic {
        Topic::EligibilityDecided => Output::EligibilityDecided(store.decode(value).unwrap()),
        Topic::RatingRequested => Output::RatingRequested(store.decode(value).unwrap()),
        Topic::RatingSubmitted => Output::RatingSubmitted(store.decode(value).unwrap()),
        Topic::AnswerRefused => Output::AnswerRefused(store.decode(value).unwrap()),
        other => panic!("{other} is no topic of outputs"),
    };
    let key = conversation_of(&output).1;
    assert_eq!(
        record.key.as_deref(),
        Some(key.as_bytes()),
        "the key of a record of {topic}"
    );
    let header = |name: &str| {
        let found = record.headers.iter().find(|(found, _)| found == name);
        let value = found
            .and_then(|(_, value)| value.clone())
            .unwrap_or_else(|| panic!("{topic}: no header {name}"));
        String::from_utf8(value).unwrap()
    };
    Sourced {
        topic,
        source: header(SOURCE_HEADER),
        index: header(INDEX_HEADER),
        output,
    }
}

/// What an output is about.
pub fn conversation_of(output: &Output) -> Conversation {
    let (workspace, conversation) = match output {
        Output::EligibilityDecided(decided) => (&decided.workspace_id, &decided.conversation_id),
        Output::RatingRequested(requested) => (&requested.workspace_id, &requested.conversation_id),
        Output::RatingSubmitted(submitted) => (&submitted.workspace_id, &submitted.conversation_id),
        Output::AnswerRefused(refused) => (&refused.workspace_id, &refused.conversation_id),
    };
    (workspace.clone(), conversation.clone())
}

fn topic_of(output: &Output) -> Topic {
    match output {
        Output::EligibilityDecided(_) => Topic::EligibilityDecided,
        Output::RatingRequested(_) => Topic::RatingRequested,
        Output::RatingSubmitted(_) => Topic::RatingSubmitted,
        Output::AnswerRefused(_) => Topic::AnswerRefused,
    }
}

/// The outputs by conversation, without where they came from.
pub fn story<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> Story {
    let mut story = Story::new();
    for output in outputs {
        story
            .entry((conversation_of(output), topic_of(output)))
            .or_default()
            .push(output.clone());
    }
    story
}

/// What the naive model says of these facts, one list a fact.
pub fn modelled<'a>(
    facts: impl IntoIterator<Item = &'a OwnedFact>,
    settings: &[WorkspaceSettings],
) -> Vec<Vec<Output>> {
    let mut fold = NaiveFold::new(DEFAULT_THRESHOLDS);
    for version in settings {
        assert!(fold.learn(version));
    }
    facts
        .into_iter()
        .map(|fact| fold.fold(fact).outputs)
        .collect()
}

/// The facts of a log with their places, as they were appended.
pub fn facts(log: &EmbeddedLog) -> Vec<(Partition, Offset, OwnedFact)> {
    let mut found = Vec::new();
    for partition in partitions(log, Topic::ConversationEvents) {
        each(
            log,
            Topic::ConversationEvents,
            partition,
            Offset(0),
            |offset, record| {
                if let Some(fact) = fact_of(&record) {
                    found.push((partition, offset, fact));
                }
            },
        );
    }
    found
}

/// The fact that a record is, if it is one: decodable, within the limits, and under its conversation's key.
pub fn fact_of(record: &Record) -> Option<OwnedFact> {
    thread_local!(static STORE: SchemaStore = SchemaStore::new());
    STORE.with(|store| match store.decode_fact(record.value.as_deref()?) {
        Ok(Decoded::Fact(fact))
            if record.key.as_deref() == Some(fact.conversation_id.as_bytes()) =>
        {
            Some(OwnedFact::from(fact))
        }
        _ => None,
    })
}

/// What is wrong with a log: each output must be what the model says of the very facts that stand there, from the very
/// place of its fact, and must stand there once.
pub fn violations(log: &EmbeddedLog, settings: &[WorkspaceSettings]) -> Vec<String> {
    let facts = facts(log);
    let modelled = modelled(facts.iter().map(|(_, _, fact)| fact), settings);
    let mut expected = BTreeMap::new();
    for ((partition, offset, _), outputs) in facts.iter().zip(modelled) {
        for (index, output) in outputs.into_iter().enumerate() {
            let source = format!("{}/{partition}/{offset}", Topic::ConversationEvents);
            expected.insert((source, index.to_string()), output);
        }
    }
    let mut violations = Vec::new();
    let mut seen = BTreeSet::new();
    for found in outputs(log) {
        let key = (found.source.clone(), found.index.clone());
        if !seen.insert(key.clone()) {
            violations.push(format!("twice: {found:?}"));
        }
        match expected.get(&key) {
            Some(output) if *output == found.output => {}
            other => violations.push(format!("expected {other:?}, found {found:?}")),
        }
    }
    let missing = expected.iter().filter(|(key, _)| !seen.contains(*key));
    violations.extend(missing.map(|(key, output)| format!("missing: {output:?} of {key:?}")));
    violations
}

/// Where two stories part: the first few places.
pub fn differences(expected: &Story, found: &Story) -> Vec<String> {
    let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let parted = keys
        .into_iter()
        .filter(|key| expected.get(*key) != found.get(*key));
    parted
        .map(|key| {
            format!(
                "{key:?}:\n  expected {:?}\n  found    {:?}",
                expected.get(key),
                found.get(key)
            )
        })
        .collect()
}

/// A fact as a line of NDJSON, with its line feed.
pub fn line_of(fact: &OwnedFact) -> String {
    let mut line = Vec::new();
    json::write(&fact.as_event(), None, &mut line);
    line.push(b'\n');
    String::from_utf8(line).unwrap()
}

/// The facts of NDJSON; every line has to be one.
pub fn parse_lines(text: &str) -> Vec<OwnedFact> {
    let parse = |line: &str| match json::parse_fact(line.as_bytes()).unwrap() {
        json::ParsedFact::Fact { fact, .. } => OwnedFact::from(fact.as_event()),
        json::ParsedFact::PassedOver(what) => panic!("{what}: {line}"),
    };
    text.lines().map(parse).collect()
}

/// A version of settings as a line of NDJSON.
pub fn settings_line(settings: &WorkspaceSettings) -> String {
    let mut line = Vec::new();
    json::write(settings, None, &mut line);
    line.push(b'\n');
    String::from_utf8(line).unwrap()
}

#[test]
fn what_is_there_twice_or_not_at_all_is_noticed() {
    let place = crate::place::Place::new();
    place.import(&place.write("facts.ndjson", include_str!("by_hand.facts.ndjson")));
    place.drain();
    let log = place.log();
    assert_eq!(violations(&log, &[]), Vec::<String>::new());
    let (topic, mut first) = (Topic::RatingRequested, None);
    for partition in partitions(&log, topic) {
        each(&log, topic, partition, Offset(0), |_, record| {
            first = first.take().or(Some((partition, record)))
        });
    }
    log.append(topic, vec![first.unwrap()]).unwrap();
    let found = violations(&log, &[]);
    assert!(
        found.len() == 1 && found[0].starts_with("twice"),
        "{found:?}"
    );
    log.close().unwrap();
    // A close that nobody has folded yet.
    let unfolded = include_str!("by_hand.facts.ndjson")
        .lines()
        .find(|line| line.contains("\"e403\""))
        .unwrap();
    place.import(&place.write("more.ndjson", unfolded.replace("\"c4\"", "\"c44\"")));
    let found = violations(&place.log(), &[]);
    assert!(
        found
            .iter()
            .any(|violation| violation.starts_with("missing")),
        "{found:?}"
    );
}
