//! `afterword erase`: one customer's texts and identity out of what is stored.
//!
//! In the embedded directory, in this order: find the customer's conversations; copy the log with other records and states; copy
//! the report database and erase in the copy; look through both; let them take the old ones' place, whole or not at all.
//!
//! On Kafka records cannot be changed: states get new records in their changelog, the report database is erased in place, and
//! records of topics are told of, or deleted with all that came before them.
//!
//! | module | does |
//! | --- | --- |
//! | `embedded` | the embedded log |
//! | `kafka` | the log on Kafka |
//! | `rewriter` | says what becomes of each record and state |
//! | `check` | holds the new log against the old one |
//! | `search` | looks for what was erased in bytes |
//! | `report` | the report database |
//! | `values` | reads records and states |
//! | `tell` | what is printed |

mod check;
mod embedded;
mod kafka;
mod report;
mod rewriter;
mod search;
mod tell;
mod values;

use afterword_log::{Log, LogError, Topic};
use clap::Args;

use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::terminal::Progress;
use check::walk;
use rewriter::Eraser;

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
them; what is counted stays. No service may run. Erase the customer where facts come from first.

On the embedded log, log and report database are written anew and looked through, then take the place of the old ones, whole
or not at all; there must be room for the log twice. Backups that were made before still have everything.

On Kafka, stored states and the report database are erased. Records of topics cannot be changed: it is told which name the
customer, and when retention removes them. --delete-records deletes them now, with everything before them in the same
partitions, or all that is processed there.

docs/erasure.md says what else to know.

Examples:
  afterword erase --workspace w1 --customer anna@example.com --dry-run    what would be erased
  afterword erase --workspace w1 --customer anna@example.com
  afterword verify                                                        proves that nothing else changed
  afterword erase --log kafka --workspace w1 --customer anna@example.com --delete-records")]
pub struct Erase {
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    pub workspace: String,
    /// The customer's id, as in their facts
    #[arg(long, value_name = "ID")]
    pub customer: String,
    /// On Kafka: deletes records of topics, in each partition that has some of the customer; `needed` when none is named
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "needed"
    )]
    pub delete_records: Option<DeleteRecords>,
    /// Says what would be erased, and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which records are deleted from a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DeleteRecords {
    /// Up to the customer's last: nobody can read them any more, and their bytes stay in a file that has later ones, too
    Needed,
    /// Everything that is processed: the bytes go as soon as the broker begins another file
    All,
}

/// Erases, and tells what came of it.
///
/// # Errors
/// When a service runs, nothing is known of the customer, or what was written is not as it must be.
pub fn execute(config: &Config, erase: &Erase) -> Result<(), Failure> {
    match (config.log, erase.delete_records) {
        (LogKind::Kafka, _) => kafka::execute(config, erase),
        (LogKind::Embedded, None) => embedded::execute(config, erase),
        (LogKind::Embedded, Some(_)) => Err(Failure::Usage(
            "--delete-records is for --log kafka; expected it not on the embedded log, whose records are rewritten"
                .to_owned(),
        )),
    }
}

/// An id that nobody has.
fn pseudonym() -> String {
    format!("{PSEUDONYM}{}", uuid::Uuid::new_v4())
}

/// What a pseudonym begins with.
const PSEUDONYM: &str = "erased-";

/// When nobody knows the customer.
fn nothing_found(erase: &Erase) -> Failure {
    Failure::Failed(format!(
        "expected something of customer `{}` in workspace `{}`, found nothing: nothing was changed",
        erase.customer, erase.workspace
    ))
}

/// Notes the conversations of records that name the customer; says whether any does.
fn find(log: &dyn Log, eraser: &mut Eraser<'_>, progress: &mut Progress) -> Result<bool, LogError> {
    let whole = whole(log, &NAMING)?;
    let mut told = |done| progress.show(done, Some(whole), "looking for the customer");
    let mut is_found = false;
    walk(log, &NAMING, &mut told, &mut |topic, _, record| {
        is_found |= eraser.find(topic, record)?;
        Ok(())
    })?;
    Ok(is_found)
}

/// How many records these topics hold, about.
fn whole(log: &dyn Log, topics: &[Topic]) -> Result<u64, LogError> {
    let mut whole = 0;
    for topic in topics {
        for number in 0..log.partitions(*topic) {
            let bounds = log.bounds(*topic, afterword_log::Partition(number))?;
            whole += bounds.end.0 - bounds.start.0;
        }
    }
    Ok(whole)
}
