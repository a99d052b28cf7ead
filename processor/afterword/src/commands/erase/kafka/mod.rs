//! Erasing on Kafka: states anew in their changelog, the report database in place; records of topics cannot be changed.
//!
//! It may be done again at any time, after a failure too: what is done already stays as it is, under the same pseudonym.

mod hold;
mod standing;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use afterword_domain::Erasure;
use afterword_log::kafka::KafkaLog;
use afterword_log::kafka::admin::{self, Before, Lifetimes};
use afterword_log::{LogError, Partition, Rewriter as _, StateWrite};
use afterword_readmodel::{ErasedRows, Known};

use super::report::Report;
use super::rewriter::Eraser;
use super::{DeleteRecords, Erase, find, nothing_found, pseudonym};
use crate::access;
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::terminal::Progress;
use hold::Hold;
use standing::{Standing, refused};

/// What was done, or would be.
#[derive(Debug)]
pub struct Outcome {
    /// `None` when nothing was written.
    pseudonym: Option<String>,
    conversations: u64,
    states: u64,
    /// Whether the report database is here.
    has_report: bool,
    known: Known,
    rows: ErasedRows,
    standing: Standing,
    lifetimes: Lifetimes,
    /// Whether the records are deleted.
    is_deleted: bool,
}

/// Erases, and tells what came of it and what is left.
///
/// # Errors
/// When a service runs, nothing is known of the customer, or something of them is not processed yet.
pub fn execute(config: &Config, erase: &Erase) -> Result<(), Failure> {
    let started = Instant::now();
    let options = access::kafka_options(config);
    let brokers = admin::Brokers::new(&options).map_err(refused)?;
    let log = KafkaLog::open(options.clone());
    let log = log.map_err(|error| Failure::while_doing("opening the log on Kafka", error))?;
    let schemas = registry::schemas(config);
    let erasure = Erasure::new(&erase.workspace, &erase.customer, &pseudonym());
    let eraser = Eraser::new(erasure, (&erase.workspace, &erase.customer), &schemas);
    let mut progress = Progress::new("erasing");
    let mut told = |done, whole| progress.show(done, Some(whole), "taking partitions over");
    let hold = Hold::take(&brokers, &log, &mut told)?;
    let erasing = Erasing {
        erase,
        log: &log,
        brokers: &brokers,
        report: Report::of(config),
        hold,
        eraser,
        progress,
    };
    let outcome = erasing.run()?;
    tell::tell(erase, &outcome, started);
    Ok(())
}

struct Erasing<'a> {
    erase: &'a Erase,
    log: &'a KafkaLog,
    brokers: &'a admin::Brokers<'a>,
    report: Report,
    hold: Hold,
    eraser: Eraser<'a>,
    progress: Progress,
}

fn reading(error: LogError) -> Failure {
    Failure::while_doing("reading the log on Kafka", error)
}

impl Erasing<'_> {
    fn run(mut self) -> Result<Outcome, Failure> {
        let known = self.find()?;
        let standing = Standing::find(self.log, &mut self.eraser, &mut self.progress);
        let standing = standing.map_err(reading)?;
        let done = standing.done(self.log, &self.hold, &self.report)?;
        let wanted = self.erase.delete_records.map(|which| match which {
            DeleteRecords::Needed => standing.needed(),
            DeleteRecords::All => done,
        });
        let deleted = match wanted {
            Some(wanted) => standing.read_by_all(wanted, self.brokers, self.log, &self.report)?,
            None => Vec::new(),
        };
        // What is erased already stays so, and topics have the comments as they were.
        self.eraser.erasure.recognise();
        let states = self.states().map_err(reading)?;
        let mut outcome = Outcome {
            pseudonym: None,
            conversations: self.eraser.erasure.conversations().len() as u64,
            states: states.values().map(|states| states.len() as u64).sum(),
            has_report: self.report.is_there(),
            known,
            rows: ErasedRows::default(),
            standing,
            lifetimes: self.brokers.lifetimes().map_err(refused)?,
            is_deleted: false,
        };
        if !self.erase.dry_run {
            self.write(states, &deleted, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Finds the customer's conversations.
    fn find(&mut self) -> Result<Known, Failure> {
        let known = self.report.known(self.erase)?;
        let (eraser, progress) = (&mut self.eraser, &mut self.progress);
        let mut is_found = find(self.log, eraser, progress).map_err(reading)?;
        let stated = self.hold.states(|_, key, value| {
            is_found |= eraser.find_state(key, value)?;
            Ok(())
        });
        stated.map_err(reading)?;
        for conversation in &known.conversations {
            eraser.erasure.note(conversation);
        }
        match is_found || !known.is_nothing() {
            true => Ok(known),
            false => Err(nothing_found(self.erase)),
        }
    }

    /// The states that are to be others.
    fn states(&mut self) -> Result<BTreeMap<Partition, Vec<StateWrite>>, LogError> {
        let eraser = &mut self.eraser;
        let mut former = None;
        self.hold.states(|_, key, value| {
            former = eraser.former(key, value)?.or(former.take());
            Ok(())
        })?;
        if let Some(former) = &former {
            eraser.erasure.call(former);
        }
        let mut states = BTreeMap::<Partition, Vec<StateWrite>>::new();
        self.hold.states(|partition, key, value| {
            if let Some(value) = eraser.state(key, value)? {
                let key = key.to_vec();
                let of_partition = states.entry(partition).or_default();
                of_partition.push(StateWrite { key, value });
            }
            Ok(())
        })?;
        Ok(states)
    }

    fn write(
        mut self,
        states: BTreeMap<Partition, Vec<StateWrite>>,
        deleted: &[Before],
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        // Also where an erasure that was cut off has written them: its copy may have the old ones.
        let named = outcome.standing.needed().into_iter();
        let mut partitions: BTreeSet<Partition> =
            named.map(|(_, partition, _)| partition).collect();
        partitions.extend(states.keys());
        for (partition, states) in states {
            let written = self.hold.write(partition, states);
            written.map_err(|error| Failure::while_doing("writing states anew", error))?;
        }
        self.progress.show(0, None, "report database");
        outcome.rows = self.report.erase_in_place(self.erase, &mut self.eraser)?;
        outcome.pseudonym = Some(self.eraser.erasure.pseudonym().to_owned());
        if !deleted.is_empty() {
            self.progress.show(0, None, "deleting records");
            self.report.pass_over(deleted)?;
            self.brokers.delete(deleted).map_err(refused)?;
        }
        self.check().map_err(reading)?;
        outcome.is_deleted = !deleted.is_empty();
        let forgotten = self.hold.forget(&partitions);
        forgotten.map_err(|error| Failure::while_doing("removing old copies of states", error))
    }

    /// Reads states once more, and topics from which records were deleted.
    fn check(&mut self) -> Result<(), LogError> {
        let mut eraser = self.eraser.afresh();
        let mut left = 0_u64;
        self.hold.states(|_, key, value| {
            let still = eraser.state(key, value)?.is_some() || eraser.find_state(key, value)?;
            left += u64::from(still);
            Ok(())
        })?;
        if left > 0 {
            return Err(LogError::Stop(format!(
                "expected no state that names the customer, found {left}: erase again"
            )));
        }
        if self.erase.delete_records.is_some() {
            let standing = Standing::find(self.log, &mut eraser, &mut self.progress)?;
            if !standing.is_empty() {
                return Err(LogError::Stop(
                    "expected no record of the customer in the topics, found some that came meanwhile: erase them at their source first, \
                     and then here again"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }
}
