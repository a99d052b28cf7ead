//! What is shown meanwhile and told in the end.

use std::time::Instant;

use afterword_log::{LogError, Partition, Record, RecordRef, Rewriter, Topic};
use serde_json::json;

use super::Erase;
use super::embedded::Outcome;
use super::rewriter::Eraser;
use super::search::{LEAST_BYTES, MOST_PIECES};
use crate::terminal::{Progress, grouped};

/// Rewrites, and tells how much is done.
pub struct Telling<'a, 'e> {
    pub eraser: &'a mut Eraser<'e>,
    pub whole: u64,
    pub done: u64,
    pub progress: &'a mut Progress,
}

impl Rewriter for Telling<'_, '_> {
    fn record(
        &mut self,
        topic: Topic,
        partition: Partition,
        record: &RecordRef<'_>,
    ) -> Result<Option<Record>, LogError> {
        self.done += 1;
        self.progress.show(self.done, Some(self.whole), "rewriting");
        self.eraser.record(topic, partition, record)
    }

    fn state(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        self.eraser.state(key, value)
    }
}

/// Prints what was done, or would be.
pub fn tell(erase: &Erase, outcome: &Outcome, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let Outcome {
        tally,
        known,
        rows,
        looked,
        ..
    } = outcome;
    if erase.json {
        outln!(
            "{}",
            json!({
                "workspace": erase.workspace, "dry_run": erase.dry_run, "pseudonym": outcome.pseudonym,
                "conversations": outcome.conversations, "log": tally,
                "report": {
                    "requests": rows.requests, "comments": rows.comments,
                    "contacts": known.contacts, "deliveries": known.deliveries, "mails_cancelled": rows.cancelled,
                },
                "search": {
                    "pieces": looked.pieces, "staying": looked.staying, "left_out": looked.left_out, "records_with_id": looked.naming,
                },
                "seconds": seconds,
            })
        );
        return;
    }
    outln!(
        "{} {} conversations, {} texts of messages, {} comments, {} requests, {} contacts, {} deliveries",
        if erase.dry_run {
            "Would be erased:"
        } else {
            "Erased:"
        },
        grouped(outcome.conversations),
        grouped(tally.messages),
        grouped(tally.comments),
        grouped(tally.requests),
        grouped(known.contacts),
        grouped(known.deliveries),
    );
    if tally.unreadable > 0 {
        outln!(
            "and {} records that cannot be read.",
            grouped(tally.unreadable)
        );
    }
    if let Some(pseudonym) = &outcome.pseudonym {
        told(outcome, pseudonym, seconds);
    }
}

fn told(outcome: &Outcome, pseudonym: &str, seconds: f64) {
    let looked = &outcome.looked;
    outln!(
        "The customer is {pseudonym} from now on. It took {seconds:.1} s; {} mails that waited are not sent.",
        grouped(outcome.rows.cancelled)
    );
    outln!(
        "Every record was read back, and the files were searched for {} pieces of what went: none was found.",
        grouped(looked.pieces - looked.staying)
    );
    if looked.staying > 0 {
        outln!(
            "{} more pieces stand in what stays too, where others said the same; of those the bytes prove nothing.",
            grouped(looked.staying)
        );
    }
    if looked.left_out > 0 {
        outln!(
            "{} texts were not searched for: shorter than {LEAST_BYTES} bytes, or more than {} pieces together.",
            grouped(looked.left_out),
            grouped(MOST_PIECES as u64)
        );
    }
    if looked.naming > 0 {
        outln!(
            "The id itself still stands in {} records: in ids of conversations or facts, in another workspace, or in what others wrote.",
            grouped(looked.naming)
        );
    }
    outln!("Backups that were made before still have everything.");
}
