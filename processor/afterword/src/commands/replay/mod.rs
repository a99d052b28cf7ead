//! `afterword replay`: folds history again under other rules or settings and prints what would differ. It writes nothing.
//!
//! | module | does |
//! | --- | --- |
//! | `supposed` | which settings a close is judged by again |
//! | `pass` | decides a partition's closes again, beside the decisions that are there |
//! | `totals`, `print` | what differs, and how it is told |

mod pass;
mod print;
mod supposed;
mod totals;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use afterword_domain::Rules;
use afterword_log::{Log, Partition, Topic};
use afterword_schemas::records::{Thresholds, Timestamp};
use afterword_schemas::{Schemas, json};
use afterword_web::settings_log;
use clap::Args;

use super::history::codec::Codec;
use super::history::passes::Passes;
use super::history::reader::{Trouble, patiently};
use super::history::walk::{Extent, Walk};
use super::lines::name;
use super::settings::read;
use crate::access::{Access, Missing};
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use pass::{Pass, Plan, Window};
use print::Form;
use supposed::{Own, Supposed, Versions};
use totals::{Changes, Totals};

const DAY_MS: i64 = 86_400_000;
/// A commit is seen in its position a moment before its last outputs are, where another process makes it.
const SETTLING: Duration = Duration::from_secs(1);
/// Decisions that differ and are shown, unless all are.
const SHOWN: u64 = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Every close up to each partition's committed position is decided again, and held against the decision that stands in the
log. Without --settings each is judged by the settings that judged it. Without any change to the rules or settings it shows
what this build would decide otherwise than the one that did. It writes nothing, and may run beside a service.

Whoever would be asked now cannot have answered: of ratings it says only which would not have come.

Examples:
  afterword replay --characters 100                    were shorter conversations asked too
  afterword replay --days 14 --from 2026-03-01 --to 2026-03-31
  afterword replay --settings live-for-leads.ndjson --workspace w1 --all
  afterword settings get | sed s/false/true/ | afterword replay --settings - --instead --json")]
pub struct Replay {
    /// A conversation must be over so many characters [default: 250]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..=1_000_000))]
    pub characters: Option<i32>,
    /// It must be closed within so many days of the last reply [default: 7]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub days: Option<u32>,
    /// Versions of settings (NDJSON as `settings put` takes it, - is standard input), as if known from the beginning, beside
    /// those that judged; one that the log has too takes its place
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// The log's own settings do not count, only those of --settings (and the default)
    #[arg(long, requires = "settings")]
    pub instead: bool,
    /// Only this workspace's conversations
    #[arg(long)]
    pub workspace: Option<String>,
    /// Only closes from this time on: 2026-03-01 (UTC) or 2026-03-01T09:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only closes before this time; a date counts whole
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Shows every decision that differs, not the first 20 alone
    #[arg(long)]
    pub all: bool,
    /// Memory for conversations, in MiB
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_mib: u64,
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
}

/// All that was found out.
struct Outcome {
    rules: Rules,
    settings_given: usize,
    window: Window,
    totals: Totals,
    changes: Changes,
    /// Of the partition that took most.
    passes: u64,
    took: Duration,
}

/// Folds again, and prints what would differ.
///
/// # Errors
/// When the settings or times that are given are none, or the log cannot be read.
pub fn execute(config: &Config, replay: &Replay) -> Result<(), Failure> {
    let window = window(replay)?;
    let given = match &replay.settings {
        Some(file) => given(file)?,
        None => Versions::new(),
    };
    let form = match replay.json {
        true => Form::Json,
        false => Form::Text,
    };
    let schemas = registry::schemas(config);
    let access = Access::open(config, Missing::Refuse)?;
    let settling = match &access {
        Access::Own(_) => Duration::ZERO,
        _ => SETTLING,
    };
    let log = access.log();
    let run = Run {
        log: &*log,
        codec: Codec::new(&schemas),
        schemas: &schemas,
        replay,
        rules: rules(replay),
        window,
        settling,
        form,
    };
    let replayed = run.all(given);
    drop(log);
    access.close()?;
    print::print(&mut replayed?, form).map_err(unkept)
}

fn rules(replay: &Replay) -> Rules {
    let Thresholds {
        characters,
        milliseconds,
    } = Rules::default().thresholds;
    let thresholds = Thresholds {
        characters: replay.characters.unwrap_or(characters),
        milliseconds: replay
            .days
            .map_or(milliseconds, |days| i64::from(days) * DAY_MS),
    };
    Rules { thresholds }
}

fn window(replay: &Replay) -> Result<Window, Failure> {
    let from = |text: &String| moment("--from", text, 0);
    let until = |text: &String| moment("--to", text, DAY_MS);
    let from = replay.from.as_ref().map(from).transpose()?;
    let until = replay.to.as_ref().map(until).transpose()?;
    Ok(Window {
        workspace: replay.workspace.clone(),
        from: from.unwrap_or(Timestamp(i64::MIN)),
        until: until.unwrap_or(Timestamp(i64::MAX)),
    })
}

/// A time, or so long after the beginning of a day in UTC.
fn moment(flag: &str, text: &str, of_a_day_ms: i64) -> Result<Timestamp, Failure> {
    if let Some(time) = json::parse_time(text) {
        return Ok(time);
    }
    let day = json::parse_time(&format!("{text}T00:00:00Z"));
    day.map(|day| Timestamp(day.0.saturating_add(of_a_day_ms)))
        .ok_or_else(|| {
            Failure::Usage(format!(
                "{flag}: expected a date such as 2026-03-01 or a time such as 2026-03-01T09:00:00Z, found `{text}`"
            ))
        })
}

/// The versions of a file; nothing is folded with half of them.
fn given(file: &Path) -> Result<Versions, Failure> {
    let (read, mut refused) = read(file)?;
    let mut versions = Versions::new();
    for (line, settings) in read {
        let key = (settings.workspace_id.clone(), settings.version);
        if settings.version < 1 {
            refused.push((line, "expected a version of 1 or more".to_owned()));
        } else if versions.insert(key, settings).is_some() {
            refused.push((line, "the same version stands above".to_owned()));
        }
    }
    refused.sort();
    for (line, error) in &refused {
        errln!("{}:{line}: {error}", name(file));
    }
    match refused.len() {
        0 => Ok(versions),
        count => Err(Failure::Failed(format!(
            "{count} lines of settings were refused (told above); nothing was folded"
        ))),
    }
}

/// A run over all partitions.
struct Run<'a> {
    log: &'a dyn Log,
    codec: Codec<'a>,
    schemas: &'a Schemas,
    replay: &'a Replay,
    rules: Rules,
    window: Window,
    settling: Duration,
    form: Form,
}

fn unread(error: impl std::fmt::Display) -> Failure {
    Failure::while_doing("folding the log again", error)
}

fn unkept(error: io::Error) -> Failure {
    Failure::while_doing(
        "keeping the list of what differs in a temporary file",
        error,
    )
}

impl Run<'_> {
    fn all(self, given: Versions) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let partitions = self.log.partitions(Topic::ConversationEvents);
        let extents: Result<Vec<_>, _> = (0..partitions)
            .map(|partition| Extent::of(self.log, Partition(partition)))
            .collect();
        let extents = extents.map_err(unread)?;
        std::thread::sleep(self.settling);
        // After the positions: every version that a decision names is among them.
        let known = settings_log::known(self.log, self.schemas).map_err(unread)?;
        let own = match self.replay.instead {
            true => Own::Dropped,
            false => Own::Kept,
        };
        let settings_given = given.len();
        let mut supposed = Supposed::new(known.into_iter().collect(), given, own);
        let most = match self.replay.all {
            true => u64::MAX,
            false => SHOWN,
        };
        let mut changes = Changes::new(most).map_err(unkept)?;
        let mut totals = Totals::default();
        let whole = extents.iter().map(Extent::size).sum();
        let mut passes = Passes::new("folding again", whole);
        for (partition, extent) in (0..).map(Partition).zip(&extents) {
            let (sums, list) = (&mut totals, &mut changes);
            self.partition(partition, extent, &mut passes, &mut supposed, sums, list)?;
        }
        Ok(Outcome {
            rules: self.rules,
            settings_given,
            window: self.window,
            totals,
            changes,
            passes: passes.of,
            took: started.elapsed(),
        })
    }

    fn partition(
        &self,
        partition: Partition,
        extent: &Extent,
        passes: &mut Passes,
        supposed: &mut Supposed,
        totals: &mut Totals,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let bounds = |topic| patiently(|| self.log.bounds(topic, partition)).map_err(unread);
        let decisions = bounds(Topic::EligibilityDecided)?;
        let ratings = bounds(Topic::RatingSubmitted)?;
        totals.not_folded += extent.held.end.0 - extent.facts.end.0;
        let (before, mark) = (totals.clone(), changes.mark().map_err(unkept)?);
        let mut failed = None;
        let passed = passes.over(partition, extent, |bucket, told| {
            if bucket.index == 0 {
                // Perhaps anew, with more passes: what was counted of this partition is forgotten.
                *totals = before.clone();
                failed = changes.back_to(mark).err();
            }
            let walk = Walk {
                log: self.log,
                codec: self.codec,
                partition,
                facts: extent.facts,
                bucket,
                memory_bytes: usize::try_from(self.replay.memory_mib << 20).unwrap_or(usize::MAX),
            };
            let plan = Plan {
                walk,
                decisions,
                ratings,
                rules: &self.rules,
                window: &self.window,
                form: self.form,
            };
            let pass = Pass::new(plan, supposed, totals, changes);
            failed = pass.run(told)?.or(failed.take());
            Ok::<(), Trouble>(())
        });
        passed.map_err(unread)?;
        failed.map_or(Ok(()), |error| Err(unkept(error)))
    }
}
