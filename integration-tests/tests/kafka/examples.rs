//! The examples of `docs/consumers/`, taken from their pages and run against real brokers; what they print must be what
//! `afterword tail` has.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::{CONSUMER, compile, java_consumer, repository};
use serde_json::Value;

use crate::world::World;

/// What the pages call a broker and a registry.
pub const BROKER: &str = "kafka-1:9092";
pub const REGISTRY: &str = "http://registry:8081";
/// Kafka's tools on the pages, and their classes.
const TOOLS: [(&str, &str); 2] = [
    (
        "kafka-console-consumer.sh",
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ),
    (
        "kafka-consumer-groups.sh",
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    ),
];

/// Ratings and those with a comment, by present reaction.
pub type Ratings = BTreeMap<String, (u64, u64)>;

/// Ratings copied by Python, and once more from the beginning, which must change nothing.
pub fn python(world: &mut World, registry: Option<&str>, told: &str) {
    let folder = folder(world, "python");
    examples::write_files("consumers/python.md", "python", &folder);
    let expected = ratings(told);
    let copy = || {
        let mut command = Command::new(examples::python());
        command.arg("ratings.py").arg(world.bootstrap_servers());
        command.arg(repository().join("schemas")).arg("ratings.db");
        command.args(registry).current_dir(&folder);
        printed(command)
    };
    let read = |text: &str| -> Ratings {
        let row = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let counts = (words[1].parse().unwrap(), words[2].parse().unwrap());
            (words[0].to_owned(), counts)
        };
        text.lines().map(row).collect()
    };
    assert_eq!(read(&copy()), expected, "Python's copy");
    let group = ["--group", "ratings-to-sqlite"];
    let again = "--topic rating-submitted --reset-offsets --to-earliest --execute";
    let arguments: Vec<&str> = group.into_iter().chain(again.split(' ')).collect();
    world.cluster.tool_output(TOOLS[1].1, &arguments);
    assert_eq!(read(&copy()), expected, "Python's copy, read twice");
}

/// The two commands of the page; `records` are those that are committed.
pub fn kafkas_tools(world: &World, records: u64) {
    let mut run = Vec::new();
    for line in examples::commands("consumers/kafka-tools.md") {
        let line = line.replace(BROKER, &world.bootstrap_servers());
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, class) = TOOLS
            .into_iter()
            .find(|(name, _)| *name == words[0])
            .unwrap_or_else(|| panic!("no class is known for {line}"));
        // The address is given by whoever runs it.
        assert_eq!(words[1], "--bootstrap-server", "{line}");
        let done = world.cluster.tool(class, &words[3..]);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let errors = String::from_utf8_lossy(&done.stderr);
        match name {
            "kafka-console-consumer.sh" => {
                let headers = |line: &&str| line.contains("afterword-source:conversation-events/");
                let count = text.lines().filter(headers).count() as u64;
                assert_eq!(count, records, "{line}: {text}{errors}");
            }
            _ => assert!(text.contains("rating-submitted"), "{line}: {text}{errors}"),
        }
        run.push(name);
    }
    assert_eq!(run, TOOLS.map(|(name, _)| name));
}

/// Scorecards as Java has them, each key's highest revision.
pub fn java(world: &mut World) {
    world.must(&["run", "--drain"]);
    let expected = scorecards(&world.must(&["tail", "teammate-scorecards"]));
    let folder = folder(world, "java");
    examples::write_files("consumers/java.md", "java", &folder);
    printed(compile(&folder.join("Scorecards.java"), CONSUMER, &folder));
    let mut command = java_consumer(&folder, "Scorecards");
    command.arg(world.bootstrap_servers());
    command.arg(repository().join("schemas/teammate-scorecard.avsc"));
    let mut found: Vec<String> = printed(command).lines().map(str::to_owned).collect();
    let line = |(key, card): (&String, &Value)| {
        let [requests, answered, great, amazing] =
            ["requests", "requests_answered", "great", "amazing"].map(|name| &card[name]);
        format!("{key} requests={requests} answered={answered} great={great} amazing={amazing}")
    };
    let mut expected: Vec<String> = expected.iter().map(line).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "Java's scorecards");
}

/// The statements of ClickHouse's page with these addresses, in a file: the first block makes tables, the second one asks.
pub fn clickhouse(world: &World, registry: &str) -> PathBuf {
    let statements = examples::blocks("consumers/clickhouse.md", "sql").concat();
    assert!(statements.contains(BROKER) && statements.contains(REGISTRY));
    let statements = statements.replace(BROKER, &world.bootstrap_servers());
    let path = world.path().join("clickhouse.sql");
    fs::write(&path, statements.replace(REGISTRY, registry)).unwrap();
    path
}

/// The latest scorecard of each key, of what `tail` prints.
pub fn scorecards(told: &str) -> HashMap<String, Value> {
    let mut latest: HashMap<String, Value> = HashMap::new();
    for card in objects(told) {
        let encoded = |name| text(&card, name).replace('%', "%25").replace('/', "%2F");
        let (workspace, teammate) = (encoded("workspace_id"), encoded("teammate_id"));
        let key = format!("{workspace}/{teammate}/{}", text(&card, "day"));
        let known = latest.get(&key).map(|known| known["revision"].as_i64());
        if known.is_none_or(|known| known < card["revision"].as_i64()) {
            latest.insert(key, card);
        }
    }
    assert!(!latest.is_empty(), "no scorecards");
    latest
}

/// Each rating as its submission with the highest revision has it, of what `tail` prints.
pub fn ratings(told: &str) -> Ratings {
    let mut latest: HashMap<String, Value> = HashMap::new();
    for rating in objects(told) {
        let known = latest.get(text(&rating, "request_id"));
        if known.is_none_or(|known| known["revision"].as_i64() < rating["revision"].as_i64()) {
            latest.insert(text(&rating, "request_id").to_owned(), rating);
        }
    }
    let mut ratings = Ratings::new();
    for rating in latest.values() {
        let counts = ratings
            .entry(text(rating, "reaction").to_owned())
            .or_default();
        counts.0 += 1;
        counts.1 += u64::from(!rating["comment"].is_null());
    }
    ratings
}

pub fn objects(told: &str) -> impl Iterator<Item = Value> {
    let lines = told.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap())
}

pub fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap()
}

pub fn folder(world: &World, name: &str) -> PathBuf {
    let folder = world.path().join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn printed(mut command: Command) -> String {
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{command:?}: {printed}{errors}");
    printed
}
