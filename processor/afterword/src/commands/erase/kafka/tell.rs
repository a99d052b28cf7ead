//! What is told of an erasure on Kafka.

use std::time::Instant;

use afterword_schemas::json::write_time;
use afterword_schemas::records::Timestamp;
use serde_json::{Value as Json, json};

use super::super::{DeleteRecords, Erase};
use super::Outcome;
use super::standing::OfTopic;
use crate::terminal::{Table, colours_on_stdout, grouped};

const DAY_MS: u64 = 86_400_000;

/// Prints what was done, or would be, and what is left.
pub fn tell(erase: &Erase, outcome: &Outcome, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let topics = outcome.standing.by_topic(&outcome.lifetimes);
    match erase.json {
        true => outln!("{}", in_json(erase, outcome, &topics, seconds)),
        false => in_text(erase, outcome, &topics, seconds),
    }
}

fn in_json(erase: &Erase, outcome: &Outcome, topics: &[OfTopic], seconds: f64) -> Json {
    let topics = topics.iter().map(|of| {
        json!({
            "topic": of.topic.name(), "records": of.records, "partitions": of.partitions,
            "latest_ms": of.latest_ms, "gone_by_ms": of.gone_by_ms,
        })
    });
    json!({
        "workspace": erase.workspace, "dry_run": erase.dry_run, "pseudonym": outcome.pseudonym,
        "conversations": outcome.conversations, "states": outcome.states,
        "report": outcome.has_report.then(|| json!({
            "requests": outcome.rows.requests, "comments": outcome.rows.comments,
            "contacts": outcome.known.contacts, "deliveries": outcome.known.deliveries, "mails_cancelled": outcome.rows.cancelled,
        })),
        "topics": topics.collect::<Json>(), "records_deleted": outcome.is_deleted,
        "changelog": { "max_compaction_lag_ms": outcome.lifetimes.changelog_ms },
        "seconds": seconds,
    })
}

fn in_text(erase: &Erase, outcome: &Outcome, topics: &[OfTopic], seconds: f64) {
    let verb = match erase.dry_run {
        true => "Would be erased:",
        false => "Erased:",
    };
    outln!(
        "{verb} {} conversations, {} states, {} contacts, {} deliveries",
        grouped(outcome.conversations),
        grouped(outcome.states),
        grouped(outcome.known.contacts),
        grouped(outcome.known.deliveries),
    );
    if !outcome.has_report {
        outln!(
            "No report database is here: where one is, it still has the customer. Run this there, too (or with reports.database_url)."
        );
    }
    if let Some(pseudonym) = &outcome.pseudonym {
        outln!(
            "The customer is {pseudonym} from now on. It took {seconds:.1} s; {} requests and {} comments of the report database were \
             changed, {} mails that waited are not sent.",
            grouped(outcome.rows.requests),
            grouped(outcome.rows.comments),
            grouped(outcome.rows.cancelled),
        );
    }
    if outcome.states > 0 && !erase.dry_run {
        outln!("{}", of_changelog(outcome.lifetimes.changelog_ms));
    }
    of_topics(erase, outcome, topics);
}

fn of_changelog(lag_ms: Option<u64>) -> String {
    let how_long = match lag_ms {
        Some(ms) => format!("for at most {} more", days(ms)),
        None => {
            "until Kafka compacts it, which no setting demands (max.compaction.lag.ms of the topic)"
                .to_owned()
        }
    };
    format!(
        "The changelog has the old states {how_long}; copies on other machines (states/ of their data directories) until they are removed."
    )
}

fn of_topics(erase: &Erase, outcome: &Outcome, topics: &[OfTopic]) {
    if topics.is_empty() {
        outln!("No record of the topics names the customer.");
        return;
    }
    outln!(
        "{}",
        match (outcome.is_deleted, erase.delete_records) {
            (true, _) => "Deleted from the topics, with others of the same partitions:",
            (false, Some(_)) =>
                "Would be deleted from the topics, with others of the same partitions:",
            (false, None) =>
                "Records of the topics that name the customer, or have texts of their conversations, cannot be changed:",
        }
    );
    let mut table = Table::new(
        &["topic", "records", "partitions", "latest", "gone by"],
        &[1, 2],
    );
    for of in topics {
        let gone = match (outcome.is_deleted, of.gone_by_ms) {
            (true, _) => "now".to_owned(),
            (false, Some(ms)) => format!("about {}", day(ms)),
            (false, None) => "never: retention.ms has no end".to_owned(),
        };
        table.row([
            of.topic.name().to_owned(),
            grouped(of.records),
            grouped(of.partitions),
            day(of.latest_ms),
            gone,
        ]);
    }
    out!("{}", table.render(2, colours_on_stdout()));
    if erase.delete_records.is_none() {
        outln!(
            "To delete them at once, with everything before them in the same partitions: --delete-records (docs/erasure.md)."
        );
    }
    if outcome.is_deleted {
        let bytes = match erase.delete_records {
            Some(DeleteRecords::All) => {
                "when the broker begins another file (segment.ms of the topic)"
            }
            _ => "when nothing else in the same file is kept, which retention decides",
        };
        outln!(
            "Nobody can read them any more; the bytes go {bytes}. What is left is proven by `afterword verify --kept-only`."
        );
    }
}

/// `7 days`.
fn days(ms: u64) -> String {
    match ms.div_ceil(DAY_MS) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// A day in UTC.
fn day(ms: i64) -> String {
    let mut text = Vec::new();
    write_time(Timestamp(ms), &mut text);
    let text = String::from_utf8_lossy(&text);
    match text.trim_matches('"').split_once('T') {
        Some((day, _)) => day.to_owned(),
        None => text.into_owned(),
    }
}
