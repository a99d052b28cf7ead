//! Compares what a simulated life left behind with what the rules say of the same log.

use std::collections::BTreeMap;
use std::fmt;

use afterword_domain::{Conversation, Effects, Rules, SettingsTable, fold};
use afterword_log::simulated::SimulatedLog;
use afterword_log::{INDEX_HEADER, Meta, Offset, Reader, Record, SOURCE_HEADER, Topic};
use afterword_schemas::records::{Output, WorkspaceSettings};
use afterword_schemas::{Framing, encode};

use super::run::{PARTITION, encoded, poisonous};
use super::traced;
use crate::facts::{Entry, GeneratedLog};
use crate::model::{DEFAULT_THRESHOLDS, OwnedFact, fold_knowing};

/// What was wrong.
#[derive(Debug)]
pub enum Violation {
    /// The task stopped although nothing was beyond repair.
    Stopped(String),
    /// Nothing failed any more, and still the log was not folded to its end.
    NoProgress,
    /// The committed positions do not follow one another to the end of the log.
    Positions(String),
    /// A topic's records are not those that the rules say, in their order.
    Outputs {
        topic: Topic,
        at: usize,
        expected: String,
        found: String,
    },
    /// A stored state is not that of a plain fold.
    State {
        key: String,
        expected: String,
        found: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Stopped(reason) => write!(f, "the task stopped: {reason}"),
            Violation::NoProgress => f.write_str("the log is not folded to its end"),
            Violation::Positions(what) => write!(f, "positions: {what}"),
            Violation::Outputs {
                topic,
                at,
                expected,
                found,
            } => {
                write!(
                    f,
                    "{topic}, record {at}:\n  expected {expected}\n  found    {found}"
                )
            }
            Violation::State {
                key,
                expected,
                found,
            } => {
                write!(
                    f,
                    "the state of {key}:\n  expected {expected}\n  found    {found}"
                )
            }
        }
    }
}

/// Checks every output topic, the dead letters and the states. `is_dead` tells which facts must be dead letters.
pub fn outputs(
    log: &SimulatedLog,
    generated: &GeneratedLog,
    is_dead: fn(&OwnedFact) -> bool,
) -> Result<(), Violation> {
    let placed = Placed::of(generated, is_dead);
    let known = Known::of(log, &placed)?;
    let facts: Vec<OwnedFact> = placed
        .facts
        .iter()
        .map(|(_, fact)| (*fact).clone())
        .collect();
    let knowledge = |index: usize| known.at(placed.facts[index].0);
    let folded = fold_knowing(&facts, &knowledge, DEFAULT_THRESHOLDS);
    let mut expected: BTreeMap<Topic, Vec<Record>> = BTreeMap::new();
    for ((offset, fact), outputs) in placed.facts.iter().zip(&folded) {
        for (index, output) in outputs.iter().enumerate() {
            let (topic, record) = output_record(output, *offset, index);
            let record = traced::with(record, trace_of(fact));
            expected.entry(topic).or_default().push(record);
        }
    }
    for topic in [
        Topic::EligibilityDecided,
        Topic::RatingRequested,
        Topic::RatingSubmitted,
        Topic::AnswerRefused,
    ] {
        let found = log.records(topic, PARTITION);
        let found: Vec<Record> = found
            .into_iter()
            .map(|record| Record {
                timestamp_ms: 0,
                ..record
            })
            .collect();
        compare(
            topic,
            expected.get(&topic).map_or(&[], Vec::as_slice),
            &found,
        )?;
    }
    dead_letters(log, &placed)?;
    states(log, &placed, &known)
}

/// Every entry with the offset it got.
struct Placed<'a> {
    facts: Vec<(Offset, &'a OwnedFact)>,
    poison: Vec<(Offset, Vec<u8>)>,
    settings: Vec<WorkspaceSettings>,
}

impl Placed<'_> {
    fn of(generated: &GeneratedLog, is_dead: fn(&OwnedFact) -> bool) -> Placed<'_> {
        let mut placed = Placed {
            facts: Vec::new(),
            poison: Vec::new(),
            settings: Vec::new(),
        };
        let mut next = Offset(0);
        for entry in generated.entries() {
            match entry {
                Entry::Settings(settings) => placed.settings.push(settings.clone()),
                Entry::Fact(_, fact) if is_dead(fact) => placed.poison.push((next, encoded(fact))),
                Entry::Fact(_, fact) => placed.facts.push((next, fact)),
                Entry::Poison(poison) => placed.poison.push((next, poisonous(&poison.poison))),
            }
            if !matches!(entry, Entry::Settings(_)) {
                next = next.next();
            }
        }
        placed
    }

    fn end(&self) -> Offset {
        Offset((self.facts.len() + self.poison.len()) as u64)
    }
}

/// Which settings each commit says were known.
struct Known<'a> {
    commits: Vec<Meta>,
    settings: &'a [WorkspaceSettings],
}

impl Known<'_> {
    fn of<'a>(log: &SimulatedLog, placed: &'a Placed<'_>) -> Result<Known<'a>, Violation> {
        let commits: Vec<Meta> = log.commits().into_iter().map(|(_, meta)| meta).collect();
        if let Some(pair) = commits.windows(2).find(|pair| pair[1].next < pair[0].next) {
            return Err(Violation::Positions(format!(
                "{} came after {}",
                pair[1].next, pair[0].next
            )));
        }
        let last = commits.last().map_or(Offset(0), |meta| meta.next);
        if last != placed.end() {
            return Err(Violation::Positions(format!(
                "the log ends at {} and the last commit at {last}",
                placed.end()
            )));
        }
        Ok(Known {
            commits,
            settings: &placed.settings,
        })
    }

    fn until(&self, offset: Offset) -> usize {
        let covering = self.commits.iter().find(|meta| meta.next > offset);
        covering.map_or(0, |meta| {
            usize::try_from(meta.settings_next.0).unwrap_or(usize::MAX)
        })
    }

    fn at(&self, offset: Offset) -> Vec<WorkspaceSettings> {
        self.settings
            .iter()
            .take(self.until(offset))
            .cloned()
            .collect()
    }
}

/// Outputs carry on what says that the trace is sampled, and nothing else.
fn trace_of(fact: &OwnedFact) -> Option<String> {
    let is_read = |header: &String| *header == header.to_lowercase() && header.ends_with("-01");
    traced::header(fact).filter(is_read)
}

fn output_record(output: &Output, source: Offset, index: usize) -> (Topic, Record) {
    let (topic, key) = match output {
        Output::EligibilityDecided(decided) => {
            (Topic::EligibilityDecided, &decided.conversation_id)
        }
        Output::RatingRequested(requested) => (Topic::RatingRequested, &requested.conversation_id),
        Output::RatingSubmitted(submitted) => (Topic::RatingSubmitted, &submitted.conversation_id),
        Output::AnswerRefused(refused) => (Topic::AnswerRefused, &refused.conversation_id),
    };
    let mut value = Vec::new();
    encode(output, Framing::SingleObject, &mut value);
    let source = format!("{}/{PARTITION}/{source}", Topic::ConversationEvents);
    let record = Record::new(key.as_bytes(), value, 0)
        .with_header(SOURCE_HEADER, source)
        .with_header(INDEX_HEADER, index.to_string());
    (topic, record)
}

fn compare(topic: Topic, expected: &[Record], found: &[Record]) -> Result<(), Violation> {
    for at in 0..expected.len().max(found.len()) {
        if expected.get(at) != found.get(at) {
            let or_nothing = |record: Option<&Record>| record.map_or("nothing".to_owned(), show);
            let (expected, found) = (or_nothing(expected.get(at)), or_nothing(found.get(at)));
            return Err(Violation::Outputs {
                topic,
                at,
                expected,
                found,
            });
        }
    }
    Ok(())
}

fn show(record: &Record) -> String {
    let source = record
        .headers
        .iter()
        .find(|(name, _)| name == SOURCE_HEADER);
    let source = source
        .and_then(|(_, value)| value.as_deref())
        .unwrap_or_default();
    format!(
        "from {} {:?}",
        String::from_utf8_lossy(source),
        record.value
    )
}

fn dead_letters(log: &SimulatedLog, placed: &Placed<'_>) -> Result<(), Violation> {
    let found: Vec<String> = log
        .records(Topic::DeadLetters, PARTITION)
        .iter()
        .filter(|record| !show(record).contains(Topic::WorkspaceSettings.name()))
        .map(show)
        .collect();
    let expected: Vec<String> = placed
        .poison
        .iter()
        .map(|(offset, bytes)| {
            format!(
                "from {}/{PARTITION}/{offset} {:?}",
                Topic::ConversationEvents,
                Some(bytes)
            )
        })
        .collect();
    if let Some(at) =
        (0..expected.len().max(found.len())).find(|at| expected.get(*at) != found.get(*at))
    {
        let text = |lines: &[String]| {
            lines
                .get(at)
                .cloned()
                .unwrap_or_else(|| "nothing".to_owned())
        };
        return Err(Violation::Outputs {
            topic: Topic::DeadLetters,
            at,
            expected: text(&expected),
            found: text(&found),
        });
    }
    Ok(())
}

/// After a graceful stop every state is stored, and is that of folding the log once from its beginning.
fn states(log: &SimulatedLog, placed: &Placed<'_>, known: &Known<'_>) -> Result<(), Violation> {
    let mut plain: BTreeMap<Vec<u8>, Conversation> = BTreeMap::new();
    let (mut table, mut learned) = (SettingsTable::default(), 0);
    for (offset, fact) in &placed.facts {
        let until = known.until(*offset).min(placed.settings.len());
        for settings in &placed.settings[learned.min(until)..until] {
            // A differing repetition is refused, here as there.
            let _ = table.insert(settings.clone());
        }
        learned = learned.max(until);
        let key = format!("{}\0{}", fact.workspace_id, fact.conversation_id).into_bytes();
        let conversation = plain.entry(key).or_default();
        fold(
            conversation,
            &fact.as_event(),
            &Rules::default(),
            &table,
            &mut Effects::default(),
        );
    }
    let found = log.states(PARTITION);
    for (key, conversation) in &plain {
        let mut expected = Vec::new();
        conversation.encode(&mut expected);
        let stored = found.get(key).map(|stored| without_position(stored));
        if stored.as_deref() != Some(&expected[..]) {
            return Err(Violation::State {
                key: String::from_utf8_lossy(key).replace('\0', "/"),
                expected: format!("{expected:?}"),
                found: format!("{stored:?}"),
            });
        }
    }
    Ok(())
}

fn without_position(stored: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(stored);
    let _ = reader.varint();
    stored[reader.position()..].to_vec()
}
