//! `afterword erase`: one customer's texts and identity out of the embedded directory.
//!
//! In this order: find the customer's conversations; copy the log with other records and states; copy the report database and erase
//! in the copy; look through both; let them take the old ones' place, whole or not at all.
//!
//! | module | does |
//! | --- | --- |
//! | `rewriter` | says what becomes of each record and state |
//! | `check` | holds the new log against the old one |
//! | `search` | looks for what was erased in bytes |
//! | `report` | the report database |
//! | `values` | reads records and states |
//! | `tell` | what is printed |

mod check;
mod report;
mod rewriter;
mod search;
mod tell;
mod values;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use afterword_domain::Erasure;
use afterword_log::{EmbeddedLog, Log, LogError, Replacement, Rewriter as _, Topic};
use afterword_readmodel::{ErasedRows, Known};
use clap::Args;

use crate::access;
use crate::checkpoint;
use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::registry;
use crate::service::file::ServiceFile;
use crate::terminal::Progress;
use check::{Check, walk};
use report::Report;
use rewriter::{Eraser, Tally};
use search::Search;

/// Topics in which the customer is looked for.
const NAMING: [Topic; 3] = [
    Topic::ConversationEvents,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
];
/// Topics in which something changes.
const CHANGING: [Topic; 4] = [
    Topic::ConversationEvents,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::DeadLetters,
];

#[derive(Debug, Args)]
#[command(after_help = "\
The customer's id becomes a random one, and every text of the conversations in which they take part goes, with all comments in
them; what is counted stays. The log and the report database are written anew and looked through, then take the place of the
old ones, whole or not at all. No service may run; there must be room for the log twice.

Erase the customer where facts come from first. Backups that were made before still have everything. docs/erasure.md says
what else to know.

Examples:
  afterword erase --workspace w1 --customer anna@example.com --dry-run    what would be erased
  afterword erase --workspace w1 --customer anna@example.com
  afterword verify                                                        proves that nothing else changed")]
pub struct Erase {
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    pub workspace: String,
    /// The customer's id, as in their facts
    #[arg(long, value_name = "ID")]
    pub customer: String,
    /// Says what would be erased, and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// What was done, or would be.
#[derive(Debug, Default)]
struct Outcome {
    pseudonym: Option<String>,
    conversations: u64,
    tally: Tally,
    known: Known,
    rows: ErasedRows,
    looked: Looked,
}

/// What the bytes were searched for.
#[derive(Debug, Default)]
struct Looked {
    pieces: u64,
    /// Pieces that stand in what stays.
    staying: u64,
    /// Texts that are not looked for, being too short or too many.
    left_out: u64,
    /// Records that stay and have the customer's id somewhere.
    naming: u64,
}

/// Erases, and tells what came of it.
///
/// # Errors
/// When a service runs, nothing is known of the customer, or what was written is not as it must be.
pub fn execute(config: &Config, erase: &Erase) -> Result<(), Failure> {
    if config.log == LogKind::Kafka {
        return Err(Failure::Failed(
            "records on Kafka cannot be rewritten: expected log.kind `embedded`, found `kafka`; docs/erasure.md says what can be done there"
                .to_owned(),
        ));
    }
    let started = Instant::now();
    let log = open(config)?;
    let done = with_log(config, erase, &log);
    log.close()
        .map_err(|error| Failure::while_doing("closing the log", error))?;
    let outcome = done?;
    // Carried over by whoever opens the log first; at the latest here.
    EmbeddedLog::settle(&config.data_dir)
        .map_err(|error| Failure::while_doing("putting the rewritten log in place", error))?;
    tell::tell(erase, &outcome, started);
    Ok(())
}

/// Opens the log, and waits for nobody: a service has to be stopped first.
fn open(config: &Config) -> Result<Arc<EmbeddedLog>, Failure> {
    let directory = &config.data_dir;
    if !EmbeddedLog::exists(directory) {
        return Err(Failure::Failed(format!(
            "expected a log in {}, found none; name another directory with --data-dir",
            directory.display()
        )));
    }
    EmbeddedLog::open(directory, access::options(config)).map_err(|error| {
        match (ServiceFile::read(directory), access::running(directory)) {
            (Some(file), Some(_)) => Failure::Failed(format!(
                "a service runs on {} (process {}): stop it first, erase, and start it again",
                directory.display(),
                file.pid
            )),
            _ => access::explain(error, directory),
        }
    })
}

fn with_log(config: &Config, erase: &Erase, log: &EmbeddedLog) -> Result<Outcome, Failure> {
    let failed = |error: io::Error| Failure::while_doing("erasing", error);
    // A backup's copy would keep what goes.
    let _no_backup = checkpoint::lock(&config.data_dir).map_err(failed)?;
    checkpoint::remove(&checkpoint::place(&config.data_dir)).map_err(failed)?;
    let schemas = registry::schemas(config);
    let report = Report::of(config);
    let pseudonym = format!("erased-{}", uuid::Uuid::new_v4());
    let known = report.known(erase)?;
    let mut progress = Progress::new("erasing");
    let erasure = Erasure::new(&erase.workspace, &erase.customer, &pseudonym);
    let mut eraser = Eraser::new(erasure, (&erase.workspace, &erase.customer), &schemas);
    let is_found = find(log, &mut eraser, &mut progress)
        .map_err(|error| Failure::while_doing("reading the log", error))?;
    known
        .conversations
        .iter()
        .for_each(|id| eraser.erasure.note(id));
    if !is_found && known.is_nothing() {
        return Err(Failure::Failed(format!(
            "expected something of customer `{}` in workspace `{}`, found nothing: nothing was changed",
            erase.customer, erase.workspace
        )));
    }
    let mut outcome = Outcome {
        conversations: eraser.erasure.conversations().len() as u64,
        known,
        ..Outcome::default()
    };
    if erase.dry_run {
        outcome.tally = count(log, &mut eraser, &mut progress)
            .map_err(|error| Failure::while_doing("reading the log", error))?;
        return Ok(outcome);
    }
    let mut rewriting = Rewriting {
        config,
        erase,
        log,
        report,
        progress,
    };
    rewriting.run(eraser, &mut outcome)?;
    outcome.pseudonym = Some(pseudonym);
    Ok(outcome)
}

/// Notes the customer's conversations; says whether anything names them.
fn find(
    log: &EmbeddedLog,
    eraser: &mut Eraser<'_>,
    progress: &mut Progress,
) -> Result<bool, LogError> {
    let whole = whole(log, &NAMING)?;
    let mut told = |done| progress.show(done, Some(whole), "looking for the customer");
    let mut is_found = false;
    walk(log, &NAMING, &mut told, &mut |topic, _, record| {
        is_found |= eraser.find(topic, record)?;
        Ok(())
    })?;
    log.states(|key, value| {
        is_found |= eraser.find_state(key, value)?;
        Ok(())
    })?;
    Ok(is_found)
}

/// What would change.
fn count(
    log: &EmbeddedLog,
    eraser: &mut Eraser<'_>,
    progress: &mut Progress,
) -> Result<Tally, LogError> {
    let whole = whole(log, &CHANGING)?;
    let mut told = |done| progress.show(done, Some(whole), "counting");
    walk(
        log,
        &CHANGING,
        &mut told,
        &mut |topic, partition, record| eraser.record(topic, partition, record).map(drop),
    )?;
    log.states(|key, value| eraser.state(key, value).map(drop))?;
    Ok(eraser.tally)
}

/// How many records these topics hold, about.
fn whole(log: &EmbeddedLog, topics: &[Topic]) -> Result<u64, LogError> {
    let mut whole = 0;
    for topic in topics {
        for number in 0..log.partitions(*topic) {
            let bounds = log.bounds(*topic, afterword_log::Partition(number))?;
            whole += bounds.end.0 - bounds.start.0;
        }
    }
    Ok(whole)
}

/// Everything that writes.
struct Rewriting<'a> {
    config: &'a Config,
    erase: &'a Erase,
    log: &'a EmbeddedLog,
    report: Report,
    progress: Progress,
}

impl Rewriting<'_> {
    fn run(&mut self, mut eraser: Eraser<'_>, outcome: &mut Outcome) -> Result<(), Failure> {
        let failed = |error: LogError| Failure::while_doing("rewriting the log", error);
        let replacement = self.log.replacement().map_err(failed)?;
        self.rewrite(&replacement, &mut eraser).map_err(failed)?;
        outcome.tally = eraser.tally;
        let again = eraser.afresh();
        let mut pieces = std::mem::take(&mut eraser.pieces);
        pieces.add_whole(&self.erase.customer);
        outcome
            .known
            .texts
            .iter()
            .for_each(|text| pieces.add_whole(text));
        let left_out = pieces.left_out;
        let search = pieces
            .search()
            .map_err(|error| Failure::while_doing("preparing the search", error))?;
        self.progress.show(0, None, "report database");
        let place = replacement.place();
        let copied = match self.report.is_copied() {
            true => Some(self.report.erase(self.erase, &place, &mut eraser)?),
            false => None,
        };
        outcome.looked = self.look(&place, again, search, left_out)?;
        // On a server it counts at once, so not before all else is known to be right.
        let still = match copied {
            Some(still) => still,
            None => self.report.erase(self.erase, &place, &mut eraser)?,
        };
        outcome.rows = still.rows;
        still.release()?;
        for name in self.report.beside() {
            replacement.remove(name)?;
        }
        let completed = replacement.complete();
        completed.map_err(|error| Failure::while_doing("keeping the rewritten log", error))
    }

    fn rewrite(
        &mut self,
        replacement: &Replacement,
        eraser: &mut Eraser<'_>,
    ) -> Result<(), LogError> {
        let mut telling = tell::Telling {
            eraser,
            whole: whole(self.log, &Topic::ALL)?,
            done: 0,
            progress: &mut self.progress,
        };
        self.log.rewrite(replacement, &mut telling)
    }

    /// Looks through what was written.
    fn look(
        &mut self,
        place: &Path,
        eraser: Eraser<'_>,
        mut search: Search,
        left_out: u64,
    ) -> Result<Looked, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::while_doing("opening the rewritten log", error)
        };
        let mut options = access::options(self.config);
        options.partitions = None;
        let new = EmbeddedLog::open(place, options).map_err(|error| failed(&error))?;
        let whole = whole(self.log, &Topic::ALL).map_err(|error| failed(&error))?;
        let mut check = Check {
            old: self.log,
            new: &new,
            eraser,
            search: &mut search,
            customer_id: &self.erase.customer,
            naming: 0,
        };
        let progress = &mut self.progress;
        check.run(&mut |done| progress.show(done, Some(whole), "looking through it"))?;
        let naming = check.naming;
        self.report.fits(place, &new)?;
        new.close().map_err(|error| failed(&error))?;
        let found = search
            .in_files(place)
            .map_err(|error| Failure::while_doing("searching what was written", error))?;
        match found {
            Some(file) => Err(Failure::Failed(format!(
                "something that was to be erased was found in the bytes of {file}; nothing was changed"
            ))),
            None => Ok(Looked {
                pieces: search.count() as u64,
                staying: search.count_staying() as u64,
                left_out,
                naming,
            }),
        }
    }
}
