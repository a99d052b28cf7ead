//! A log with everything in it that a proof must bear, made by the program itself; and copies of it that were tampered with.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use afterword_log::{
    Batch, Commit, EmbeddedLog, EmbeddedOptions, Log, Meta, Offset, Partition, PartitionLog,
    Record, RecordRef, Topic,
};
use serde_json::Value;

use crate::common::{Ended, Home, facts};

pub const PARTITIONS: u32 = 2;

/// All that a log holds, and the committed position of each partition.
#[derive(Clone)]
pub struct World {
    pub topics: BTreeMap<(Topic, Partition), Vec<Record>>,
    pub committed: Vec<Option<Offset>>,
}

pub fn open(home: &Home) -> Arc<EmbeddedLog> {
    let options = EmbeddedOptions {
        partitions: Some(PARTITIONS),
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open(&home.data(), options).expect("a log")
}

fn must(home: &Home, arguments: &[&str]) {
    let ended = home.run(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
}

/// A conversation of workspace `ws` that is closed on this day of March, and asked if the settings allow it.
fn conversation(id: &str, day: u32) -> String {
    let long = "y".repeat(260);
    let head = |number: u32| {
        format!(
            r#"{{"event_id":"{id}-{number}","workspace_id":"ws","conversation_id":"{id}","occurred_at":"2026-03-{day:02}T10:0{number}:00Z","#
        )
    };
    let user = r#"{"kind":"user","id":"u9"}"#;
    let ben = r#"{"kind":"teammate","id":"ben"}"#;
    [
        format!(r#"{}"type":"conversation_started","origin":"customer_initiated","initiator":{user},"channel":"email"}}"#, head(0)),
        format!(r#"{}"type":"message_added","author":{user},"text":"{long}"}}"#, head(1)),
        format!(r#"{}"type":"message_added","author":{ben},"text":"Yes"}}"#, head(2)),
        format!(r#"{}"type":"conversation_closed","by":{ben}}}"#, head(3)),
    ]
    .map(|line| line + "\n")
    .concat()
}

fn settings(version: u32, from: &str, live: bool) -> String {
    format!(
        "{{\"workspace_id\":\"ws\",\"version\":{version},\"effective_from\":\"{from}\",\"live_for_users\":{live},\
         \"live_for_leads\":true,\"plan_includes_ratings\":true,\"time_zone\":\"UTC\",\"target\":null,\"teammate_targets\":{{}}}}\n"
    )
}

/// Records that no task can fold. One pretends to be an output.
fn poison(home: &Home) {
    let log = open(home);
    let facts = Topic::ConversationEvents;
    let mut batch = Batch::default();
    log.read(facts, Partition(1), Offset(0), 1, &mut batch)
        .expect("facts");
    let mut other_key = batch.iter().next().expect("a fact").to_record();
    other_key.key = Some(b"somebody else".to_vec());
    let pretender = Record::new("p", "rubbish", 5)
        .with_header("afterword-source", "conversation-events/0/3")
        .with_header("afterword-index", "0");
    let mut nothing = Record::new("n", "", 6);
    (nothing.key, nothing.value) = (None, None);
    let records = vec![
        (Partition(0), pretender),
        (Partition(1), other_key),
        (Partition(1), nothing),
    ];
    log.append(facts, records).expect("appended");
    log.close().expect("closed");
}

fn poison_settings(home: &Home, count: usize) {
    let log = open(home);
    let record = (Partition(0), Record::new("ws/0", "no settings", 7));
    log.append(Topic::WorkspaceSettings, vec![record; count])
        .expect("appended");
    log.close().expect("closed");
}

fn build() -> World {
    let home = Home::new();
    let import = |name: &str, text: &str| {
        let file = home.file(name, text);
        must(&home, &["import", &file, "--set", "log.partitions=2"]);
    };
    let put = |name: &str, text: &str| {
        let file = home.file(name, text);
        must(&home, &["settings", "put", &file]);
    };
    import("facts.ndjson", &facts());
    must(
        &home,
        &[
            "simulate",
            "--conversations",
            "300",
            "--days",
            "7",
            "--seed",
            "3",
            "--until",
            "2026-03-08T00:00:00Z",
        ],
    );
    poison(&home);
    poison_settings(&home, 2);
    must(&home, &["run", "--drain"]);
    put("1.ndjson", &settings(1, "2026-03-01T00:00:00Z", false));
    import(
        "a.ndjson",
        &(conversation("wa", 2) + &conversation("wb", 2)),
    );
    must(&home, &["run", "--drain"]);
    put("2.ndjson", &settings(2, "2026-03-01T12:00:00Z", true));
    import(
        "b.ndjson",
        &(conversation("wc", 3) + &conversation("wd", 3)),
    );
    must(&home, &["run", "--drain"]);
    put("3.ndjson", &settings(3, "2026-06-01T00:00:00Z", false));
    poison_settings(&home, 1);
    import(
        "c.ndjson",
        &(conversation("we", 4) + &conversation("wf", 4)),
    );
    must(&home, &["run", "--drain"]);
    let world = World::read(&home);
    assert_eq!(home.run(&["verify"]).code, Some(0));
    world
}

/// The log as the program made it; made once.
pub fn untouched() -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(build).clone()
}

impl World {
    pub fn read(home: &Home) -> World {
        let log = open(home);
        let mut topics = BTreeMap::new();
        for topic in Topic::ALL {
            for partition in (0..log.partitions(topic)).map(Partition) {
                let (mut next, mut batch, mut records) = (Offset(0), Batch::default(), Vec::new());
                loop {
                    log.read(topic, partition, next, 1 << 20, &mut batch)
                        .expect("records");
                    records.extend(batch.iter().map(|record| record.to_record()));
                    match batch.next() {
                        Some(after) if after > next => next = after,
                        _ => break,
                    }
                }
                topics.insert((topic, partition), records);
            }
        }
        let committed = (0..PARTITIONS).map(|of| log.committed(Partition(of)).expect("a position"));
        let committed = committed.collect();
        log.close().expect("closed");
        World { topics, committed }
    }

    /// Writes it into a new log, a few records at a time.
    pub fn write(&self) -> Home {
        let home = Home::new();
        let log = open(&home);
        for ((topic, partition), records) in &self.topics {
            for records in records.chunks(50) {
                let records = records.iter().map(|record| (*partition, record.clone()));
                log.append(*topic, records.collect()).expect("appended");
            }
        }
        for (partition, committed) in (0..).map(Partition).zip(&self.committed) {
            let Some(next) = *committed else { continue };
            let mut task = log.task(partition);
            task.recover().expect("recovered");
            let meta = Meta {
                stored_below: next,
                next,
                rules_version: 1,
                threshold_characters: 250,
                threshold_ms: 604_800_000,
                settings_next: Offset(0),
            };
            let (outputs, states) = (Vec::new(), Vec::new());
            let commit = Commit {
                outputs,
                states,
                meta,
            };
            task.commit(&commit).expect("committed");
        }
        log.close().expect("closed");
        home
    }

    pub fn records(&mut self, topic: Topic, partition: u32) -> &mut Vec<Record> {
        self.topics
            .get_mut(&(topic, Partition(partition)))
            .expect("a topic")
    }
}

/// The last header of this name.
pub fn header<'a>(record: &'a mut Record, name: &str) -> &'a mut Vec<u8> {
    let last = record.headers.iter_mut().rfind(|(found, _)| found == name);
    last.and_then(|(_, value)| value.as_mut())
        .expect("a header")
}

/// The offset of the fact that caused an output.
pub fn source(record: &Record) -> u64 {
    let text = String::from_utf8(header(&mut record.clone(), "afterword-source").clone());
    let text = text.expect("text");
    text.rsplit('/')
        .next()
        .and_then(|last| last.parse().ok())
        .expect("an offset")
}

/// A record as a reader sees it.
pub fn seen<T>(record: &Record, look: impl FnOnce(&RecordRef<'_>) -> T) -> T {
    let mut batch = Batch::default();
    batch.push(Offset(0), record);
    let seen = batch.iter().next().map(|record| look(&record));
    seen.expect("a record")
}

/// What `verify --json` prints on a log, and how it ends.
pub fn verify(home: &Home, arguments: &[&str]) -> (Ended, Value) {
    let arguments: Vec<&str> = ["verify", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let ended = home.run(&arguments);
    let json = ended.json();
    (ended, json)
}
