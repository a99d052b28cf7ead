//! The rules' scenarios through the engine: the same text files that the fold runs, on the embedded log and on the simulated
//! one, each fact and each version of settings a record, each output read back from its topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use afterword_domain::scenario::{Checker, Scenario, SettingsOutcome, Step, load};
use afterword_engine::{EngineMetrics, Progress, Task, TaskOptions, dead};
use afterword_log::simulated::{Faults, SimulatedLog};
use afterword_log::{
    Batch, Durability, EmbeddedLog, EmbeddedOptions, INDEX_HEADER, Log, Offset, Partition,
    PartitionLog, Record, Topic,
};
use afterword_schemas::records::{
    Actor, ActorKind, ConversationEvent, Output, Payload, Timestamp, WorkspaceSettings,
};
use afterword_schemas::{Framing, SchemaStore, Schemas, encode};

const PARTITION: Partition = Partition(0);
const OUTPUTS: [Topic; 4] = [
    Topic::EligibilityDecided,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::AnswerRefused,
];

/// A log and its one task; how much of each topic has been looked at.
struct Bench<'a, L> {
    task: Task<L>,
    schemas: SchemaStore,
    append: &'a dyn Fn(Topic, Record),
    read: &'a dyn Fn(Topic, usize) -> Vec<Record>,
    seen: BTreeMap<Topic, usize>,
}

impl<'a, L: PartitionLog> Bench<'a, L> {
    fn new(
        log: L,
        debt_facts: u64,
        append: &'a dyn Fn(Topic, Record),
        read: &'a dyn Fn(Topic, usize) -> Vec<Record>,
    ) -> Self {
        let metrics = EngineMetrics::new(&prometheus::Registry::new());
        let metrics = metrics.expect("a new registry has no names taken");
        let options = TaskOptions {
            debt_facts,
            ..TaskOptions::default()
        };
        let mut task = Task::new(log, options, Arc::new(Schemas::new()), metrics);
        task.recover().expect("an empty log recovers");
        Bench {
            task,
            schemas: SchemaStore::new(),
            append,
            read,
            seen: BTreeMap::new(),
        }
    }

    fn settle(&mut self) {
        while self.task.step(Duration::ZERO, Duration::ZERO) != Ok(Progress::Idle) {}
    }

    fn new_records(&mut self, topic: Topic) -> Vec<Record> {
        let seen = self.seen.entry(topic).or_default();
        let records = (self.read)(topic, *seen);
        *seen += records.len();
        records
    }

    fn new_outputs(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for topic in OUTPUTS {
            for record in self.new_records(topic) {
                outputs.push((header(&record, INDEX_HEADER), self.decode(topic, &record)));
            }
        }
        outputs.sort_by(|(one, _), (other, _)| one.cmp(other));
        outputs.into_iter().map(|(_, output)| output).collect()
    }

    fn decode(&self, topic: Topic, record: &Record) -> Output {
        let value = record.value.as_deref().unwrap_or_default();
        let output = match topic {
            Topic::EligibilityDecided => self.schemas.decode(value).map(Output::EligibilityDecided),
            Topic::RatingRequested => self.schemas.decode(value).map(Output::RatingRequested),
            Topic::RatingSubmitted => self.schemas.decode(value).map(Output::RatingSubmitted),
            _ => self.schemas.decode(value).map(Output::AnswerRefused),
        };
        output.expect("an output decodes")
    }

    fn run(&mut self, scenario: &Scenario) -> Result<(), String> {
        let mut checker = Checker::new(scenario);
        for step in &scenario.steps {
            let mut value = Vec::new();
            match step {
                Step::Settings(step) => {
                    encode(&step.settings, Framing::SingleObject, &mut value);
                    let key = format!("{}/{}", step.settings.workspace_id, step.settings.version);
                    (self.append)(Topic::WorkspaceSettings, Record::new(key, value, 0));
                    self.settle();
                    let refused = self.new_records(Topic::DeadLetters);
                    let topics: Vec<String> = refused
                        .iter()
                        .map(|letter| header(letter, dead::TOPIC))
                        .collect();
                    let expected = match step.expected {
                        SettingsOutcome::Refused => {
                            vec![Topic::WorkspaceSettings.name().to_owned()]
                        }
                        SettingsOutcome::New | SettingsOutcome::Repeated => Vec::new(),
                    };
                    if topics != expected {
                        let place = (&scenario.file, step.line);
                        return Err(format!(
                            "{place:?}: dead letters of {topics:?}, expected {expected:?}"
                        ));
                    }
                }
                Step::Fact(step) => {
                    encode(&step.fact.as_event(), Framing::SingleObject, &mut value);
                    let key = step.fact.conversation_id.as_bytes();
                    (self.append)(Topic::ConversationEvents, Record::new(key, value, 0));
                    self.settle();
                    let outputs = self.new_outputs();
                    checker
                        .check(step, &outputs)
                        .map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }

    fn run_all(&mut self) {
        let scenarios = load(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../processor/domain/scenarios"
        ));
        let failures: Vec<String> = scenarios
            .iter()
            .filter_map(|scenario| self.run(scenario).err())
            .collect();
        assert!(
            failures.is_empty(),
            "{} failed\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(
            scenarios.len() > 200,
            "only {} scenarios were found",
            scenarios.len()
        );
    }
}

fn header(record: &Record, name: &str) -> String {
    let found = record.headers.iter().find(|(header, _)| header == name);
    let value = found.and_then(|(_, value)| value.as_deref());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

#[test]
fn every_scenario_holds_on_the_embedded_log() {
    for debt_facts in [0, 1_000_000] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = EmbeddedOptions {
            partitions: Some(1),
            durability: Durability::Unsynced,
            ..EmbeddedOptions::default()
        };
        let log = EmbeddedLog::open(directory.path(), options).expect("the log opens");
        let append = |topic: Topic, record: Record| {
            log.append(topic, vec![(PARTITION, record)])
                .expect("appended");
        };
        let read = |topic: Topic, from: usize| {
            let mut next = Offset(from as u64);
            let (mut records, mut batch) = (Vec::new(), Batch::default());
            loop {
                log.read(topic, PARTITION, next, 1 << 20, &mut batch)
                    .expect("readable");
                let Some(after) = batch.next() else {
                    return records;
                };
                records.extend(batch.iter().map(|record| record.to_record()));
                next = after;
            }
        };
        Bench::new(log.task(PARTITION), debt_facts, &append, &read).run_all();
    }
}

#[test]
fn every_scenario_holds_on_the_simulated_log() {
    let log = SimulatedLog::new(0, Faults::none(), None);
    let append = |topic: Topic, record: Record| {
        log.append(topic, PARTITION, record);
    };
    let read = |topic: Topic, from: usize| log.records(topic, PARTITION).split_off(from);
    Bench::new(log.task(PARTITION), 7, &append, &read).run_all();
}

/// Settings that were put before a fact came must judge it, also when a crash left states that are owed.
#[test]
fn settings_put_after_a_crash_judge_the_facts_after_them() {
    let log = SimulatedLog::new(0, Faults::none(), None);
    let append = |topic: Topic, record: Record| {
        log.append(topic, PARTITION, record);
    };
    let read = |topic: Topic, from: usize| log.records(topic, PARTITION).split_off(from);
    let close = |number: i64| {
        let (event_id, conversation_id) = (format!("e{number}"), format!("c{number}"));
        let event = ConversationEvent {
            event_id: &event_id,
            workspace_id: "w1",
            conversation_id: &conversation_id,
            occurred_at: Timestamp(1_000 + number),
            payload: Payload::ConversationClosed {
                by: Actor {
                    kind: ActorKind::Teammate,
                    id: "t1",
                },
            },
        };
        let mut value = Vec::new();
        encode(&event, Framing::SingleObject, &mut value);
        append(
            Topic::ConversationEvents,
            Record::new(conversation_id.as_bytes(), value, 0),
        );
    };
    (0..5).for_each(close);
    // Dropped with its debt: a crash.
    Bench::new(log.task(PARTITION), 1_000, &append, &read).settle();
    let settings = WorkspaceSettings {
        workspace_id: "w1".to_owned(),
        version: 7,
        effective_from: Timestamp(0),
        live_for_users: false,
        live_for_leads: false,
        plan_includes_ratings: true,
        time_zone: "UTC".to_owned(),
        target: None,
        teammate_targets: BTreeMap::new(),
    };
    let mut value = Vec::new();
    encode(&settings, Framing::SingleObject, &mut value);
    append(Topic::WorkspaceSettings, Record::new("w1/7", value, 0));
    (5..10).for_each(close);
    let mut bench = Bench::new(log.task(PARTITION), 1_000, &append, &read);
    bench.settle();
    let versions = bench.new_outputs().into_iter().map(|output| match output {
        Output::EligibilityDecided(decided) => (decided.conversation_id, decided.settings_version),
        other => panic!("expected decisions alone, found {other:?}"),
    });
    let versions: BTreeMap<String, i64> = versions.collect();
    let expected = (0..10).map(|number| (format!("c{number}"), if number < 5 { 0 } else { 7 }));
    assert_eq!(versions, expected.collect());
}
