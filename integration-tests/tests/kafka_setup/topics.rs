//! Topics made, broken one thing at a time by Kafka's own administrator, and found broken.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use afterword_integration_tests::kafka::{Cluster, Options};
use futures_executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use serde_json::Value as Json;

use crate::{Ended, Program, alone};

const TOPICS: [&str; 9] = [
    "conversation-events",
    "workspace-settings",
    "rating-requested",
    "rating-submitted",
    "eligibility-decided",
    "answer-refused",
    "teammate-scorecards",
    "dead-letters",
    "afterword-state-changelog",
];
const PATIENCE: Duration = Duration::from_secs(30);

/// Who breaks things: severity, topic, setting.
type Told = Vec<(String, String, String)>;

/// What the check tells, but for notes; and how it ended.
fn check(program: &Program) -> (Told, Ended) {
    let ended = program.run(&["topics", "check", "--json"]);
    let findings: Vec<Json> = serde_json::from_str(&ended.out)
        .unwrap_or_else(|error| panic!("expected JSON: {error}: {ended:?}"));
    let text = |finding: &Json, member: &str| finding[member].as_str().unwrap().to_owned();
    let told = findings.iter().map(|finding| {
        let of = |member| text(finding, member);
        (of("severity"), of("place"), of("setting"))
    });
    (told.filter(|told| told.0 != "note").collect(), ended)
}

/// Checks until it tells this alone: brokers take a moment to know what was altered.
fn expect(program: &Program, expected: &[(&str, &str, &str)]) -> Ended {
    let until = Instant::now() + PATIENCE;
    loop {
        let (told, ended) = check(program);
        let told: Vec<_> = told
            .iter()
            .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
            .collect();
        if told == expected {
            let breaks = expected.iter().any(|told| told.0 == "breaks");
            assert_eq!(ended.code, Some(i32::from(breaks)), "{ended:?}");
            return ended;
        }
        assert!(
            Instant::now() < until,
            "expected {expected:?}, found {told:?}"
        );
    }
}

/// Kafka's own administrator.
struct Hand {
    admin: AdminClient<DefaultClientContext>,
    /// The settings that each topic was made with.
    made: BTreeMap<String, BTreeMap<String, String>>,
}

impl Hand {
    fn new(cluster: &Cluster, created: &Json) -> Hand {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap());
        let mut made = BTreeMap::new();
        for topic in created["made"].as_array().unwrap() {
            let settings: BTreeMap<String, String> =
                serde_json::from_value(topic["settings"].clone()).unwrap();
            made.insert(topic["topic"].as_str().unwrap().to_owned(), settings);
        }
        let admin = config.create().unwrap();
        Hand { admin, made }
    }

    /// As made but for this; `None`: as made.
    fn alter(&self, topic: &str, other: Option<(&str, &str)>) {
        let mut settings = self.made[topic].clone();
        settings.extend(other.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in &settings {
            alter = alter.set(name, value);
        }
        let done = block_on(self.admin.alter_configs([&alter], &AdminOptions::new())).unwrap();
        assert!(done.iter().all(Result::is_ok), "{topic} {other:?} {done:?}");
    }

    fn delete(&self, topic: &str) {
        let done = block_on(self.admin.delete_topics(&[topic], &self.patient())).unwrap();
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }

    fn make(&self, topic: &str, partitions: i32) {
        let until = Instant::now() + PATIENCE;
        let settings = self.made[topic].iter();
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = settings.fold(new, |new, (name, value)| new.set(name, value));
        // A topic that was just deleted is there for a moment longer.
        loop {
            let done = block_on(self.admin.create_topics([&new], &self.patient())).unwrap();
            if done.iter().all(Result::is_ok) {
                return;
            }
            assert!(Instant::now() < until, "{done:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn add_partitions(&self, topic: &str, count: usize) {
        let new = NewPartitions::new(topic, count);
        let done = block_on(self.admin.create_partitions([&new], &self.patient())).unwrap();
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }

    fn patient(&self) -> AdminOptions {
        AdminOptions::new().operation_timeout(Some(PATIENCE))
    }
}

fn create(program: &Program, arguments: &[&str]) -> Json {
    let mut all = vec!["topics", "create", "--json"];
    all.extend(arguments);
    serde_json::from_str(&program.must(&all)).unwrap()
}

#[test]
fn one_broker_topics_are_made_checked_and_found_broken() {
    let _turn = alone();
    let cluster = Cluster::start(1, Options::default());
    let program = Program::new(&cluster.bootstrap(), &[]);

    let missing = TOPICS.map(|topic| ("breaks", topic, "topic"));
    let ended = expect(&program, &missing);
    assert!(ended.err.contains("9 findings break promises"), "{ended:?}");
    does_not_start(&program, "topic: expected there, found none");

    let created = create(&program, &["--partitions", "3"]);
    assert_eq!(created["made"].as_array().unwrap().len(), TOPICS.len());
    expect(&program, &[]);
    program.must(&["run", "--drain"]);
    let listed = program.must(&["topics"]);
    assert!(listed.contains("rating-requested"), "{listed}");
    let again = create(&program, &["--partitions", "5"]);
    assert_eq!(again["made"], Json::Array(Vec::new()));
    assert_eq!(again["kept"].as_array().unwrap().len(), TOPICS.len());
    let said = program.must(&["topics", "create", "--partitions", "5"]);
    assert!(said.contains("and not --partitions 5"), "{said}");
    assert!(said.contains("replication factor"), "{said}");

    let hand = Hand::new(&cluster, &created);
    settings_are_watched(&program, &hand);
    partitions_are_watched(&program, &hand);
}

fn does_not_start(program: &Program, reason: &str) {
    let ended = program.run(&["run", "--drain"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = "would break a promise, so the service does not start";
    assert!(ended.err.contains(said), "{ended:?}");
    assert!(ended.err.contains(reason), "{ended:?}");
}

fn settings_are_watched(program: &Program, hand: &Hand) {
    #[rustfmt::skip]
    let harms = [
        ("breaks", "conversation-events", "cleanup.policy", "compact"),
        ("breaks", "conversation-events", "retention.ms", "60000"),
        ("weakens", "conversation-events", "retention.ms", "172800000"),
        ("breaks", "conversation-events", "max.message.bytes", "1048588"),
        ("breaks", "conversation-events", "min.insync.replicas", "2"),
        ("breaks", "workspace-settings", "cleanup.policy", "delete"),
        ("breaks", "rating-requested", "message.timestamp.before.max.ms", "1000"),
        ("breaks", "rating-submitted", "retention.bytes", "1000000"),
        ("weakens", "eligibility-decided", "message.timestamp.type", "LogAppendTime"),
        ("breaks", "teammate-scorecards", "cleanup.policy", "compact,delete"),
        ("breaks", "dead-letters", "max.message.bytes", "4194304"),
        ("breaks", "afterword-state-changelog", "cleanup.policy", "delete"),
    ];
    for (severity, topic, setting, value) in harms {
        hand.alter(topic, Some((setting, value)));
        let ended = expect(program, &[(severity, topic, setting)]);
        let mend = format!("--entity-name {topic} --add-config {setting}=");
        assert!(ended.out.contains(&mend), "{ended:?}");
        hand.alter(topic, None);
    }
    expect(program, &[]);
}

fn partitions_are_watched(program: &Program, hand: &Hand) {
    // Too few for an output: what is told mends it.
    hand.delete("answer-refused");
    expect(program, &[("breaks", "answer-refused", "topic")]);
    hand.make("answer-refused", 2);
    let ended = expect(program, &[("breaks", "answer-refused", "partitions")]);
    let mend = "--alter --topic answer-refused --partitions 3";
    assert!(ended.out.contains(mend), "{ended:?}");
    hand.add_partitions("answer-refused", 3);
    expect(program, &[]);

    // Missing altogether: made again, with the partitions that the others have.
    hand.delete("answer-refused");
    expect(program, &[("breaks", "answer-refused", "topic")]);
    let created = create(program, &[]);
    assert_eq!(created["made"][0]["partitions"], 3, "{created}");
    expect(program, &[]);

    // Added to the facts, which moves conversations: nothing fits any more, and the changelog's finding says why.
    hand.add_partitions("conversation-events", 4);
    let others = TOPICS.into_iter().skip(2);
    let told: Vec<_> = others
        .map(|topic| ("breaks", topic, "partitions"))
        .collect();
    let ended = expect(program, &told);
    assert!(ended.out.contains("customers are asked twice"), "{ended:?}");
    does_not_start(
        program,
        "partitions: expected 4, as conversation-events has, found 3",
    );
}

#[test]
fn three_brokers_keep_three_copies() {
    let _turn = alone();
    let cluster = Cluster::start(3, Options::default());
    let program = Program::new(&cluster.bootstrap(), &[]);
    let created = create(&program, &["--partitions", "3"]);
    for made in created["made"].as_array().unwrap() {
        assert_eq!(made["replication_factor"], 3, "{made}");
        assert_eq!(made["settings"]["min.insync.replicas"], "2", "{made}");
    }
    assert_eq!(created["findings"], Json::Array(Vec::new()), "{created}");
    let said = program.must(&["topics", "check"]);
    assert!(said.contains("as they must be"), "{said}");

    let hand = Hand::new(&cluster, &created);
    let facts = "conversation-events";
    for (severity, setting, value) in [
        ("breaks", "min.insync.replicas", "1"),
        ("weakens", "min.insync.replicas", "3"),
        ("breaks", "unclean.leader.election.enable", "true"),
    ] {
        hand.alter(facts, Some((setting, value)));
        expect(&program, &[(severity, facts, setting)]);
        hand.alter(facts, None);
    }
    hand.delete("rating-requested");
    expect(&program, &[("breaks", "rating-requested", "topic")]);
    // One copy, of which two must acknowledge.
    hand.make("rating-requested", 3);
    let told = [
        ("breaks", "rating-requested", "min.insync.replicas"),
        ("weakens", "rating-requested", "replication factor"),
    ];
    expect(&program, &told);
}
