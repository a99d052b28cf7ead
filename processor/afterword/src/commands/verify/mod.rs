//! `afterword verify`: proves the outputs equal to an independent fold of the facts. It reads both as a stranger would, on
//! either log, also while a service goes on deciding.
//!
//! | module | does |
//! | --- | --- |
//! | `pass` | folds a partition's facts, as `history` does it |
//! | `judging`, `strays`, `compare`, `across` | joins what that gives with what is there |
//! | `settings`, `letters` | which settings were known when, and which were refused |
//! | `report`, `print` | what was found, and how it is told |

mod across;
mod compare;
mod judging;
mod letters;
mod pass;
mod print;
mod report;
mod settings;
mod strays;

use std::time::{Duration, Instant};

use afterword_log::{Bounds, Log, LogError, Offset, Partition, Topic};
use afterword_schemas::Schemas;
use clap::Args;

use super::history::passes::Passes;
use super::history::walk::Extent;
use super::history::{codec, found, reader};
use crate::access::{Access, Missing};
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::terminal::grouped;
use codec::Codec;
use pass::{Pass, Passed, Plan};
use reader::{Bucket, Trouble, patiently};
use report::{Finding, Kind, OUTPUTS, Report};
use settings::Versions;

/// A commit is seen in its position a moment before its last outputs are, where another process makes it.
const PATIENCE: Duration = Duration::from_secs(10);

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
    print::print(&mut outcome, verify.json);
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
    passes: Passes,
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
        whole += Extent::of(log, *partition)?.size();
    }
    let mut run = Run {
        log,
        codec: Codec::new(schemas),
        verify,
        patience,
        versions: Versions::default(),
        passes: Passes::new("verifying", whole),
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
        let extent = Extent::of(self.log, partition)?;
        let outputs = self.output_bounds(partition)?;
        self.versions.catch_up(self.log, self.codec)?;
        let Extent {
            committed,
            held,
            facts,
        } = extent;
        let mut report = Report::new(self.verify.differences);
        report.tally.not_folded = held.end.0 - facts.end.0;
        let misplaced = committed.filter(|committed| *committed != facts.end);
        if let Some(committed) = misplaced {
            report.add(position(partition, committed, held));
        }
        let mut settings_below = Offset(0);
        for part in self.passes_over(partition, &extent, outputs)? {
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
            passes: self.passes.of,
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
        extent: &Extent,
        outputs: [Bounds; 5],
    ) -> Result<Vec<Passed>, Trouble> {
        let (log, codec, versions) = (self.log, self.codec, &self.versions);
        let (verify, patience) = (self.verify, self.patience);
        let plan = |bucket: Bucket| Plan {
            log,
            codec,
            versions,
            partition,
            facts: extent.facts,
            outputs,
            bucket,
            memory_bytes: usize::try_from(verify.memory_mib << 20).unwrap_or(usize::MAX),
            patience,
            most: verify.differences,
        };
        self.passes.over(partition, extent, |bucket, told| {
            Pass::new(plan(bucket)).run(told)
        })
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
