//! A task and a schema registry that is away, that comes back, that learns and that forgets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use afterword_engine::{EngineMetrics, Progress, Task, TaskOptions, dead};
use afterword_log::simulated::{Faults, SimulatedLog, SimulatedPartition};
use afterword_log::{LogError, Partition, PartitionLog as _, Record, Topic};
use afterword_schemas::json::{ParsedFact, parse_fact, parse_settings};
use afterword_schemas::records::{EligibilityDecided, WorkspaceSettings};
use afterword_schemas::{
    Framing, RecordKind, SchemaId, SchemaRegistry, SchemaStore, Schemas, Unavailable, encode,
    schema_id,
};

const PARTITION: Partition = Partition(0);
const NOW: Duration = Duration::ZERO;

/// A registry in memory. Its schemas are looked up by id; this build's own have the ids from 100 on.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    schemas: BTreeMap<u32, String>,
    is_away: bool,
}

impl Memory {
    fn put(&self, id: u32, kind: RecordKind) {
        let mut state = self.0.lock().expect("no panic before");
        state.schemas.insert(id, kind.schema_text().to_owned());
    }

    fn forget(&self, id: u32) {
        self.0.lock().expect("no panic before").schemas.remove(&id);
    }

    fn set_away(&self, is_away: bool) {
        self.0.lock().expect("no panic before").is_away = is_away;
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>, Unavailable> {
        let state = self.0.lock().expect("no panic before");
        match state.is_away {
            true => Err(Unavailable("the registry is away".to_owned())),
            false => Ok(state),
        }
    }
}

impl SchemaRegistry for Memory {
    fn schema(&self, id: u32) -> Result<Option<String>, Unavailable> {
        Ok(self.state()?.schemas.get(&id).cloned())
    }

    fn id_of(&self, kind: RecordKind) -> Result<u32, Unavailable> {
        drop(self.state()?);
        Ok(100 + kind as u32)
    }
}

struct Bench {
    log: SimulatedLog,
    registry: Memory,
    task: Task<SimulatedPartition>,
    facts: u32,
}

impl Bench {
    fn new() -> Bench {
        let (log, registry) = (
            SimulatedLog::new(1, Faults::none(), None),
            Memory::default(),
        );
        Bench {
            task: task(&log, &registry),
            log,
            registry,
            facts: 0,
        }
    }

    fn recovered() -> Bench {
        let mut bench = Bench::new();
        bench.task.recover().expect("an empty log recovers");
        bench
    }

    /// A new process in the place of one that was killed.
    fn crash(&mut self) -> Result<(), LogError> {
        self.task = task(&self.log, &self.registry);
        self.task.recover()
    }

    fn fact(&mut self, members: &str, framing: Framing) {
        self.facts += 1;
        let text = format!(
            r#"{{"event_id":"e{}","workspace_id":"w","conversation_id":"c","occurred_at":{},{members}}}"#,
            self.facts, self.facts
        );
        let Ok(ParsedFact::Fact { fact, .. }) = parse_fact(text.as_bytes()) else {
            panic!("expected a fact, found {text}");
        };
        let mut value = Vec::new();
        encode(&fact.as_event(), framing, &mut value);
        self.log.append(
            Topic::ConversationEvents,
            PARTITION,
            Record::new("c", value, 1),
        );
    }

    fn message(&mut self, framing: Framing) {
        self.fact(
            r#""type":"message_added","author":{"kind":"user","id":"u"},"text":"hello""#,
            framing,
        );
    }

    fn close(&mut self) {
        self.fact(
            r#""type":"conversation_closed","by":{"kind":"teammate","id":"t"}"#,
            Framing::SingleObject,
        );
    }

    fn settings(&mut self, framing: Framing) {
        let text = r#"{"workspace_id":"w","version":1,"effective_from":0,"live_for_users":false,"live_for_leads":false,
            "plan_includes_ratings":false,"time_zone":"UTC","target":null,"teammate_targets":{}}"#;
        let settings: WorkspaceSettings =
            parse_settings(text.as_bytes()).expect("settings").settings;
        let mut value = Vec::new();
        encode(&settings, framing, &mut value);
        self.log.append(
            Topic::WorkspaceSettings,
            PARTITION,
            Record::new("w/1", value, 1),
        );
    }

    fn run(&mut self) -> Result<(), LogError> {
        while self.task.step(NOW, Duration::ZERO)? != Progress::Idle {}
        Ok(())
    }

    fn count(&self, topic: Topic) -> usize {
        self.log.records(topic, PARTITION).len()
    }

    fn last_decision(&self) -> EligibilityDecided {
        let records = self.log.records(Topic::EligibilityDecided, PARTITION);
        let value = records
            .last()
            .expect("a decision")
            .value
            .clone()
            .expect("a value");
        let id = 100 + RecordKind::EligibilityDecided as u32;
        assert_eq!(schema_id(&value).ok(), Some(SchemaId::Registry(id)));
        let mut store = SchemaStore::new();
        store
            .register_id(id, RecordKind::EligibilityDecided.schema_text())
            .expect("our own");
        store.decode(&value).expect("a decision")
    }
}

fn task(log: &SimulatedLog, registry: &Memory) -> Task<SimulatedPartition> {
    let metrics = EngineMetrics::new(&prometheus::Registry::new());
    Task::new(
        log.task(PARTITION),
        TaskOptions::default(),
        Arc::new(Schemas::with_registry(registry.clone())),
        metrics.expect("a new registry has no names taken"),
    )
}

#[track_caller]
fn assert_waits(result: Result<(), LogError>, words: &str) {
    match result {
        Err(LogError::Wait(reason)) if reason.contains(words) => {}
        other => panic!("expected to wait for {words:?}, found {other:?}"),
    }
}

const STRANGER: Framing = Framing::Confluent(7);
const OURS: Framing = Framing::SingleObject;

#[test]
fn a_task_does_not_begin_before_it_knows_how_to_write() {
    let mut bench = Bench::new();
    bench.registry.set_away(true);
    assert_waits(bench.task.recover(), "the registry is away");
    bench.registry.set_away(false);
    bench.task.recover().expect("it is back");
    bench.message(OURS);
    bench.close();
    bench.run().expect("nothing to ask");
    assert_eq!(bench.last_decision().measured.characters, 5);
}

#[test]
fn while_the_registry_is_away_a_fact_waits_and_what_came_before_it_does_not() {
    let mut bench = Bench::recovered();
    bench.registry.put(7, RecordKind::ConversationEvent);
    bench.message(OURS);
    bench.close();
    bench.run().expect("nothing to ask");
    let before = bench.task.committed();
    bench.registry.set_away(true);
    bench.message(STRANGER);
    for _ in 0..3 {
        assert_waits(bench.run(), "the registry is away");
    }
    assert_eq!(bench.task.committed(), before);
    bench.registry.set_away(false);
    bench.close();
    bench.run().expect("it is back");
    assert_eq!(bench.count(Topic::DeadLetters), 0);
    assert_eq!(
        bench.task.committed(),
        bench.task.log().end().expect("an end")
    );
}

#[test]
fn what_was_folded_is_committed_before_the_wait() {
    let mut bench = Bench::recovered();
    bench.message(OURS);
    bench.close();
    // Folded, and not committed: neither is the interval over nor the source dry.
    assert_eq!(bench.task.step(NOW, Duration::ZERO), Ok(Progress::Worked));
    assert_eq!(bench.count(Topic::EligibilityDecided), 0);
    bench.registry.set_away(true);
    bench.message(STRANGER);
    assert_waits(bench.run(), "the registry is away");
    assert_eq!(bench.count(Topic::EligibilityDecided), 1);
}

#[test]
fn settings_wait_for_the_registry_too() {
    let mut bench = Bench::recovered();
    bench.registry.put(8, RecordKind::WorkspaceSettings);
    bench.registry.set_away(true);
    bench.settings(Framing::Confluent(8));
    bench.close();
    assert_waits(bench.run(), "the registry is away");
    assert_eq!(bench.count(Topic::EligibilityDecided), 0);
    bench.registry.set_away(false);
    bench.run().expect("it is back");
    assert_eq!(bench.last_decision().settings_version, 1);
    assert_eq!(bench.count(Topic::DeadLetters), 0);
}

#[test]
fn a_fact_of_a_schema_that_nobody_has_is_dead_for_good() {
    let mut bench = Bench::recovered();
    bench.message(OURS);
    bench.message(STRANGER);
    bench.run().expect("the registry answers");
    let letters = bench.log.records(Topic::DeadLetters, PARTITION);
    let class = letters[0]
        .headers
        .iter()
        .find(|(name, _)| name == dead::CLASS);
    assert_eq!(
        class.and_then(|(_, class)| class.as_deref()),
        Some(&b"unknown_schema"[..])
    );
    // The schema appears after all, and the process dies: folding again must not find what the first time did not.
    bench.message(OURS);
    bench.run().expect("nothing to ask");
    bench.registry.put(7, RecordKind::ConversationEvent);
    bench.crash().expect("recovered");
    bench.close();
    bench.run().expect("the registry answers");
    assert_eq!(
        bench.last_decision().measured.characters,
        10,
        "two messages of five"
    );
    assert_eq!(bench.count(Topic::DeadLetters), 1);
}

#[test]
fn settings_of_a_schema_that_nobody_had_judge_nothing_that_was_folded_without_them() {
    let mut bench = Bench::recovered();
    bench.settings(Framing::Confluent(8));
    bench.message(OURS);
    bench.close();
    bench.run().expect("the registry answers");
    assert_eq!(bench.last_decision().settings_version, 0);
    assert_eq!(
        bench.task.stored_below(),
        bench.task.committed(),
        "no debt is left"
    );
    bench.registry.put(8, RecordKind::WorkspaceSettings);
    bench.crash().expect("recovered");
    bench.close();
    bench.run().expect("the registry answers");
    assert_eq!(
        bench.count(Topic::EligibilityDecided),
        1,
        "it was closed before"
    );
}

#[test]
fn a_debt_whose_schema_is_gone_waits_until_it_is_back() {
    let mut bench = Bench::recovered();
    bench.registry.put(7, RecordKind::ConversationEvent);
    bench.message(STRANGER);
    bench.run().expect("the registry answers");
    assert!(
        bench.task.stored_below() < bench.task.committed(),
        "a debt is left"
    );
    bench.registry.forget(7);
    bench.crash().expect("recovered");
    assert_waits(bench.run(), "put it back into the schema registry");
    assert_eq!(bench.count(Topic::DeadLetters), 0);
    bench.registry.put(7, RecordKind::ConversationEvent);
    bench.crash().expect("recovered");
    bench.close();
    bench.run().expect("the registry answers");
    assert_eq!(bench.last_decision().measured.characters, 5);
}
