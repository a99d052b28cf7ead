//! `afterword import`: NDJSON in. A reader cuts the files into blocks of lines, workers parse them side by side, and the
//! blocks are appended in their order, each durable before the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use afterword_log::{Log, LogError, Partition, Record, Topic};
use afterword_schemas::{Framing, RecordKind};
use afterword_web::intake::{self, Taken};
use afterword_web::sources::intercom_history;
use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::json;

use super::lines::{self, Block, Lines};
use crate::access::{Access, Missing};
use crate::cli::{Import, ImportFormat};
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::terminal::{Progress, grouped};
use crate::traces;

/// Blocks that wait for a worker, and blocks that wait to be appended.
const WAITING: usize = 4;
/// Blocks that were read and are not durable yet: what bounds the memory.
const UNDER_WAY: usize = 4 * WAITING;
/// Warnings told one by one; further ones are counted.
const WARNINGS_TOLD: u64 = 20;
/// Different names of ignored members that are remembered.
const NAMES_REMEMBERED: usize = 100;

/// A block, parsed.
#[derive(Debug, Default)]
struct Parsed {
    file: usize,
    last_line: u64,
    read_bytes: u64,
    records: Vec<(Partition, Record)>,
    refused: Vec<(u64, String)>,
    passed_over: Vec<(u64, String)>,
    ignored: BTreeMap<String, u64>,
}

/// What is known at the end.
#[derive(Debug, Default)]
struct Summary {
    facts: u64,
    refused: u64,
    passed_over: u64,
    ignored: BTreeMap<String, u64>,
}

/// A block on its way to a worker; `None` is the end of all files.
struct Sent {
    number: u64,
    read_bytes: u64,
    block: Result<Option<Block>, Failure>,
}

/// A block's number, and the block on its way to the appender.
type Ready = (u64, Result<Option<Parsed>, Failure>);

/// Imports the files.
///
/// # Errors
/// When a line was refused, a file cannot be read, or the log takes no more.
pub fn execute(config: &Config, import: &Import) -> Result<(), Failure> {
    let started = Instant::now();
    for path in &import.files {
        if path.as_os_str() != "-" {
            drop(Lines::open(path, 0)?);
        }
    }
    let framing = registry::schemas(config).framing(RecordKind::ConversationEvent)?;
    let access = Access::open(config, Missing::Create)?;
    let traces = traces::of_command(config, &access)?;
    let log = traces.log(access.log());
    let summary = import_all(&*log, framing, import)?;
    drop(log);
    traces.stop();
    access.close()?;
    print(&summary, started.elapsed().as_secs_f64(), import.json);
    match summary.refused {
        0 => Ok(()),
        refused => Err(Failure::Failed(format!(
            "{} lines were refused (told above); the others are durable. Mend them and import them again: an event id counts once",
            grouped(refused)
        ))),
    }
}

/// The threads are not waited for: one that still reads standard input when an append failed would never end.
fn import_all(log: &dyn Log, framing: Framing, import: &Import) -> Result<Summary, Failure> {
    let partitions = log.partitions(Topic::ConversationEvents);
    let (to_workers, blocks) = bounded::<Sent>(WAITING);
    let (to_appender, parsed) = bounded::<Ready>(WAITING);
    let (ticket, tickets) = bounded::<()>(UNDER_WAY);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let files = import.files.clone();
    let intercom = match import.format {
        ImportFormat::Facts => None,
        ImportFormat::Intercom => import.workspace.clone(),
    };
    std::thread::Builder::new()
        .name("read".to_owned())
        .spawn(move || read_files(&files, &to_workers, &ticket))?;
    for worker in 0..workers.min(WAITING) {
        let (blocks, to_appender) = (blocks.clone(), to_appender.clone());
        let reading = Reading {
            partitions,
            framing,
            intercom: intercom.clone(),
        };
        std::thread::Builder::new()
            .name(format!("parse-{worker}"))
            .spawn(move || parse_blocks(&blocks, &to_appender, &reading))?;
    }
    drop((blocks, to_appender));
    append_all(log, import, &parsed, &tickets)
}

fn read_files(files: &[PathBuf], to_workers: &Sender<Sent>, ticket: &Sender<()>) {
    let mut number = 0;
    let mut send = |read_bytes, block| {
        let sent = Sent {
            number,
            read_bytes,
            block,
        };
        number += 1;
        ticket.send(()).is_ok() && to_workers.send(sent).is_ok()
    };
    let mut before = 0;
    for (file, path) in files.iter().enumerate() {
        let mut lines = match Lines::open(path, file) {
            Ok(lines) => lines,
            Err(failure) => {
                send(before, Err(failure));
                return;
            }
        };
        loop {
            let block = lines.block().map_err(|error| {
                Failure::while_doing(format!("reading {}", lines::name(path)), error)
            });
            let (is_end, failed) = (matches!(block, Ok(None)), block.is_err());
            if is_end {
                break;
            }
            if !send(before + lines.read, block) || failed {
                return;
            }
        }
        before += lines.read;
    }
    send(before, Ok(None));
}

fn parse_blocks(blocks: &Receiver<Sent>, to_appender: &Sender<Ready>, reading: &Reading) {
    for sent in blocks {
        let (number, read_bytes) = (sent.number, sent.read_bytes);
        let parsed = sent.block.map(|block| {
            block.map(|block| Parsed {
                read_bytes,
                ..parse(&block, reading)
            })
        });
        if to_appender.send((number, parsed)).is_err() {
            return;
        }
    }
}

fn parse(block: &Block, reading: &Reading) -> Parsed {
    let last_line = block.first_line + (block.lines.len() as u64).saturating_sub(1);
    let mut parsed = Parsed {
        file: block.file,
        last_line,
        ..Parsed::default()
    };
    parsed.records.reserve(block.lines.len());
    let now_ms = afterword_web::now_ms();
    for (number, line) in block.iter() {
        let Some(line) = line else {
            let expected = format!(
                "a line of at most {} bytes",
                afterword_schemas::json::MAX_BYTES
            );
            parsed
                .refused
                .push((number, format!("expected {expected}, found a longer one")));
            continue;
        };
        let line = if number == 1 {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        } else {
            line
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        reading.line(line, number, now_ms, &mut parsed);
    }
    parsed
}

/// What a line is.
struct Reading {
    partitions: u32,
    framing: Framing,
    /// The workspace whose conversations of Intercom are read, one a line; none: a line is a fact.
    intercom: Option<String>,
}

impl Reading {
    fn line(&self, line: &[u8], number: u64, now_ms: i64, parsed: &mut Parsed) {
        let Some(workspace) = &self.intercom else {
            return self.fact(line, number, now_ms, parsed);
        };
        let facts = serde_json::from_slice(line)
            .map_err(|error| format!("expected a conversation as JSON: {error}"))
            .and_then(|value| {
                intercom_history(workspace, &value).map_err(|error| error.to_string())
            });
        match facts {
            Ok(facts) => parsed.records.extend(facts.iter().map(|fact| {
                intake::record_of(&fact.as_event(), self.partitions, self.framing, now_ms)
            })),
            Err(error) => parsed.refused.push((number, error)),
        }
    }

    fn fact(&self, line: &[u8], number: u64, now_ms: i64, parsed: &mut Parsed) {
        match intake::take(line, self.partitions, self.framing, now_ms) {
            Ok(Taken::Fact {
                partition,
                record,
                ignored,
            }) => {
                parsed.records.push((partition, record));
                for member in ignored {
                    *parsed.ignored.entry(member).or_default() += 1;
                }
            }
            Ok(Taken::PassedOver(passed_over)) => {
                parsed.passed_over.push((number, passed_over.to_string()))
            }
            Err(error) => parsed.refused.push((number, error.to_string())),
        }
    }
}

fn append_all(
    log: &dyn Log,
    import: &Import,
    parsed: &Receiver<Ready>,
    tickets: &Receiver<()>,
) -> Result<Summary, Failure> {
    let mut progress = Progress::new("importing");
    let whole = lines::whole_bytes(&import.files);
    let (mut summary, mut durable) = (Summary::default(), None);
    let (mut early, mut next) = (BTreeMap::new(), 0);
    for (number, block) in parsed {
        early.insert(number, block);
        while let Some(block) = early.remove(&next) {
            next += 1;
            let _: Result<(), _> = tickets.try_recv();
            let block = block.map_err(|failure| interrupted(failure, import, &summary, durable))?;
            let Some(block) = block else {
                return Ok(summary);
            };
            let (place, read_bytes) = ((block.file, block.last_line), block.read_bytes);
            append(log, import, block, &mut summary, &mut progress)
                .map_err(|error| interrupted(error, import, &summary, durable))?;
            durable = Some(place);
            let detail = format!("{} facts durable", grouped(summary.facts));
            progress.show(read_bytes, whole, &detail);
        }
    }
    let reason = "a thread of the import ended early";
    Err(interrupted(reason, import, &summary, durable))
}

fn append(
    log: &dyn Log,
    import: &Import,
    block: Parsed,
    summary: &mut Summary,
    progress: &mut Progress,
) -> Result<(), LogError> {
    let facts = block.records.len() as u64;
    if facts > 0 {
        log.append(Topic::ConversationEvents, block.records)?;
    }
    summary.facts += facts;
    let name = lines::name(&import.files[block.file]);
    for (line, error) in &block.refused {
        progress.clear();
        errln!("{name}:{line}: {error}");
    }
    for (line, reason) in &block.passed_over {
        summary.passed_over += 1;
        if summary.passed_over <= WARNINGS_TOLD {
            progress.clear();
            errln!("{name}:{line}: warning: passed over: {reason}");
        }
    }
    summary.refused += block.refused.len() as u64;
    for (member, count) in block.ignored {
        let is_room =
            summary.ignored.len() < NAMES_REMEMBERED || summary.ignored.contains_key(&member);
        let member = if is_room {
            member
        } else {
            "(others)".to_owned()
        };
        *summary.ignored.entry(member).or_default() += count;
    }
    Ok(())
}

fn interrupted(
    reason: impl std::fmt::Display,
    import: &Import,
    summary: &Summary,
    durable: Option<(usize, u64)>,
) -> Failure {
    let kept = match durable {
        None => "nothing was kept".to_owned(),
        Some((file, line)) => format!(
            "{} facts are durable, those of {} up to line {line}",
            grouped(summary.facts),
            lines::name(&import.files[file])
        ),
    };
    Failure::Failed(format!(
        "{reason}; {kept}; running the same import again is harmless, an event id counts once"
    ))
}

fn print(summary: &Summary, seconds: f64, as_json: bool) {
    let ignored: u64 = summary.ignored.values().sum();
    if as_json {
        let object = json!({
            "facts": summary.facts, "refused": summary.refused, "passed_over": summary.passed_over,
            "ignored_members": ignored, "ignored": summary.ignored, "seconds": seconds,
        });
        outln!("{object}");
        return;
    }
    let rate = (summary.facts as f64 / seconds.max(0.001)) as u64;
    outln!(
        "{} facts imported in {seconds:.1} s ({} a second)",
        grouped(summary.facts),
        grouped(rate)
    );
    if summary.passed_over > 0 {
        outln!(
            "{} passed over: of a type or with a symbol this build does not know",
            grouped(summary.passed_over)
        );
    }
    if ignored > 0 {
        let mut names: Vec<_> = summary.ignored.iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let names: Vec<_> = names
            .iter()
            .take(5)
            .map(|(name, count)| {
                format!("{} {}", crate::terminal::harmless(name), grouped(**count))
            })
            .collect();
        outln!(
            "{} members ignored, unknown here: {}",
            grouped(ignored),
            names.join(", ")
        );
    }
    if summary.refused > 0 {
        outln!("{} refused", grouped(summary.refused));
    }
}
