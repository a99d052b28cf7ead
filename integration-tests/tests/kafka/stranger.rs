//! A consumer that knows nothing of the program: it reads what is committed, topic by topic, as any Kafka client does,
//! takes the few fields that it needs out of the bytes by hand, and looks for what must never be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub const INPUT: &str = "conversation-events";
pub const REQUESTED: &str = "rating-requested";
pub const DEAD: &str = "dead-letters";
/// What comes out of the fold, each with a source and an index.
pub const OUTPUTS: [&str; 4] = [
    "eligibility-decided",
    REQUESTED,
    "rating-submitted",
    "answer-refused",
];

const PATIENCE: Duration = Duration::from_secs(60);
const CALL: Duration = Duration::from_secs(10);

/// Workspace, conversation and event of a fact.
pub type Id = (String, String, String);

/// A record as it stands in the log.
#[derive(Clone, Debug)]
pub struct Stored {
    pub partition: i32,
    pub offset: i64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// The headers `afterword-source` and `afterword-index` of an output.
    pub source: Option<(String, String)>,
}

/// What has been read so far.
pub struct Stranger {
    bootstrap_servers: String,
    consumer: BaseConsumer,
    next: BTreeMap<(String, i32), i64>,
    /// Every record, topic by topic, in the order of each partition.
    pub records: BTreeMap<String, Vec<Stored>>,
    facts: HashSet<Id>,
    caused: HashMap<(String, String), String>,
    asked: HashMap<(String, String), String>,
    violations: Vec<String>,
}

impl Stranger {
    pub fn new(bootstrap_servers: &str) -> Stranger {
        Stranger {
            bootstrap_servers: bootstrap_servers.to_owned(),
            consumer: consumer(bootstrap_servers, "a-stranger"),
            next: BTreeMap::new(),
            records: BTreeMap::new(),
            facts: HashSet::new(),
            caused: HashMap::new(),
            asked: HashMap::new(),
            violations: Vec::new(),
        }
    }

    /// Reads what has come since the last time.
    pub fn read(&mut self) {
        for topic in [&[INPUT, DEAD][..], &OUTPUTS].concat() {
            for record in self.read_topic(topic) {
                self.look_at(topic, &record);
                self.records
                    .entry(topic.to_owned())
                    .or_default()
                    .push(record);
            }
        }
    }

    /// What is wrong, of all that was read; `acknowledged` are the facts that producers were told are durable.
    pub fn violations<'a>(&self, acknowledged: impl Iterator<Item = &'a Id>) -> Vec<String> {
        let lost = acknowledged.filter(|id| !self.facts.contains(*id));
        let lost = lost.map(|id| format!("acknowledged and not in {INPUT}: {id:?}"));
        self.violations.iter().cloned().chain(lost).collect()
    }

    /// How many records each topic has.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let counts = self.records.iter();
        counts
            .map(|(topic, records)| (topic.as_str(), records.len()))
            .collect()
    }

    fn look_at(&mut self, topic: &str, record: &Stored) {
        let place = format!("{topic}/{}/{}", record.partition, record.offset);
        let strings = strings(&record.value);
        match topic {
            INPUT => {
                let [event, workspace, conversation] = strings;
                self.facts.insert((workspace, conversation, event));
                return;
            }
            DEAD => {
                self.violations.push(format!("a dead letter: {place}"));
                return;
            }
            REQUESTED => {
                let [_, workspace, conversation] = strings;
                let before = self.asked.insert((workspace, conversation), place.clone());
                if let Some(before) = before {
                    let what = format!("asked twice: {before} and {place}");
                    self.violations.push(what);
                }
            }
            _ => {}
        }
        let Some(source) = record.source.clone() else {
            let what = format!("{place} has no afterword-source and afterword-index");
            self.violations.push(what);
            return;
        };
        if let Some(before) = self.caused.insert(source.clone(), place.clone()) {
            let what = format!("twice: {before} and {place}, both of {source:?}");
            self.violations.push(what);
        }
    }

    /// Reads what has come to one topic since the last time.
    pub fn read_topic(&mut self, topic: &str) -> Vec<Stored> {
        let partitions = partitions(&self.consumer, topic);
        let mut assignment = TopicPartitionList::new();
        for partition in &partitions {
            let next = self.next.get(&(topic.to_owned(), *partition));
            let from = Offset::Offset(next.copied().unwrap_or(0));
            assignment
                .add_partition_offset(topic, *partition, from)
                .unwrap();
        }
        self.consumer.assign(&assignment).unwrap();
        let mut waiting: BTreeSet<i32> = partitions.into_iter().collect();
        let (mut found, began) = (Vec::new(), Instant::now());
        while !waiting.is_empty() {
            assert!(
                began.elapsed() < PATIENCE,
                "{topic}: the ends of {waiting:?} were not reached: a transaction may be open, or a broker away"
            );
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    let next = message.offset() + 1;
                    self.next
                        .insert((topic.to_owned(), message.partition()), next);
                    found.push(stored(&message));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(waiting.remove(&partition)),
                // A broker that has just come back; the client tries again by itself.
                Some(Err(_)) | None => {}
            }
        }
        self.consumer.unassign().unwrap();
        found
    }

    /// Up to where the group has committed the input, and where the input ends; `None` when nobody can be asked.
    pub fn committed(&self, group: &str) -> Option<BTreeMap<i32, (i64, i64)>> {
        let consumer = consumer(&self.bootstrap_servers, group);
        let mut asked = TopicPartitionList::new();
        for partition in partitions(&consumer, INPUT) {
            asked.add_partition(INPUT, partition);
        }
        let committed = consumer.committed_offsets(asked, CALL).ok()?;
        let mut found = BTreeMap::new();
        for element in committed.elements() {
            let (_, end) = consumer
                .fetch_watermarks(INPUT, element.partition(), CALL)
                .ok()?;
            let next = match element.offset() {
                Offset::Offset(next) => next,
                _ => 0,
            };
            found.insert(element.partition(), (next, end));
        }
        Some(found)
    }
}

fn consumer(bootstrap_servers: &str, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap_servers)
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("check.crcs", "true");
    config.create().unwrap()
}

/// The partitions of a topic; a broker that has just come back may need a moment.
fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let began = Instant::now();
    loop {
        if let Ok(metadata) = consumer.fetch_metadata(Some(topic), CALL) {
            let found = metadata.topics().first();
            let partitions = found.map(|topic| topic.partitions().iter().map(|each| each.id()));
            let partitions: Vec<i32> = partitions.into_iter().flatten().collect();
            if !partitions.is_empty() {
                return partitions;
            }
        }
        assert!(began.elapsed() < PATIENCE, "{topic}: no partitions found");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn stored(message: &BorrowedMessage<'_>) -> Stored {
    let header = |name: &str| {
        let headers = message.headers()?;
        let found = headers.iter().find(|header| header.key == name)?;
        Some(String::from_utf8_lossy(found.value?).into_owned())
    };
    Stored {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().unwrap_or_default().to_vec(),
        value: message.payload().unwrap_or_default().to_vec(),
        source: header("afterword-source").zip(header("afterword-index")),
    }
}

/// The first three strings of an Avro record in single-object encoding: a header of ten bytes, then each string's
/// length, zigzag and variable, and its bytes. Where a record has fewer, what follows is nonsense that nobody asks for.
fn strings(value: &[u8]) -> [String; 3] {
    let mut at = 10;
    std::array::from_fn(|_| {
        let (mut zigzag, mut shift) = (0_usize, 0);
        while let Some(byte) = value.get(at) {
            at += 1;
            zigzag |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > 28 {
                break;
            }
        }
        let end = at.saturating_add(zigzag >> 1).min(value.len());
        let text = value.get(at..end).unwrap_or_default();
        at = end;
        String::from_utf8_lossy(text).into_owned()
    })
}

#[test]
fn the_first_strings_of_a_record_are_found() {
    let value = [
        &[0xc3, 1, 0, 0, 0, 0, 0, 0, 0, 0][..],
        b"\x04e1\x02w\x06abc",
    ]
    .concat();
    assert_eq!(strings(&value), ["e1", "w", "abc"]);
    assert_eq!(strings(&value[..12])[1], "");
}
