//! What each topic must be on Kafka: one table for `topics create` and `topics check`.

use super::reach::{Seen, SeenTopic};
use super::{Severity, Wish};
use crate::Topic;
use crate::kafka::KafkaOptions;

/// What a topic is for, which decides how it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Facts,
    Settings,
    Output,
    Scorecards,
    DeadLetters,
    Changelog,
}

/// Every topic of a group, facts first.
pub fn of_group(options: &KafkaOptions) -> Vec<(String, Use)> {
    let named = Topic::ALL.map(|topic| {
        let purpose = match topic {
            Topic::ConversationEvents => Use::Facts,
            Topic::WorkspaceSettings => Use::Settings,
            Topic::TeammateScorecards => Use::Scorecards,
            Topic::DeadLetters => Use::DeadLetters,
            Topic::RatingRequested
            | Topic::RatingSubmitted
            | Topic::EligibilityDecided
            | Topic::AnswerRefused => Use::Output,
        };
        (topic.name().to_owned(), purpose)
    });
    let mut topics = Vec::from(named);
    topics.push((options.changelog(), Use::Changelog));
    topics
}

impl Use {
    /// Partitions, when conversations have so many.
    pub fn partitions(self, of_facts: u32) -> u32 {
        match self {
            Use::Settings => 1,
            _ => of_facts,
        }
    }

    fn is_compacted(self) -> bool {
        matches!(self, Use::Settings | Use::Scorecards | Use::Changelog)
    }
}

/// How a setting's value is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    Equal,
    /// As a number; -1 is endless.
    AtLeast(i64),
    AtMost(i64),
    /// Only made so; any other value does no harm.
    Any,
}

/// One setting of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub setting: &'static str,
    /// With which the topic is made, and which is recommended.
    pub value: String,
    pub test: Test,
    pub severity: Severity,
    pub endangers: &'static str,
}

/// Of the largest record of facts: a text of 262,144 characters of 4 bytes, and what else is in it.
const FACT_BYTES: i64 = 2 << 20;
/// The largest record that topics are made for.
pub const RECORD_BYTES: i64 = 4 << 20;
/// What facts may be at most, so that each fits into a dead letter.
const FACT_BYTES_MOST: i64 = PRODUCER_MESSAGE_MAX_BYTES - DEAD_LETTER_BYTES;
/// What a dead letter has beside the record that it holds.
const DEAD_LETTER_BYTES: i64 = 64 << 10;
/// `message.max.bytes` of a producer: more than any record of the topics as they are made, dead letters too.
pub const PRODUCER_MESSAGE_MAX_BYTES: i64 = 5 << 20;

const SEGMENT_BYTES: i64 = 64 << 20;
const LARGE_SEGMENT_BYTES: i64 = 256 << 20;
const DAY_MS: i64 = 86_400_000;
/// Less than this is gone before a failure that happens on a weekend is mended.
const SHORT_MS: i64 = 7 * DAY_MS;
/// What a fact takes on disk, at most, on average.
const FACT_ON_DISK_BYTES: i64 = 2_048;

/// Every setting of a topic that matters. `seen` is the topic of facts, if there is one.
pub fn rows(purpose: Use, replicas: u32, wish: &Wish, facts: Option<&SeenTopic>) -> Vec<Row> {
    let mut rows = vec![policy(purpose), size(purpose, facts)];
    if purpose == Use::Facts {
        rows.push(Row {
            test: Test::AtMost(FACT_BYTES_MOST),
            endangers: "a larger record that cannot be decoded would stop its partition, since no dead letter can hold it",
            ..size(purpose, facts)
        });
    }
    rows.extend(times(purpose, facts));
    rows.extend(copies(replicas));
    if !purpose.is_compacted() {
        rows.extend(retention(purpose, wish));
    }
    if purpose == Use::Settings {
        // A version that contradicts an earlier one is refused, and must not outlive it by having the same key.
        rows.push(Row {
            setting: "min.compaction.lag.ms",
            value: i64::MAX.to_string(),
            test: Test::AtLeast(365 * DAY_MS),
            severity: Severity::Weakens,
            endangers: "a refused version of a workspace's settings would replace the one in force that has its number",
        });
    }
    if purpose == Use::Changelog {
        let slow = "taking a partition over takes longer: its states are read back from more that is outdated";
        rows.push(Row {
            setting: "segment.bytes",
            value: SEGMENT_BYTES.to_string(),
            test: Test::AtMost(LARGE_SEGMENT_BYTES),
            severity: Severity::Note,
            endangers: slow,
        });
        rows.push(Row {
            setting: "min.cleanable.dirty.ratio",
            value: "0.3".to_owned(),
            test: Test::Any,
            severity: Severity::Note,
            endangers: slow,
        });
        rows.push(Row {
            setting: "max.compaction.lag.ms",
            value: (7 * DAY_MS).to_string(),
            test: Test::AtMost(30 * DAY_MS),
            severity: Severity::Note,
            endangers: "what `afterword erase` took out of states may stay in their older records for ever",
        });
    }
    rows
}

fn policy(purpose: Use) -> Row {
    let (value, endangers) = match purpose {
        Use::Facts => (
            "delete",
            "facts: compaction removes all but the latest fact of a conversation",
        ),
        Use::Output | Use::DeadLetters => (
            "delete",
            "outputs: compaction removes all but the latest of a conversation",
        ),
        Use::Settings => (
            "compact",
            "workspaces' settings: what deletion removes, decisions no longer know",
        ),
        Use::Scorecards => (
            "compact",
            "scorecards: the latest of a key must stay, however old",
        ),
        Use::Changelog => (
            "compact",
            "states: what deletion removes is a conversation forgotten, asked twice",
        ),
    };
    Row {
        setting: "cleanup.policy",
        value: value.to_owned(),
        test: Test::Equal,
        severity: Severity::Breaks,
        endangers,
    }
}

fn size(purpose: Use, facts: Option<&SeenTopic>) -> Row {
    let (value, least, endangers) = match purpose {
        Use::DeadLetters => {
            let of_facts = facts.and_then(|facts| number(facts, "max.message.bytes"));
            let least = of_facts.unwrap_or(RECORD_BYTES) + DEAD_LETTER_BYTES;
            (
                least.max(PRODUCER_MESSAGE_MAX_BYTES),
                least,
                "a large record that cannot be decoded would stop its partition, since no dead letter can hold it",
            )
        }
        _ => (
            RECORD_BYTES,
            FACT_BYTES,
            "a fact of the largest size, or what follows from it, would be refused",
        ),
    };
    Row {
        setting: "max.message.bytes",
        value: value.to_string(),
        test: Test::AtLeast(least),
        severity: Severity::Breaks,
        endangers,
    }
}

/// Outputs bear their fact's time, however long ago that was.
fn times(purpose: Use, facts: Option<&SeenTopic>) -> [Row; 3] {
    let after = "message.timestamp.after.max.ms";
    let before = "message.timestamp.before.max.ms";
    let of_facts = |setting| facts.and_then(|facts| number(facts, setting));
    let is_caused = matches!(purpose, Use::Output | Use::DeadLetters);
    let row = |setting, least: i64, severity, endangers| Row {
        setting,
        value: i64::MAX.to_string(),
        test: Test::AtLeast(least),
        severity,
        endangers,
    };
    let stops = "an output bears its fact's time: it would be refused, and its partition stops";
    let (late, early) = match is_caused {
        true => (
            row(before, i64::MAX, Severity::Breaks, stops),
            row(after, of_facts(after).unwrap_or(0), Severity::Breaks, stops),
        ),
        false => (
            row(
                before,
                i64::MAX,
                Severity::Weakens,
                "records of long ago are refused, as when history is imported",
            ),
            // An hour is what brokers of today begin with: enough for clocks that differ.
            row(
                after,
                60_000,
                Severity::Weakens,
                "records of a machine whose clock is a little ahead are refused",
            ),
        ),
    };
    let (severity, endangers) = match purpose {
        Use::DeadLetters => (
            Severity::Breaks,
            "a dead letter keeps the time of the record that it holds",
        ),
        _ => (
            Severity::Weakens,
            "records keep the time of their fact, by which their age is told",
        ),
    };
    let kind = Row {
        setting: "message.timestamp.type",
        value: "CreateTime".to_owned(),
        test: Test::Equal,
        severity,
        endangers,
    };
    [kind, late, early]
}

/// How many copies must have a record before it is acknowledged.
pub fn in_sync(replicas: u32) -> u32 {
    replicas.clamp(1, 2)
}

fn copies(replicas: u32) -> Vec<Row> {
    let unclean = Row {
        setting: "unclean.leader.election.enable",
        value: "false".to_owned(),
        test: Test::Equal,
        severity: if replicas > 1 {
            Severity::Breaks
        } else {
            Severity::Note
        },
        endangers: "what was acknowledged disappears when a copy that lags becomes the leader",
    };
    let row = |test, severity, endangers| Row {
        setting: "min.insync.replicas",
        value: in_sync(replicas).to_string(),
        test,
        severity,
        endangers,
    };
    let at_most = |most: u32| Test::AtMost(i64::from(most));
    let mut rows = vec![
        unclean,
        row(
            Test::AtLeast(i64::from(in_sync(replicas))),
            Severity::Breaks,
            "what one broker alone has is acknowledged, and lost with its disk",
        ),
        row(
            at_most(replicas),
            Severity::Breaks,
            "there are fewer copies than that: nothing can ever be written",
        ),
    ];
    if replicas > 2 {
        let waits = "all copies must be there: nothing is written while one broker is away";
        rows.push(row(at_most(replicas - 1), Severity::Weakens, waits));
    }
    rows
}

fn retention(purpose: Use, wish: &Wish) -> Vec<Row> {
    let (gone, soon) = match purpose {
        Use::Facts => (
            "facts that are not folded yet, or must be folded again after a crash, are removed",
            "a stop of the service that lasts longer loses facts",
        ),
        _ => (
            "outputs are removed before they are projected; they bear their fact's time",
            "a stop of the projector that lasts longer loses outputs from the reports",
        ),
    };
    let kept = "`explain`, `verify`, `replay` know only what is still there, and no new report database can be made from it";
    let value = wish
        .retention_ms
        .map_or(-1, |ms| i64::try_from(ms).unwrap_or(-1));
    let time = |least: i64, severity, endangers| Row {
        setting: "retention.ms",
        value: value.to_string(),
        test: Test::AtLeast(least),
        severity,
        endangers,
    };
    let bytes = |least: i64, severity, endangers| Row {
        setting: "retention.bytes",
        value: "-1".to_owned(),
        test: Test::AtLeast(least),
        severity,
        endangers,
    };
    let debt = i64::try_from(wish.debt_facts).unwrap_or(i64::MAX);
    let debt_bytes = debt.saturating_mul(FACT_ON_DISK_BYTES);
    vec![
        time(DAY_MS, Severity::Breaks, gone),
        time(SHORT_MS, Severity::Weakens, soon),
        time(
            if value < 0 { i64::MAX } else { value },
            Severity::Note,
            kept,
        ),
        bytes(debt_bytes, Severity::Breaks, gone),
        bytes(i64::MAX, Severity::Weakens, kept),
    ]
}

/// A setting as a number; -1, which means no limit, as the greatest there is.
pub fn number(topic: &SeenTopic, setting: &str) -> Option<i64> {
    let value = topic.settings.get(setting)?;
    as_number(value)
}

pub fn as_number(value: &str) -> Option<i64> {
    match value.parse::<i64>() {
        Ok(-1) => Some(i64::MAX),
        Ok(number) => Some(number),
        Err(_) => None,
    }
}

/// The topic of facts, if there is one.
pub fn facts(seen: &Seen) -> Option<&SeenTopic> {
    seen.topics.get(Topic::ConversationEvents.name())
}
