//! What the topics and brokers must be so that the promises hold: made by [`create`], compared by [`check`].

mod brokers;
mod erasing;
mod judge;
mod reach;
mod topics;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use thiserror::Error;

use reach::{Reached, Seen};
use topics::Row;

use super::KafkaOptions;

pub use erasing::{Before, Behind, Brokers, Kept, Lifetimes};
pub use topics::PRODUCER_MESSAGE_MAX_BYTES;
pub(super) use topics::RECORD_BYTES;

/// What an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Of a new topic of facts; one that is there keeps its own.
    pub partitions: u32,
    /// `None`: 3 when there are so many brokers, else 1.
    pub replicas: Option<u32>,
    /// How long facts, outputs and dead letters are kept; `None`: for ever.
    pub retention_ms: Option<u64>,
    /// Facts that may be folded again after a crash: they must still be there.
    pub debt_facts: u64,
}

/// What a difference does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A promise does not hold: the service does not start.
    Breaks,
    /// All goes well until something else fails.
    Weakens,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Breaks => "breaks",
            Severity::Weakens => "weakens",
            Severity::Note => "note",
        }
    }
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// A topic, or brokers.
    pub place: String,
    pub setting: String,
    pub expected: String,
    pub found: String,
    /// What it endangers.
    pub endangers: String,
    /// A command or what else mends it.
    pub mend: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finding {
            place,
            setting,
            expected,
            found,
            endangers,
            mend,
            ..
        } = self;
        write!(
            f,
            "{place}: {setting}: expected {expected}, found {found}; {endangers}; to mend it: {mend}"
        )
    }
}

/// A topic that [`create`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub topic: String,
    pub partitions: u32,
    pub replicas: u32,
    pub settings: Vec<(String, String)>,
}

/// What [`create`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub made: Vec<Made>,
    /// Topics that were there, and were left as they are.
    pub kept: Vec<String>,
    /// What differs now.
    pub findings: Vec<Finding>,
}

/// Why the cluster could not be looked at or changed, by what to do next.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AdminError {
    /// No broker answers: it may be better later.
    #[error("Kafka cannot be reached: {0}")]
    Unreachable(String),
    /// A broker or the client's library refuses what is asked: a person must change something.
    #[error("Kafka refuses: {0}")]
    Refused(String),
}

/// How long the controller may take to make topics.
const MADE_WITHIN: Duration = Duration::from_secs(60);
const BETWEEN: Duration = Duration::from_millis(200);

/// Makes the topics that are missing, and says what differs of those that are there. Alters none.
///
/// # Errors
/// When the brokers cannot be reached, or refuse to make one; those made before stay.
pub fn create(options: &KafkaOptions, wish: &Wish) -> Result<Report, AdminError> {
    let reached = Reached::new(options)?;
    let seen = look(options, &reached)?;
    let mut report = Report {
        made: Vec::new(),
        kept: Vec::new(),
        findings: Vec::new(),
    };
    let partitions = topics::facts(&seen).map_or(wish.partitions, |facts| facts.partitions);
    let replicas = wish
        .replicas
        .unwrap_or_else(|| judge::copies(seen.brokers.len()));
    for (name, purpose) in topics::of_group(options) {
        if seen.topics.contains_key(&name) {
            report.kept.push(name);
            continue;
        }
        let rows = topics::rows(purpose, replicas, wish, topics::facts(&seen));
        report.made.push(Made {
            topic: name,
            partitions: purpose.partitions(partitions),
            replicas,
            settings: settings(&rows, &seen),
        });
    }
    make(&reached, &report.made)?;
    let seen = wait_for(options, &reached, &report.made)?;
    report.findings = findings(options, wish, &seen);
    Ok(report)
}

/// Compares topics and brokers with what they must be; the worst first.
///
/// # Errors
/// When the brokers cannot be reached.
pub fn check(options: &KafkaOptions, wish: &Wish) -> Result<Vec<Finding>, AdminError> {
    let reached = Reached::new(options)?;
    let seen = look(options, &reached)?;
    Ok(findings(options, wish, &seen))
}

/// As [`check`], for the service's start: it must refuse when a finding [`Severity::Breaks`] a promise.
///
/// # Errors
/// When the brokers cannot be reached.
pub fn check_for_run(options: &KafkaOptions, debt_facts: u64) -> Result<Vec<Finding>, AdminError> {
    let wish = Wish {
        partitions: 0,
        replicas: None,
        retention_ms: None,
        debt_facts,
    };
    check(options, &wish)
}

/// Waits until a broker answers, and says in a person's words why none does.
///
/// # Errors
/// When none does within 15 s, or one refuses us.
pub fn reach(options: &KafkaOptions) -> Result<(), AdminError> {
    Reached::new(options).map(|_| ())
}

/// What is there of ours, and the brokers.
fn look(options: &KafkaOptions, reached: &Reached) -> Result<Seen, AdminError> {
    let ours = topics::of_group(options);
    reached.look(|name| brokers::is_inner(name) || ours.iter().any(|(our, _)| our == name))
}

fn findings(options: &KafkaOptions, wish: &Wish, seen: &Seen) -> Vec<Finding> {
    let mut findings = judge::topics(options, wish, seen);
    findings.extend(brokers::find(options, seen));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// The settings that a topic is made with: each once, and only those that the brokers know.
fn settings(rows: &[Row], seen: &Seen) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = Vec::new();
    for row in rows {
        // Brokers before 3.6 do not know these two, and refuse a topic with a setting that they do not know.
        let is_new =
            row.setting.starts_with("message.timestamp.") && row.setting.ends_with(".max.ms");
        let of_brokers = format!("log.{}", row.setting);
        let is_known = |broker: &reach::Settings| broker.contains_key(&of_brokers);
        let is_set = settings.iter().any(|(name, _)| name == row.setting);
        if !is_set && (!is_new || seen.brokers.values().all(is_known)) {
            settings.push((row.setting.to_owned(), row.value.clone()));
        }
    }
    settings
}

fn make(reached: &Reached, wanted: &[Made]) -> Result<(), AdminError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let new = wanted.iter().map(|made| {
        let replication = TopicReplication::Fixed(number(made.replicas));
        let topic = NewTopic::new(&made.topic, number(made.partitions), replication);
        let settings = made.settings.iter();
        settings.fold(topic, |topic, (name, value)| topic.set(name, value))
    });
    let new: Vec<_> = new.collect();
    let limits = AdminOptions::new()
        .request_timeout(Some(MADE_WITHIN))
        .operation_timeout(Some(MADE_WITHIN));
    let made = block_on(reached.admin().create_topics(&new, &limits))
        .map_err(|error| AdminError::Unreachable(format!("making topics: {error}")))?;
    let refused = made.into_iter().filter_map(Result::err);
    let refused: Vec<String> = refused
        .filter(|(_, code)| *code != RDKafkaErrorCode::TopicAlreadyExists)
        .map(|(topic, code)| format!("{topic}: {code}; {}", hint(code)))
        .collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(AdminError::Refused(format!(
            "to make {}",
            refused.join("; ")
        ))),
    }
}

fn hint(code: RDKafkaErrorCode) -> &'static str {
    match code {
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => {
            "allow Create on the cluster or on these topics to the program's user"
        }
        RDKafkaErrorCode::InvalidReplicationFactor => {
            "there are fewer brokers than copies: say --replication-factor"
        }
        RDKafkaErrorCode::PolicyViolation => {
            "a policy of the brokers forbids it: ask who runs them"
        }
        RDKafkaErrorCode::InvalidConfig => {
            "the brokers do not take one of its settings; is this Kafka older than 2.5?"
        }
        _ => "the brokers' own logs say more",
    }
}

/// Waits until every topic that was made is seen with a leader of each partition.
fn wait_for(options: &KafkaOptions, reached: &Reached, made: &[Made]) -> Result<Seen, AdminError> {
    let until = Instant::now() + MADE_WITHIN;
    loop {
        let seen = look(options, reached)?;
        let is_there = |made: &Made| {
            let topic = seen.topics.get(&made.topic);
            topic.is_some_and(|topic| {
                topic.partitions == made.partitions && topic.leaderless.is_empty()
            })
        };
        if made.iter().all(is_there) || Instant::now() >= until {
            return Ok(seen);
        }
        std::thread::sleep(BETWEEN);
    }
}
