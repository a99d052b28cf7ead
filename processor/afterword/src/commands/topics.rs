//! `afterword topics`: what the log holds. On the embedded log `create` makes the directory and `check` reads everything.

use afterword_log::{Batch, EmbeddedLog, Log, LogError, Partition, RecordRef, Topic};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::{
    AnswerRefused, EligibilityDecided, RatingRequested, RatingSubmitted, TeammateScorecard,
    WorkspaceSettings,
};
use serde_json::json;

use crate::access::{Access, Missing};
use crate::cli::{Topics, TopicsCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::{self, Progress, Style, Table, grouped};

const READ_BYTES: usize = 4 << 20;

/// What a partition holds.
struct Held {
    topic: Topic,
    partition: Partition,
    start: u64,
    end: u64,
    /// By reading all of it: records, bytes, those that cannot be decoded.
    read: Option<(u64, u64, u64)>,
}

/// Lists, makes or checks the topics.
///
/// # Errors
/// When the log cannot be read, or `check` found what cannot be decoded.
pub fn execute(config: &Config, topics: &Topics) -> Result<(), Failure> {
    let existed = EmbeddedLog::exists(&config.data_dir);
    let missing = match topics.command {
        Some(TopicsCommand::Create) => Missing::Create,
        _ => Missing::Refuse,
    };
    let access = Access::open(config, missing)?;
    let log = access.log();
    if let Some(TopicsCommand::Create) = topics.command {
        let partitions = log.partitions(Topic::ConversationEvents);
        let made = if existed {
            "was there already"
        } else {
            "was made"
        };
        println!(
            "the log in {} {made}, with {partitions} partitions",
            config.data_dir.display()
        );
        drop(log);
        return access.close();
    }
    let is_check = matches!(topics.command, Some(TopicsCommand::Check));
    let held =
        look(&*log, is_check).map_err(|error| Failure::while_doing("reading the log", error))?;
    drop(log);
    access.close()?;
    print(&held, topics.json);
    let damaged: u64 = held
        .iter()
        .filter_map(|held| held.read)
        .map(|(_, _, damaged)| damaged)
        .sum();
    match (is_check, damaged) {
        (_, 0) => Ok(()),
        (_, damaged) => Err(Failure::Failed(format!(
            "{} records cannot be decoded by this build; `afterword tail TOPIC` shows them as `undecodable`",
            grouped(damaged)
        ))),
    }
}

fn look(log: &dyn Log, is_check: bool) -> Result<Vec<Held>, LogError> {
    let mut progress = Progress::new("reading the log");
    let mut held = Vec::new();
    for topic in Topic::ALL {
        for partition in (0..log.partitions(topic)).map(Partition) {
            let bounds = log.bounds(topic, partition)?;
            let mut entry = Held {
                topic,
                partition,
                start: bounds.start.0,
                end: bounds.end.0,
                read: None,
            };
            if is_check {
                entry.read = Some(read_all(log, &entry, &mut progress)?);
            }
            held.push(entry);
        }
    }
    Ok(held)
}

fn read_all(
    log: &dyn Log,
    held: &Held,
    progress: &mut Progress,
) -> Result<(u64, u64, u64), LogError> {
    let store = SchemaStore::new();
    let (mut from, mut batch) = (afterword_log::Offset(held.start), Batch::default());
    let (mut records, mut bytes, mut damaged) = (0, 0, 0);
    while from.0 < held.end {
        log.read(held.topic, held.partition, from, READ_BYTES, &mut batch)?;
        let Some(next) = batch.next() else { break };
        from = next;
        records += batch.len() as u64;
        bytes += batch.bytes() as u64;
        damaged += batch
            .iter()
            .filter(|record| !is_readable(&store, held.topic, record))
            .count() as u64;
        progress.show(
            from.0 - held.start,
            Some(held.end - held.start),
            &format!("{} {}", held.topic, held.partition),
        );
    }
    Ok((records, bytes, damaged))
}

/// Facts that cannot be decoded are expected: they are in the dead letters. Outputs are this program's own.
fn is_readable(store: &SchemaStore, topic: Topic, record: &RecordRef<'_>) -> bool {
    let Some(value) = record.value else {
        return true;
    };
    match topic {
        Topic::ConversationEvents | Topic::DeadLetters => true,
        Topic::WorkspaceSettings => store.decode::<WorkspaceSettings>(value).is_ok(),
        Topic::RatingRequested => store.decode::<RatingRequested>(value).is_ok(),
        Topic::RatingSubmitted => store.decode::<RatingSubmitted>(value).is_ok(),
        Topic::EligibilityDecided => store.decode::<EligibilityDecided>(value).is_ok(),
        Topic::AnswerRefused => store.decode::<AnswerRefused>(value).is_ok(),
        Topic::TeammateScorecards => store.decode::<TeammateScorecard>(value).is_ok(),
    }
}

fn print(held: &[Held], as_json: bool) {
    if as_json {
        let list: Vec<_> = held
            .iter()
            .map(|held| {
                json!({
                    "topic": held.topic.name(), "partition": held.partition.0, "start": held.start, "end": held.end,
                    "records": held.read.map(|read| read.0), "bytes": held.read.map(|read| read.1),
                    "undecodable": held.read.map(|read| read.2),
                })
            })
            .collect();
        println!("{:#}", serde_json::Value::from(list));
        return;
    }
    let is_check = held.iter().any(|held| held.read.is_some());
    let mut heading = vec!["topic", "partition", "start", "end", "offsets"];
    if is_check {
        heading.extend(["records", "bytes", "undecodable"]);
    }
    let mut table = Table::new(&heading, &[1, 2, 3, 4, 5, 6, 7]);
    for held in held {
        let numbers = [
            u64::from(held.partition.0),
            held.start,
            held.end,
            held.end.saturating_sub(held.start),
        ];
        let mut row = vec![(held.topic.name().to_owned(), None)];
        row.extend(numbers.iter().map(|number| (grouped(*number), None)));
        if let Some((records, bytes, damaged)) = held.read {
            row.push((grouped(records), None));
            row.push((grouped(bytes), None));
            row.push((grouped(damaged), (damaged > 0).then_some(Style::Bad)));
        }
        table.styled_row(row);
    }
    print!("{}", table.render(0, terminal::colours_on_stdout()));
}
