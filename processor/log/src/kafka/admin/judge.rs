//! What differs of the topics from what must be, and what that endangers.

use super::reach::{Seen, SeenTopic};
use super::topics::{self, Row, Test, Use};
use super::{Finding, Severity, Wish};
use crate::Topic;
use crate::kafka::KafkaOptions;

/// Copies that a cluster of so many brokers can and should keep.
pub fn copies(brokers: usize) -> u32 {
    if brokers >= 3 { 3 } else { 1 }
}

/// Every finding about the topics, in their order.
pub fn topics(options: &KafkaOptions, wish: &Wish, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, purpose) in topics::of_group(options) {
        match seen.topics.get(&name) {
            Some(topic) => {
                findings.extend(one(options, wish, seen, (&name, purpose, topic)));
            }
            None => findings.push(Finding {
                severity: Severity::Breaks,
                place: name,
                setting: "topic".to_owned(),
                expected: "there".to_owned(),
                found: "none, or none that may be described".to_owned(),
                endangers: "nothing works without it".to_owned(),
                mend: "afterword topics create".to_owned(),
            }),
        }
    }
    findings
}

fn one(
    options: &KafkaOptions,
    wish: &Wish,
    seen: &Seen,
    (name, purpose, topic): (&str, Use, &SeenTopic),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(partitions(options, seen, (name, purpose, topic)));
    findings.extend(replicas(seen, name, topic));
    findings.extend(leaders(name, topic));
    if topic.settings.is_empty() {
        findings.push(unreadable(name));
    }
    for row in topics::rows(purpose, topic.replicas, wish, topics::facts(seen)) {
        let is_told = findings.iter().any(|told| told.setting == row.setting);
        let held = topic.settings.get(row.setting);
        let Some(found) = held.filter(|found| !is_told && !holds(&row, found)) else {
            continue;
        };
        findings.push(Finding {
            severity: row.severity,
            place: name.to_owned(),
            setting: row.setting.to_owned(),
            expected: expected(&row),
            found: found.clone(),
            endangers: row.endangers.to_owned(),
            mend: alter(options, name, &row),
        });
    }
    findings
}

/// Whether a setting's value is as it must be.
pub fn holds(row: &Row, found: &str) -> bool {
    let number = || topics::as_number(found);
    match row.test {
        Test::Equal => found == row.value,
        Test::AtLeast(least) => number().is_some_and(|number| number >= least),
        Test::AtMost(most) => number().is_some_and(|number| number <= most),
        Test::Any => true,
    }
}

/// The command of Kafka's own that alters a topic's setting.
fn alter(options: &KafkaOptions, topic: &str, row: &Row) -> String {
    let servers = &options.bootstrap_servers;
    format!(
        "kafka-configs.sh --bootstrap-server {servers} --alter --entity-type topics --entity-name {topic} --add-config {}={}",
        row.setting, row.value
    )
}

fn expected(row: &Row) -> String {
    match row.test {
        Test::AtLeast(i64::MAX) if row.value == "-1" => "-1 (no limit)".to_owned(),
        Test::AtLeast(i64::MAX) => format!("{} (no limit)", row.value),
        Test::AtLeast(least) => format!("at least {least}"),
        Test::AtMost(most) => format!("at most {most}"),
        Test::Equal | Test::Any => row.value.clone(),
    }
}

fn partitions(
    options: &KafkaOptions,
    seen: &Seen,
    (name, purpose, topic): (&str, Use, &SeenTopic),
) -> Option<Finding> {
    let facts = Topic::ConversationEvents.name();
    let of_facts = seen.topics.get(facts)?.partitions;
    let expected = purpose.partitions(of_facts);
    if topic.partitions == expected {
        return None;
    }
    let changelog = options.changelog();
    let servers = &options.bootstrap_servers;
    let (endangers, mend) = match purpose {
        Use::Settings => (
            "versions of a workspace's settings are read from one partition, in order".to_owned(),
            format!("stop every process, keep `afterword settings get`, delete {name}, `afterword topics create`, `afterword settings put`"),
        ),
        Use::Changelog if topic.partitions < expected => (
            format!("partitions were added to {facts}: conversations move to others and leave their states behind, and customers are asked twice"),
            format!("Kafka takes no partition away: copy the facts into a new {facts} of {} partitions, in their order; {changelog} must stay as it is", topic.partitions),
        ),
        _ if topic.partitions < expected => (
            "what follows from a fact goes to the partition of the fact's number, which is not there".to_owned(),
            format!("kafka-topics.sh --bootstrap-server {servers} --alter --topic {name} --partitions {expected}"),
        ),
        _ => (
            "what follows from a fact goes to the partition of the fact's number: readers would wait at others, and a state restored from them is not the one".to_owned(),
            format!("Kafka takes no partition away: stop every process, keep what {name} holds, delete it, then `afterword topics create`"),
        ),
    };
    Some(Finding {
        severity: Severity::Breaks,
        place: name.to_owned(),
        setting: "partitions".to_owned(),
        expected: match purpose {
            Use::Settings => expected.to_string(),
            _ => format!("{expected}, as {facts} has"),
        },
        found: topic.partitions.to_string(),
        endangers,
        mend,
    })
}

fn replicas(seen: &Seen, name: &str, topic: &SeenTopic) -> Option<Finding> {
    let brokers = seen.brokers.len();
    let wanted = copies(brokers);
    let (severity, expected) = match topic.replicas {
        0 | 1 if wanted == 1 => (Severity::Note, "3, of 3 brokers or more".to_owned()),
        copies if copies < wanted => (Severity::Weakens, wanted.to_string()),
        _ => return None,
    };
    let endangers = match topic.replicas {
        0 | 1 => {
            "each record is on one broker alone: lost with its disk, out of reach while it is away"
        }
        _ => "with one broker away nothing can be written, since two copies must acknowledge",
    };
    let mend = match severity {
        Severity::Note => "add brokers, then move partitions with kafka-reassign-partitions.sh",
        _ => "kafka-reassign-partitions.sh, with more replicas of each partition",
    };
    Some(Finding {
        severity,
        place: name.to_owned(),
        setting: "replication factor".to_owned(),
        expected,
        found: topic.replicas.to_string(),
        endangers: endangers.to_owned(),
        mend: mend.to_owned(),
    })
}

fn leaders(name: &str, topic: &SeenTopic) -> Option<Finding> {
    let gone: Vec<String> = topic.leaderless.iter().map(i32::to_string).collect();
    (!gone.is_empty()).then(|| Finding {
        severity: Severity::Weakens,
        place: name.to_owned(),
        setting: "leader".to_owned(),
        expected: "one of each partition".to_owned(),
        found: format!("none of {}", gone.join(", ")),
        endangers: "these partitions wait until a broker that has them is back".to_owned(),
        mend: "start the brokers that are away".to_owned(),
    })
}

pub fn unreadable(place: &str) -> Finding {
    Finding {
        severity: Severity::Weakens,
        place: place.to_owned(),
        setting: "settings".to_owned(),
        expected: "readable".to_owned(),
        found: "none that may be read".to_owned(),
        endangers: "nobody knows whether they are as they must be".to_owned(),
        mend: "allow DescribeConfigs on it to the program's user".to_owned(),
    }
}
