//! The demo's scoreboard, and conversations worth a look.

use std::collections::BTreeMap;

use afterword_log::{Batch, Log, LogError, Offset, Partition, Topic};
use afterword_readmodel::Scorecard;
use afterword_schemas::records::{EligibilityDecided, RatingSubmitted};
use afterword_schemas::{OwnedRecord, Schemas};

use crate::failure::Failure;
use crate::registry;
use crate::service::Service;
use crate::terminal::{Style, Table, grouped, paint};
use crate::traffic;

/// Days of scorecards that are added up.
const DAYS: u32 = 35;
/// How far from the end of a topic examples are looked for.
const NEAR: u64 = 500;
const READ_BYTES: usize = 1 << 20;

/// Conversations worth a look.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// One that was rated, with a comment if there is such a one.
    pub conversation: Option<String>,
    /// One that was not asked.
    pub not_asked: Option<String>,
}

/// The sums of a teammate's days.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    requests: i64,
    answered: i64,
    reactions: [i64; 5],
    comments: i64,
}

/// Looks for examples near the end of the log.
///
/// # Errors
/// When the log cannot be read.
pub fn example(log: &dyn Log, schemas: &Schemas) -> Result<Example, LogError> {
    let mut example = Example::default();
    let mut has_comment = false;
    each(
        log,
        schemas,
        Topic::RatingSubmitted,
        |submitted: RatingSubmitted| {
            if submitted.workspace_id == traffic::WORKSPACE
                && (!has_comment || submitted.comment.is_some())
            {
                has_comment |= submitted.comment.is_some();
                example.conversation = Some(submitted.conversation_id);
            }
        },
    )?;
    let mut most = 0;
    each(
        log,
        schemas,
        Topic::EligibilityDecided,
        |decided: EligibilityDecided| {
            if decided.workspace_id == traffic::WORKSPACE && decided.failed.len() >= most.max(1) {
                most = decided.failed.len();
                example.not_asked = Some(decided.conversation_id);
            }
        },
    )?;
    Ok(example)
}

fn each<R: OwnedRecord>(
    log: &dyn Log,
    schemas: &Schemas,
    topic: Topic,
    mut record: impl FnMut(R),
) -> Result<(), LogError> {
    let mut batch = Batch::default();
    for partition in (0..log.partitions(topic)).map(Partition) {
        let bounds = log.bounds(topic, partition)?;
        let mut from = Offset(bounds.end.0.saturating_sub(NEAR).max(bounds.start.0));
        while from < bounds.end {
            log.read(topic, partition, from, READ_BYTES, &mut batch)?;
            let store = registry::for_batch(schemas, &batch)?;
            batch
                .iter()
                .filter_map(|read| store.decode::<R>(read.value?).ok())
                .for_each(&mut record);
            match batch.next() {
                Some(next) => from = next,
                None => break,
            }
        }
    }
    Ok(())
}

/// The scoreboard as text.
///
/// # Errors
/// When the report database cannot be read.
pub async fn render(service: &Service, colours: bool) -> Result<String, Failure> {
    let Some(database) = service.database() else {
        return Ok(String::new());
    };
    let failed = |error: afterword_readmodel::ReadModelError| {
        Failure::while_doing("reading the report database", error)
    };
    let cards = database
        .scorecards(traffic::WORKSPACE, DAYS)
        .await
        .map_err(failed)?;
    let totals = database.totals(traffic::WORKSPACE).await.map_err(failed)?;
    let number = |number: i64| grouped(number.max(0).unsigned_abs());
    let title = format!(
        "{} · {} closes decided, {} asked, {} answered\n",
        traffic::WORKSPACE,
        number(totals.decided),
        number(totals.asked),
        number(totals.answered)
    );
    let mut rows: Vec<_> = sums(&cards).into_iter().collect();
    rows.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.requests));
    let heading = [
        "teammate", "asked", "answered", "😠", "🙁", "😐", "😃", "😍", "comments", "positive",
    ];
    let mut table = Table::new(&heading, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (teammate, sums) in rows {
        table.styled_row(row(teammate, &sums));
    }
    Ok(paint(&title, Style::Bold, colours) + &table.render(2, colours) + "\n")
}

fn sums(cards: &[Scorecard]) -> BTreeMap<&str, Sums> {
    let mut all: BTreeMap<&str, Sums> = BTreeMap::new();
    for card in cards {
        let sums = all.entry(&card.teammate_id).or_default();
        sums.requests += card.requests;
        sums.answered += card.requests_answered;
        sums.comments += card.comments;
        let reactions = [card.terrible, card.bad, card.ok, card.great, card.amazing];
        sums.reactions
            .iter_mut()
            .zip(reactions)
            .for_each(|(sum, reactions)| *sum += reactions);
    }
    all
}

fn row(teammate: &str, sums: &Sums) -> Vec<(String, Option<Style>)> {
    let rated: i64 = sums.reactions.iter().sum();
    let positive = sums.reactions[3] + sums.reactions[4];
    let (share, style) = match rated {
        0 => ("–".to_owned(), None),
        rated => {
            let percent = 100.0 * positive as f64 / rated as f64;
            let style = if percent >= 85.0 {
                Style::Good
            } else {
                Style::Warning
            };
            (format!("{percent:.0} %"), Some(style))
        }
    };
    let mut cells = vec![
        (teammate.to_owned(), None),
        (sums.requests.to_string(), None),
        (sums.answered.to_string(), None),
    ];
    cells.extend(
        sums.reactions
            .iter()
            .map(|reactions| (reactions.to_string(), None)),
    );
    cells.push((sums.comments.to_string(), None));
    cells.push((share, style));
    cells
}
