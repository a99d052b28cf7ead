//! `afterword verify`: proves the outputs equal to an independent fold of the facts. It reads both as a stranger would, on
//! either log, also while a service goes on deciding.
//!
//! | module | does |
//! | --- | --- |
//! | `pass` | folds a partition's facts in a plain loop |
//! | `judging`, `strays`, `compare`, `across` | joins what that gives with what is there |
//! | `found`, `reader`, `codec` | reads topics |
//! | `settings`, `letters` | which settings were known when, and which were refused |
//! | `report`, `print` | what was found, and how it is told |

mod across;
mod codec;
mod compare;
mod found;
mod judging;
mod letters;
mod pass;
mod print;
mod reader;
mod report;
mod settings;
mod strays;

use std::time::{Duration, Instant};

use afterword_log::{Bounds, Log, LogError, Offset, Partition, Topic};
use afterword_schemas::Schemas;
use clap::Args;

use crate::access::{Access, Missing};
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::terminal::{Progress, grouped};
use codec::Codec;
use pass::{Pass, Passed, Plan};
use reader::{Bucket, Trouble, patiently};
use report::{Finding, Kind, OUTPUTS, Report};
use settings::Versions;

/// A commit is seen in its position a moment before its last outputs are, where another process makes it.
const PATIENCE: Duration = Duration::from_secs(10);
/// More buckets than this mean that a few conversations are larger than the memory.
const MOST_PASSES: u64 = 4_096;

#[derive(Debug, Args)]
#[command(after_help = "\
Folds all facts up to each partition's committed position, with nothing but the rules, and compares every record of
eligibility-decided, rating-requested, rating-submitted, answer-refused and dead-letters: nothing missing, nothing twice,
nothing torn, each with its key, time and headers. It writes nothing, and may run beside a service: what is decided
meanwhile is counted as newer and left for the next time.

Memory is bounded: a partition with more conversations than fit is read in several passes.

Exit codes: 0 proven, 1 not proven (or it could not be read), 2 usage, 78 bad configuration.

Examples:
  afterword verify                                   all of ./afterword-data
  afterword verify --data-dir /srv/aw --json | jq '.differences'
  afterword verify --log kafka --bootstrap-servers localhost:9092 --partition 3
  afterword verify --kept-only                       where retention has removed old facts")]
pub struct Verify {
    /// Only this partition (repeatable); all when none is named
    #[arg(long = "partition", value_name = "NUMBER")]
    pub partitions: Vec<u32>,
    /// Memory for conversations, in MiB
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_mib: u64,
    /// How many differences are shown in full, the first ones; all are counted
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    pub differences: usize,
    /// Is content with what retention has kept: conversations that may have begun before it are left out
    #[arg(long)]
    pub kept_only: bool,
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
}

/// How far a partition was proven, and what that took.
struct Proof {
    partition: Partition,
    /// Facts from the first kept one up to this were folded.
    facts: Bounds,
    passes: u64,
}

/// All that was found out.
struct Outcome {
    report: Report,
    proofs: Vec<Proof>,
    took: Duration,
    kept_only: bool,
}

impl Outcome {
    fn has_unjudged(&self) -> bool {
        self.report.tally.unjudged > 0 || self.report.tally.cut_conversations > 0
    }

    fn is_proven(&self) -> bool {
        self.report.differences() == 0 && (self.kept_only || !self.has_unjudged())
    }
}

/// Verifies, and prints what came of it.
///
/// # Errors
/// When there are differences, or not all can be judged, or the log cannot be read.
pub fn execute(config: &Config, verify: &Verify) -> Result<(), Failure> {
    let schemas = registry::schemas(config);
    let access = Access::open(config, Missing::Refuse)?;
    let patience = match &access {
        Access::Own(_) => Duration::ZERO,
        _ => PATIENCE,
    };
    let partitions = partitions_of(&*access.log(), &verify.partitions)?;
    let verified = run(&*access.log(), &schemas, verify, &partitions, patience);
    access.close()?;
    let mut outcome = verified.map_err(|error| Failure::while_doing("verifying the log", error))?;
    print::print(&mut outcome, verify.json)?;
    if outcome.is_proven() {
        return Ok(());
    }
    Err(Failure::Failed(match outcome.report.differences() {
        0 => "not proven: facts or outputs that are needed were removed by retention; with --kept-only the rest is enough"
            .to_owned(),
        differences => format!(
            "not proven: {} differences between the outputs and an independent fold",
            grouped(differences)
        ),
    }))
}

fn partitions_of(log: &dyn Log, asked: &[u32]) -> Result<Vec<Partition>, Failure> {
    let count = log.partitions(Topic::ConversationEvents);
    if let Some(wrong) = asked.iter().find(|asked| **asked >= count) {
        return Err(Failure::Usage(format!(
            "--partition: expected a number below {count}, found {wrong}"
        )));
    }
    let mut partitions: Vec<u32> = match asked {
        [] => (0..count).collect(),
        asked => asked.to_vec(),
    };
    partitions.sort_unstable();
    partitions.dedup();
    Ok(partitions.into_iter().map(Partition).collect())
}

/// A run over partitions.
struct Run<'a> {
    log: &'a dyn Log,
    codec: Codec<'a>,
    verify: &'a Verify,
    patience: Duration,
    versions: Versions,
    progress: Progress,
    /// Facts that are gone by and that there are, by what is known so far, for the line of progress.
    done: u64,
    whole: u64,
    passes: u64,
}

fn run(
    log: &dyn Log,
    schemas: &Schemas,
    verify: &Verify,
    partitions: &[Partition],
    patience: Duration,
) -> Result<Outcome, Trouble> {
    let started = Instant::now();
    let mut whole = 0;
    for partition in partitions {
        let start = patiently(|| log.bounds(Topic::ConversationEvents, *partition))?.start;
        let committed = patiently(|| log.committed(*partition))?.unwrap_or_default();
        whole += committed.0.saturating_sub(start.0);
    }
    let mut run = Run {
        log,
        codec: Codec::new(schemas),
        verify,
        patience,
        versions: Versions::default(),
        progress: Progress::new("verifying"),
        done: 0,
        whole,
        passes: 1,
    };
    let mut report = Report::new(verify.differences);
    let mut proofs = Vec::new();
    for partition in partitions {
        let (found, proof) = run.partition(*partition)?;
        report.merge(found);
        proofs.push(proof);
    }
    Ok(Outcome {
        report,
        proofs,
        took: started.elapsed(),
        kept_only: verify.kept_only,
    })
}

impl Run<'_> {
    fn partition(&mut self, partition: Partition) -> Result<(Report, Proof), Trouble> {
        // In this order: all that the position announces is in what is looked at after it.
        let log = self.log;
        let committed = patiently(|| log.committed(partition))?;
        let held = patiently(|| log.bounds(Topic::ConversationEvents, partition))?;
        let outputs = self.output_bounds(partition)?;
        self.versions.catch_up(self.log, self.codec)?;
        let end = committed
            .unwrap_or(held.start)
            .min(held.end)
            .max(held.start);
        let facts = Bounds {
            start: held.start,
            end,
        };
        let mut report = Report::new(self.verify.differences);
        report.tally.not_folded = held.end.0 - end.0;
        let misplaced = committed.filter(|committed| *committed != end);
        if let Some(committed) = misplaced {
            report.add(position(partition, committed, held));
        }
        let mut settings_below = Offset(0);
        let parts = loop {
            match self.passes_over(partition, facts, outputs) {
                Err(Trouble::Memory { done }) => self.take_more_passes(done)?,
                other => break other?,
            }
        };
        for part in parts {
            settings_below = settings_below.max(part.settings_below);
            report.merge(part.report);
        }
        if partition == Partition(0) {
            let most = self.verify.differences;
            report.merge(letters::judge(self.log, self.codec, settings_below, most)?);
        }
        let proof = Proof {
            partition,
            facts,
            passes: self.passes,
        };
        Ok((report, proof))
    }

    fn output_bounds(&self, partition: Partition) -> Result<[Bounds; 5], LogError> {
        let mut bounds = [Bounds::default(); 5];
        for (slot, topic) in OUTPUTS.into_iter().enumerate() {
            bounds[slot] = patiently(|| self.log.bounds(topic, partition))?;
        }
        Ok(bounds)
    }

    /// One pass for each bucket.
    fn passes_over(
        &mut self,
        partition: Partition,
        facts: Bounds,
        outputs: [Bounds; 5],
    ) -> Result<Vec<Passed>, Trouble> {
        let (of, before) = (self.passes, self.done);
        let mut parts = Vec::new();
        for index in 0..of {
            let plan = Plan {
                log: self.log,
                codec: self.codec,
                versions: &self.versions,
                partition,
                facts,
                outputs,
                bucket: Bucket { index, of },
                memory_bytes: usize::try_from(self.verify.memory_mib << 20).unwrap_or(usize::MAX),
                patience: self.patience,
                most: self.verify.differences,
            };
            let (progress, whole) = (&mut self.progress, self.whole * of);
            let detail = match of {
                1 => format!("partition {partition}"),
                of => format!("partition {partition}, pass {} of {of}", index + 1),
            };
            let mut told = |gone: u64| {
                let size = facts.end.0 - facts.start.0;
                let done = before * of + index * size + gone;
                progress.show(done, Some(whole), &detail);
            };
            parts.push(Pass::new(plan).run(&mut told)?);
        }
        self.done += facts.end.0 - facts.start.0;
        Ok(parts)
    }

    /// So many more that each has room to spare, if the rest of the partition is like its beginning.
    fn take_more_passes(&mut self, done: f64) -> Result<(), Trouble> {
        let needed = self.passes as f64 / done.max(1e-4) * 1.2;
        self.passes = (needed.ceil() as u64).max(self.passes + 1);
        match self.passes > MOST_PASSES {
            true => Err(Trouble::Memory { done }),
            false => Ok(()),
        }
    }
}

fn position(partition: Partition, committed: Offset, held: Bounds) -> Finding {
    let detail = format!(
        "the committed position is {committed}, and the facts that are there go from {} to {}",
        held.start, held.end
    );
    Finding {
        kind: Kind::Position,
        partition,
        source: committed,
        source_topic: Topic::ConversationEvents,
        index: 0,
        topic: Topic::ConversationEvents,
        at: None,
        conversation: None,
        detail,
    }
}
