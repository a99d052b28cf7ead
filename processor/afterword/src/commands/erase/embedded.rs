//! Erasing in the embedded directory: all of it is written anew.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use afterword_domain::Erasure;
use afterword_log::{EmbeddedLog, LogError, Replacement, Rewriter as _, Topic};
use afterword_readmodel::{ErasedRows, Known};

use super::check::{Check, walk};
use super::report::Report;
use super::rewriter::{Eraser, Tally};
use super::search::Search;
use super::{CHANGING, Erase, find, nothing_found, pseudonym, tell, whole};
use crate::access;
use crate::checkpoint;
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::service::file::ServiceFile;
use crate::terminal::Progress;

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Outcome {
    pub pseudonym: Option<String>,
    pub conversations: u64,
    pub tally: Tally,
    pub known: Known,
    pub rows: ErasedRows,
    pub looked: Looked,
}

/// What the bytes were searched for.
#[derive(Debug, Default)]
pub struct Looked {
    pub pieces: u64,
    /// Pieces that stand in what stays.
    pub staying: u64,
    /// Texts that are not looked for, being too short or too many.
    pub left_out: u64,
    /// Records that stay and have the customer's id somewhere.
    pub naming: u64,
}

/// Erases, and tells what came of it.
///
/// # Errors
/// When a service runs, nothing is known of the customer, or what was written is not as it must be.
pub fn execute(config: &Config, erase: &Erase) -> Result<(), Failure> {
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
    let pseudonym = pseudonym();
    let known = report.known(erase)?;
    let mut progress = Progress::new("erasing");
    let erasure = Erasure::new(&erase.workspace, &erase.customer, &pseudonym);
    let mut eraser = Eraser::new(erasure, (&erase.workspace, &erase.customer), &schemas);
    let reading = |error: LogError| Failure::while_doing("reading the log", error);
    let mut is_found = find(log, &mut eraser, &mut progress).map_err(reading)?;
    let stated = log.states(|key, value| {
        is_found |= eraser.find_state(key, value)?;
        Ok(())
    });
    stated.map_err(reading)?;
    known
        .conversations
        .iter()
        .for_each(|id| eraser.erasure.note(id));
    if !is_found && known.is_nothing() {
        return Err(nothing_found(erase));
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
