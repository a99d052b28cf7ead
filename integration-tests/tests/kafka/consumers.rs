//! Consumers that know nothing of the program read `rating-submitted` and get the right counts, also while what dead
//! processes left unfinished lies in it: Kafka's own console consumer, and ClickHouse through the schema registry. Beside them the
//! examples of `docs/consumers/`, as they stand on their pages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use afterword_integration_tests::kafka::{Registry, repository};
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::world::{CATCH_UP, GROUP, Plan, World};
use crate::{alone, binary, examples, judge, wait};

pub const TOPIC: &str = "rating-submitted";
const PARTITIONS: i32 = 2;
const CONVERSATIONS: &str = "1500";
const FACTS: usize = 12_000;
/// Processes killed in a round, and how many rounds there may be until a kill has left a transaction unfinished.
const KILLS: usize = 6;
const ROUNDS: u64 = 5;
/// How soon a process writes after its start, and how long it lives from then on. The first that it writes has no value.
const FIRST_COMMIT: Duration = Duration::from_secs(60);
const LIVES: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(250),
    Duration::from_millis(90),
    Duration::from_millis(400),
    Duration::from_millis(160),
    Duration::from_millis(320),
];
/// Facts in a transaction: few, so that a process is mostly within one when it is killed.
const COMMIT_FACTS: u64 = 150;
const CALL: Duration = Duration::from_secs(10);

/// What a consumer counted: records, by reaction, and those with a comment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    records: u64,
    reactions: BTreeMap<String, u64>,
    comments: u64,
}

#[test]
fn kafkas_console_consumer_gets_the_right_counts_of_ratings() {
    let _alone = alone();
    let mut world = World::new(Plan::new(binary::path(), 1, PARTITIONS.unsigned_abs()));
    // By the default settings, so that the model can judge it.
    let aborted = history_of_kills(&mut world, |world, seed| {
        let lines = world.stock(seed, FACTS).lines.clone();
        world.import(&lines);
    });

    let told = tail(&mut world, &[]);
    let committed = world.cluster.console_consumer(TOPIC, true);
    assert_eq!(committed.count, told.records, "committed records");
    let all = world.cluster.console_consumer(TOPIC, false);
    assert_eq!(all.count, told.records + aborted, "with aborted ones");
    // The naive model's own count, and each record besides.
    let mut stranger = world.stranger();
    stranger.read();
    let mut violations = stranger.violations(std::iter::empty());
    violations.extend(judge::violations(&stranger));
    let first: Vec<_> = violations.iter().take(3).collect();
    assert!(violations.is_empty(), "{}: {first:#?}", violations.len());
    assert_eq!(stranger.counts()[TOPIC] as u64, told.records);
    world.verify().unwrap();
    let lines = world.must(&["tail", TOPIC]);
    examples::python(&mut world, None, &lines);
    examples::kafkas_tools(&world, told.records);
    examples::java(&mut world);
    println!(
        "{TOPIC}: {} records by tail, by the model and by the console consumer (read_committed); {aborted} more lie in it, aborted",
        told.records
    );
}

#[test]
#[ignore = "fetches ClickHouse, 300 MB, and needs a schema registry: a minute and more; `make test-kafka` runs it"]
fn clickhouse_gets_the_right_counts_of_ratings_through_the_registry() {
    let _alone = alone();
    let python = clickhouse();
    let registry = Registry::start();
    let mut world = through(&registry);
    let set = set(&registry);
    let with_registry = ["--set", set.as_str()];
    history_through(&mut world, &registry);

    let told = tail(&mut world, &with_registry);
    let script = repository().join("integration-tests/kafka/clickhouse/ratings.py");
    let rows = told.records.to_string();
    let mut command = Command::new(python);
    let statements = examples::clickhouse(&world, &registry.url());
    command.arg(script).arg(statements).args([&rows, "60"]);
    // It writes where it stands.
    let done = command.current_dir(world.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ClickHouse: {errors}");
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    let reactions = found["reactions"].as_object().unwrap().iter();
    let counted = Counts {
        records: found["rows"].as_u64().unwrap(),
        reactions: reactions
            .map(|(reaction, count)| (reaction.clone(), count.as_u64().unwrap()))
            .collect(),
        comments: found["comments"].as_u64().unwrap(),
    };
    assert_eq!(counted, told, "{found}");
    assert_eq!(found["places"], found["rows"], "each record once: {found}");
    assert_eq!(found["present"], found["ratings"], "{found}");
    let lines = world.must(&[&["tail", TOPIC][..], &with_registry].concat());
    examples::python(&mut world, Some(&registry.url()), &lines);
    let (proven, said) = world.command(&["verify", "--set", &set]);
    assert!(proven, "{said}");
    println!("{TOPIC} in ClickHouse and by tail: {told:?}");
}

/// How a command is told of a registry, after `--set`.
pub fn set(registry: &Registry) -> String {
    format!("schema_registry.url={}", registry.url())
}

/// Brokers whose processes use this registry, in which the program's schemas are.
pub fn through(registry: &Registry) -> World {
    let plan = Plan::new(binary::path(), 1, PARTITIONS.unsigned_abs())
        .with("schema_registry.url", registry.url());
    let mut world = World::new(plan);
    world.must(&["schemas", "register", "--set", &set(registry)]);
    world
}

/// Lifelike history through a registry, as [`history_of_kills`] has it, until aborted records have values too. Returns how many have.
pub fn history_through(world: &mut World, registry: &Registry) -> u64 {
    let set = set(registry);
    for attempt in 0..ROUNDS {
        history_of_kills(world, |world, round| {
            let seed = (attempt * ROUNDS + round).to_string();
            let made = ["--conversations", CONVERSATIONS, "--seed", &seed];
            world.must(&[&["simulate", "--set", &set][..], &made].concat());
        });
        let committed = world.stranger().read_topic(TOPIC).len() as u64;
        let (_, with_value) = uncommitted(world);
        if with_value > committed {
            return with_value - committed;
        }
    }
    panic!("no kill left a rating unfinished");
}

/// Made-up history, decided by processes that are killed again and again, until at least one has left a transaction
/// unfinished; then to its end. Returns how many records of the topic were aborted.
fn history_of_kills(world: &mut World, mut make: impl FnMut(&mut World, u64)) -> u64 {
    let options = [
        "--set".to_owned(),
        format!("process.commit_facts={COMMIT_FACTS}"),
    ];
    let mut member = world.member("processor");
    for round in 1..=ROUNDS {
        make(world, round);
        for kill in 0..KILLS {
            let before = end(world);
            member.start(&world.processing(&options), "");
            let decides = wait::until(FIRST_COMMIT, || {
                member.must_run();
                end(world) > before || has_caught_up(world)
            });
            assert!(decides, "nothing was decided in {FIRST_COMMIT:?}");
            std::thread::sleep(LIVES[kill % LIVES.len()]);
            member.kill();
        }
        member.start(&world.processing(&options), "");
        world.catch_up(&mut [&mut member], CATCH_UP).unwrap();
        member.stop();
        let committed = world.stranger().read_topic(TOPIC).len() as u64;
        let aborted = uncommitted(world).0 - committed;
        if aborted > 0 {
            return aborted;
        }
    }
    panic!("{ROUNDS} rounds of {KILLS} kills left no transaction unfinished");
}

fn has_caught_up(world: &World) -> bool {
    let committed = world.stranger().committed(GROUP);
    committed.is_some_and(|committed| committed.values().all(|(next, end)| next == end))
}

fn consumer(world: &World) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", world.bootstrap_servers())
        .set("group.id", "one-that-counts")
        .set("isolation.level", "read_uncommitted")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true");
    config.create().unwrap()
}

/// The offsets of the topic, all partitions together.
fn end(world: &World) -> i64 {
    let consumer = consumer(world);
    let ends = (0..PARTITIONS).map(|partition| consumer.fetch_watermarks(TOPIC, partition, CALL));
    ends.map(|bounds| bounds.unwrap().1).sum()
}

/// The records of the topic, those of aborted transactions too; and how many of them have a value. A process that takes a partition over
/// leaves one without, aborted.
pub fn uncommitted(world: &World) -> (u64, u64) {
    let consumer = consumer(world);
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let offset = Offset::Beginning;
        places
            .add_partition_offset(TOPIC, partition, offset)
            .unwrap();
    }
    consumer.assign(&places).unwrap();
    let (mut count, mut with_value, mut ended) = (0, 0, 0);
    while ended < PARTITIONS {
        match consumer.poll(CALL).expect("the end of each partition") {
            Ok(record) => {
                count += 1;
                with_value += u64::from(record.payload().is_some());
            }
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (count, with_value)
}

/// What `afterword tail` prints, counted.
fn tail(world: &mut World, set: &[&str]) -> Counts {
    let printed = world.must(&[&["tail", TOPIC][..], set].concat());
    let mut counts = Counts::default();
    for line in printed
        .lines()
        .filter(|line| line.contains("\"rating_submitted\""))
    {
        let rating: Value = serde_json::from_str(line).unwrap();
        counts.records += 1;
        counts.comments += u64::from(!rating["comment"].is_null());
        let reaction = rating["reaction"].as_str().unwrap().to_owned();
        *counts.reactions.entry(reaction).or_default() += 1;
    }
    counts
}

/// A Python that has ClickHouse.
fn clickhouse() -> PathBuf {
    let fetch = repository().join("integration-tests/kafka/clickhouse/fetch");
    let done = Command::new(fetch).output().expect("bash is needed");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}");
    PathBuf::from(String::from_utf8_lossy(&done.stdout).trim())
}
