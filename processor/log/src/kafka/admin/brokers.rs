//! What differs of the brokers' own settings from what must be, and what that endangers.

use std::collections::BTreeMap;

use super::judge::unreadable;
use super::reach::{Seen, Settings};
use super::{Finding, Severity, topics};
use crate::kafka::KafkaOptions;

/// One setting of a broker.
struct BrokerRow {
    setting: &'static str,
    holds: fn(&str, &Demands) -> bool,
    expected: fn(&Demands) -> String,
    severity: Severity,
    endangers: &'static str,
}

/// What brokers' settings are compared with.
struct Demands {
    transaction_timeout_ms: i64,
    session_timeout_ms: i64,
}

fn at_least(found: &str, least: i64) -> bool {
    topics::as_number(found).is_some_and(|number| number >= least)
}

fn at_most(found: &str, most: i64) -> bool {
    topics::as_number(found).is_some_and(|number| number <= most)
}

/// What the clients say unless told otherwise.
const TRANSACTION_TIMEOUT_MS: i64 = 10_000;
const SESSION_TIMEOUT_MS: i64 = 6_000;
const WEEK_MINUTES: i64 = 7 * 24 * 60;

const BROKER_ROWS: &[BrokerRow] = &[
    BrokerRow {
        setting: "transaction.max.timeout.ms",
        holds: |found, demands| at_least(found, demands.transaction_timeout_ms),
        expected: |demands| format!("at least {}", demands.transaction_timeout_ms),
        severity: Severity::Breaks,
        endangers: "the program's transactions are refused",
    },
    BrokerRow {
        setting: "group.min.session.timeout.ms",
        holds: |found, demands| at_most(found, demands.session_timeout_ms),
        expected: |demands| format!("at most {}", demands.session_timeout_ms),
        severity: Severity::Breaks,
        endangers: "the group refuses the program's members; session.timeout.ms in [kafka.properties] can be raised",
    },
    BrokerRow {
        setting: "group.max.session.timeout.ms",
        holds: |found, demands| at_least(found, demands.session_timeout_ms),
        expected: |demands| format!("at least {}", demands.session_timeout_ms),
        severity: Severity::Breaks,
        endangers: "the group refuses the program's members; session.timeout.ms in [kafka.properties] can be lowered",
    },
    BrokerRow {
        setting: "offsets.retention.minutes",
        holds: |found, _| at_least(found, WEEK_MINUTES),
        expected: |_| format!("at least {WEEK_MINUTES}, a week"),
        severity: Severity::Weakens,
        endangers: "after a longer stop of all processes the group's positions are gone, and a person must look",
    },
    BrokerRow {
        setting: "auto.create.topics.enable",
        holds: |found, _| found == "false",
        expected: |_| "false".to_owned(),
        severity: Severity::Note,
        endangers: "a producer that comes before `afterword topics create` makes a topic that is not as it must be",
    },
    BrokerRow {
        setting: "log.cleaner.enable",
        holds: |found, _| found == "true",
        expected: |_| "true".to_owned(),
        severity: Severity::Weakens,
        endangers: "nothing is compacted: the changelog grows without end, and take-overs take ever longer",
    },
];

/// Of topics that the brokers make themselves when first needed: topic, broker's setting, its least value, what it endangers.
type Inner = (&'static str, &'static str, &'static str, u32, &'static str);

const TORN: &str = "with one broker's disk the decisions of transactions are lost: outputs without their positions, or the reverse";
const POSITIONS: &str = "with one broker's disk the group's positions are lost";

const INNER: &[Inner] = &[
    (
        "__transaction_state",
        "transaction.state.log.replication.factor",
        "replicas",
        3,
        TORN,
    ),
    (
        "__transaction_state",
        "transaction.state.log.min.isr",
        "min.insync.replicas",
        2,
        TORN,
    ),
    (
        "__consumer_offsets",
        "offsets.topic.replication.factor",
        "replicas",
        3,
        POSITIONS,
    ),
];

/// The topics that brokers make for themselves and that matter here.
pub fn is_inner(name: &str) -> bool {
    INNER.iter().any(|(topic, ..)| *topic == name)
}

/// Every finding about the brokers.
pub fn find(options: &KafkaOptions, seen: &Seen) -> Vec<Finding> {
    let told = |property: &str| options.properties.get(property)?.parse().ok();
    let demands = Demands {
        transaction_timeout_ms: told("transaction.timeout.ms").unwrap_or(TRANSACTION_TIMEOUT_MS),
        session_timeout_ms: told("session.timeout.ms").unwrap_or(SESSION_TIMEOUT_MS),
    };
    let mut findings = Vec::new();
    if seen.brokers.values().all(Settings::is_empty) {
        let mut finding = unreadable("brokers");
        finding.severity = Severity::Note;
        findings.push(finding);
    }
    for row in BROKER_ROWS {
        let mut differing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (id, settings) in &seen.brokers {
            let found = settings.get(row.setting);
            if let Some(found) = found.filter(|found| !(row.holds)(found, &demands)) {
                differing.entry(found).or_default().push(id.to_string());
            }
        }
        findings.extend(differing.into_iter().map(|(found, ids)| Finding {
            severity: row.severity,
            place: format!("broker {}", ids.join(", ")),
            setting: row.setting.to_owned(),
            expected: (row.expected)(&demands),
            found: found.to_owned(),
            endangers: row.endangers.to_owned(),
            mend: "the brokers' server.properties".to_owned(),
        }));
    }
    if seen.brokers.len() >= 3 {
        findings.extend(INNER.iter().filter_map(|inner| self::inner(seen, inner)));
    }
    findings
}

/// A topic that is there counts as it is; else the setting with which it will be made.
fn inner(seen: &Seen, (name, setting, part, least, endangers): &Inner) -> Option<Finding> {
    let of_broker = |settings: &Settings| settings.get(*setting)?.parse::<u32>().ok();
    let found = match (seen.topics.get(*name), *part) {
        (Some(topic), "replicas") => topic.replicas,
        (Some(topic), part) => topic.settings.get(part)?.parse().ok()?,
        (None, _) => seen.brokers.values().filter_map(of_broker).min()?,
    };
    (found < *least).then(|| Finding {
        severity: Severity::Weakens,
        place: (*name).to_owned(),
        setting: (*setting).to_owned(),
        expected: format!("at least {least}"),
        found: found.to_string(),
        endangers: (*endangers).to_owned(),
        mend: match *part {
            "replicas" => "the brokers' server.properties, and kafka-reassign-partitions.sh once the topic is there",
            _ => "the brokers' server.properties, and kafka-configs.sh --alter once the topic is there",
        }
        .to_owned(),
    })
}
