//! `afterword topics`: what the log holds. On the embedded log `create` makes the directory and `check` reads everything;
//! on Kafka both are about the topics' settings.

mod kafka;

use afterword_log::{Batch, EmbeddedLog, Log, LogError, Partition, RecordRef, Topic};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::{
    AnswerRefused, EligibilityDecided, RatingRequested, RatingSubmitted, TeammateScorecard,
    WorkspaceSettings,
};
use serde_json::json;

use crate::access::{Access, Missing};
use crate::cli::{CreateTopics, Topics, TopicsCommand};
use crate::config::{Config, LogKind};
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
/// When the log cannot be read, or `check` found what must not be.
pub fn execute(config: &Config, topics: &Topics) -> Result<(), Failure> {
    match (config.log, &topics.command) {
        (LogKind::Kafka, Some(TopicsCommand::Create(create))) => kafka::create(config, create),
        (LogKind::Kafka, Some(TopicsCommand::Check { json })) => kafka::check(config, *json),
        (LogKind::Embedded, Some(TopicsCommand::Create(wish))) => create(config, wish),
        (LogKind::Embedded, Some(TopicsCommand::Check { json })) => list(config, true, *json),
        (_, None) => list(config, false, topics.json),
    }
}

fn create(config: &Config, wish: &CreateTopics) -> Result<(), Failure> {
    if wish.replication_factor.is_some() || wish.retention_days.is_some() {
        return Err(Failure::Usage(
            "--replication-factor and --retention-days are for --log kafka; expected neither on the embedded log, whose retention is the key log.retention_days".to_owned(),
        ));
    }
    let mut config = config.clone();
    config.partitions = wish.partitions.or(config.partitions);
    let existed = EmbeddedLog::exists(&config.data_dir);
    let access = Access::open(&config, Missing::Create)?;
    let partitions = access.log().partitions(Topic::ConversationEvents);
    let directory = config.data_dir.display();
    match (wish.json, existed) {
        (true, _) => outln!(
            "{:#}",
            json!({ "directory": directory.to_string(), "made": !existed, "partitions": partitions })
        ),
        (false, true) => {
            outln!("the log in {directory} was there already, with {partitions} partitions");
        }
        (false, false) => {
            outln!("the log in {directory} was made, with {partitions} partitions");
        }
    }
    access.close()
}

fn list(config: &Config, is_check: bool, as_json: bool) -> Result<(), Failure> {
    let access = Access::open(config, Missing::Refuse)?;
    let log = access.log();
    let held =
        look(&*log, is_check).map_err(|error| Failure::while_doing("reading the log", error))?;
    drop(log);
    access.close()?;
    print(&held, as_json);
    let read = held.iter().filter_map(|held| held.read);
    match read.map(|(_, _, damaged)| damaged).sum() {
        0 => Ok(()),
        damaged => Err(Failure::Failed(format!(
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
        outln!("{:#}", serde_json::Value::from(list));
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
    out!("{}", table.render(0, terminal::colours_on_stdout()));
}
