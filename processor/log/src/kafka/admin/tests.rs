//! What is found of a cluster that is as it must be, and of one where a single thing is not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reach::{Seen, SeenTopic, Settings};
use super::topics::{Use, of_group, rows};
use super::{Finding, Severity, Wish, findings, settings};
use crate::kafka::KafkaOptions;

fn options() -> KafkaOptions {
    KafkaOptions {
        bootstrap_servers: "k:9092".to_owned(),
        group: "g".to_owned(),
        properties: BTreeMap::new(),
        data_dir: PathBuf::new(),
        cache_bytes: 0,
    }
}

fn wish() -> Wish {
    Wish {
        partitions: 12,
        replicas: None,
        retention_ms: None,
        debt_facts: 200_000,
    }
}

/// As `create` makes it on so many brokers.
fn cluster(brokers: i32, replicas: u32) -> Seen {
    let of_broker = [
        ("log.message.timestamp.after.max.ms", "3600000"),
        ("log.message.timestamp.before.max.ms", "9223372036854775807"),
        ("transaction.max.timeout.ms", "900000"),
        ("group.min.session.timeout.ms", "6000"),
        ("group.max.session.timeout.ms", "1800000"),
        ("offsets.retention.minutes", "10080"),
        ("auto.create.topics.enable", "false"),
        ("log.cleaner.enable", "true"),
        ("transaction.state.log.replication.factor", "3"),
        ("transaction.state.log.min.isr", "2"),
        ("offsets.topic.replication.factor", "3"),
    ];
    let of_broker: Settings = of_broker
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut seen = Seen {
        brokers: (1..=brokers).map(|id| (id, of_broker.clone())).collect(),
        topics: BTreeMap::new(),
    };
    for (name, purpose) in of_group(&options()) {
        let rows = rows(purpose, replicas, &wish(), None);
        let topic = SeenTopic {
            partitions: purpose.partitions(12),
            replicas,
            leaderless: Vec::new(),
            settings: settings(&rows, &seen).into_iter().collect(),
        };
        seen.topics.insert(name, topic);
    }
    seen
}

fn found(seen: &Seen) -> Vec<Finding> {
    findings(&options(), &wish(), seen)
}

/// Breaks one thing of three brokers' cluster, and expects one finding of it.
fn check(severity: Severity, place: &str, setting: &str, harm: impl Fn(&mut Seen)) {
    let mut seen = cluster(3, 3);
    harm(&mut seen);
    let found = found(&seen);
    let told: Vec<_> = found
        .iter()
        .map(|told| (told.severity, told.place.as_str(), told.setting.as_str()))
        .collect();
    assert_eq!(told, [(severity, place, setting)], "{found:#?}");
}

fn set(severity: Severity, topic: &str, setting: &str, value: &str) {
    check(severity, topic, setting, |seen| {
        let topic = seen.topics.get_mut(topic).expect("a topic");
        topic.settings.insert(setting.to_owned(), value.to_owned());
    });
}

#[test]
fn what_create_makes_is_as_it_must_be() {
    assert_eq!(found(&cluster(3, 3)), []);
    assert_eq!(found(&cluster(5, 3)), []);
    let alone = found(&cluster(1, 1));
    assert_eq!(alone.len(), of_group(&options()).len(), "{alone:#?}");
    assert!(
        alone
            .iter()
            .all(|told| told.severity == Severity::Note && told.setting == "replication factor")
    );
}

#[test]
fn a_setting_that_breaks_a_promise_is_found() {
    let breaks = |topic, setting, value| set(Severity::Breaks, topic, setting, value);
    breaks("conversation-events", "cleanup.policy", "compact");
    breaks("conversation-events", "cleanup.policy", "compact,delete");
    breaks("conversation-events", "retention.ms", "3600000");
    breaks("conversation-events", "retention.bytes", "1000000");
    breaks("conversation-events", "max.message.bytes", "1048588");
    breaks("conversation-events", "min.insync.replicas", "1");
    breaks("conversation-events", "min.insync.replicas", "4");
    breaks("rating-requested", "unclean.leader.election.enable", "true");
    breaks(
        "rating-submitted",
        "message.timestamp.before.max.ms",
        "1000",
    );
    breaks("rating-submitted", "message.timestamp.after.max.ms", "1000");
    breaks("workspace-settings", "cleanup.policy", "delete");
    breaks("teammate-scorecards", "cleanup.policy", "delete");
    breaks("g-state-changelog", "cleanup.policy", "delete");
    breaks("dead-letters", "max.message.bytes", "4194304");
    breaks("dead-letters", "message.timestamp.type", "LogAppendTime");
}

#[test]
fn a_setting_that_weakens_is_found() {
    let weakens = |topic, setting, value| set(Severity::Weakens, topic, setting, value);
    weakens("conversation-events", "retention.ms", "172800000");
    weakens("conversation-events", "retention.bytes", "10737418240");
    weakens("conversation-events", "min.insync.replicas", "3");
    weakens(
        "conversation-events",
        "message.timestamp.before.max.ms",
        "1000",
    );
    weakens(
        "rating-requested",
        "message.timestamp.type",
        "LogAppendTime",
    );
    set(
        Severity::Note,
        "rating-requested",
        "retention.ms",
        "8640000000",
    );
    set(
        Severity::Note,
        "g-state-changelog",
        "segment.bytes",
        "1073741824",
    );
}

#[test]
fn a_record_too_large_for_any_dead_letter_is_foreseen() {
    let mut seen = cluster(3, 3);
    for topic in ["conversation-events", "dead-letters"] {
        let topic = seen.topics.get_mut(topic).expect("a topic");
        let size = "100000000".to_owned();
        topic.settings.insert("max.message.bytes".to_owned(), size);
    }
    let places: Vec<_> = found(&seen).into_iter().map(|told| told.place).collect();
    assert_eq!(places, ["conversation-events", "dead-letters"]);
}

#[test]
fn partitions_that_do_not_fit_are_found() {
    for (name, purpose) in of_group(&options()) {
        let wrong = if purpose == Use::Settings { 2 } else { 6 };
        if purpose == Use::Facts {
            continue;
        }
        check(Severity::Breaks, &name, "partitions", |seen| {
            seen.topics.get_mut(&name).expect("a topic").partitions = wrong;
        });
        check(Severity::Breaks, &name, "topic", |seen| {
            seen.topics.remove(&name);
        });
    }
    let mut seen = cluster(3, 3);
    let facts = seen.topics.get_mut("conversation-events");
    facts.expect("the facts").partitions = 24;
    let found = found(&seen);
    assert_eq!(found.len(), of_group(&options()).len() - 2, "{found:#?}");
    let changelog = found.iter().find(|told| told.place == "g-state-changelog");
    let mend = &changelog.expect("found").mend;
    assert!(
        mend.contains("new conversation-events of 12 partitions"),
        "{mend}"
    );
}

#[test]
fn copies_and_leaders_are_counted() {
    check(Severity::Weakens, "answer-refused", "leader", |seen| {
        let topic = seen.topics.get_mut("answer-refused").expect("a topic");
        topic.leaderless = vec![3];
    });
    let seen = cluster(3, 1);
    let found = found(&seen);
    assert!(
        found
            .iter()
            .all(|told| told.setting == "replication factor" && told.severity == Severity::Weakens),
        "{found:#?}"
    );
}

#[test]
fn brokers_are_looked_at() {
    let of_broker = |severity, place: &str, setting: &str, value: &str| {
        check(severity, place, setting, |seen| {
            let broker = seen.brokers.get_mut(&2).expect("a broker");
            broker.insert(setting.to_owned(), value.to_owned());
        });
    };
    of_broker(
        Severity::Breaks,
        "broker 2",
        "transaction.max.timeout.ms",
        "5000",
    );
    of_broker(
        Severity::Breaks,
        "broker 2",
        "group.min.session.timeout.ms",
        "10000",
    );
    of_broker(
        Severity::Weakens,
        "broker 2",
        "offsets.retention.minutes",
        "60",
    );
    of_broker(
        Severity::Note,
        "broker 2",
        "auto.create.topics.enable",
        "true",
    );
    let inner = "__transaction_state";
    of_broker(
        Severity::Weakens,
        inner,
        "transaction.state.log.min.isr",
        "1",
    );
    check(Severity::Note, "brokers", "settings", |seen| {
        seen.brokers.values_mut().for_each(Settings::clear);
    });
    check(
        Severity::Weakens,
        inner,
        "transaction.state.log.replication.factor",
        |seen| {
            let settings = [("min.insync.replicas".to_owned(), "2".to_owned())].into();
            let topic = SeenTopic {
                partitions: 50,
                replicas: 1,
                leaderless: Vec::new(),
                settings,
            };
            seen.topics.insert(inner.to_owned(), topic);
        },
    );
}

#[test]
fn what_may_not_be_read_is_told_once() {
    check(Severity::Weakens, "dead-letters", "settings", |seen| {
        seen.topics
            .get_mut("dead-letters")
            .expect("a topic")
            .settings
            .clear();
    });
}
