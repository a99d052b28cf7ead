//! One transaction: positions, settings, rows. All of it is committed or nothing.

use std::collections::{BTreeSet, HashSet};

use afterword_log::{Partition, Topic};
use afterword_schemas::records::Output;
use afterword_trace::Span;
use sqlx::{AnyConnection, Connection};

use crate::database::{Dialect, ReportDatabase};
use crate::deliveries::QUEUED;
use crate::error::ReadModelError;
use crate::fold::Fold;
use crate::output::{OutputsRead, SettingsRead, Sourced};
use crate::positions::{self, Place, Position, Positions, SETTINGS};
use crate::request::{self, Request};
use crate::rows::{DECISIONS, REFUSALS, SUBMISSIONS};
use crate::settings::{self, Zones};
use crate::sql::select_in;

/// What was read of the log, for one transaction.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub settings: SettingsRead,
    pub outputs: Vec<(Place, OutputsRead)>,
}

/// What a committed transaction did besides its rows.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// The positions that it moved, and where to.
    pub moves: Positions,
    /// Partitions that another projector has moved on since: nothing of them was written.
    pub lost: BTreeSet<Partition>,
    /// By topic: outputs applied, and repetitions passed over.
    pub counts: Vec<(Topic, usize, u64)>,
    pub settings_refused: u64,
    pub settings_undecodable: u64,
    pub revisions_repeated: u64,
}

impl Reads {
    /// The positions that this transaction moves, and where to.
    pub fn moves(&self, positions: &Positions) -> Positions {
        let settings = std::iter::once((SETTINGS, self.settings.position));
        let outputs = self
            .outputs
            .iter()
            .map(|(place, read)| (*place, read.position));
        let moved = |(place, to): &(Place, Position)| positions.get(place) != Some(to);
        settings.chain(outputs).filter(moved).collect()
    }

    /// The spans of all outputs; none stays behind.
    pub fn take_spans(&mut self) -> Vec<Span> {
        let outputs = self.outputs.iter_mut();
        outputs
            .flat_map(|(_, read)| std::mem::take(&mut read.spans))
            .collect()
    }

    fn counts(&self) -> Vec<(Topic, usize, u64)> {
        let outputs = self.outputs.iter();
        let mut counts: Vec<_> = outputs
            .map(|((topic, _), read)| (*topic, read.outputs.len(), read.repeated))
            .collect();
        counts.push((SETTINGS.0, self.settings.versions.len(), 0));
        counts
    }
}

/// Writes everything that was read, in one transaction; on a shared database without the partitions that another projector
/// has moved on.
///
/// Rows are locked in the same order by everybody: settings, positions, rows of the partitions, sums.
///
/// # Errors
/// `GiveUp` when a position is not where this projector left it, on a database for one. After any error the transaction may
/// still have been committed, if it was the commit that failed: the stored positions say so.
pub(crate) async fn apply(
    database: &ReportDatabase,
    positions: &Positions,
    reads: Reads,
    zones: &mut Zones,
) -> Result<Applied, ReadModelError> {
    let mut connection = database.writer().await?;
    let dialect = database.dialect();
    let applied = async {
        let mut transaction = connection.begin_with(dialect.begin()).await?;
        let applied = write(&mut transaction, dialect, positions, reads, zones).await?;
        transaction.commit().await?;
        Ok(applied)
    };
    let applied = dialect.limited(applied).await;
    if applied.is_err() {
        // In doubt, start over: a fresh connection has no half of a transaction.
        connection.close_on_drop();
        zones.forget();
    }
    applied
}

async fn write(
    connection: &mut AnyConnection,
    dialect: Dialect,
    positions: &Positions,
    mut reads: Reads,
    zones: &mut Zones,
) -> Result<Applied, ReadModelError> {
    let versions = &reads.settings.versions;
    let settings_refused = settings::store(connection, dialect, versions, zones).await?;
    let mut moves = reads.moves(positions);
    if let Some(position) = moves.get(&SETTINGS) {
        positions::advance_settings(connection, position.next).await?;
    }
    let lost = lost(connection, dialect, positions, &moves).await?;
    reads
        .outputs
        .retain(|((_, partition), _)| !lost.contains(partition));
    moves.retain(|place, _| *place == SETTINGS || !lost.contains(&place.1));
    for (place, position) in moves.iter().filter(|(place, _)| **place != SETTINGS) {
        let expected = positions.get(place).copied().unwrap_or_default();
        positions::compare_and_set(connection, *place, &expected, position).await?;
    }
    let mut applied = Applied {
        moves,
        lost,
        counts: reads.counts(),
        settings_refused,
        settings_undecodable: reads.settings.undecodable,
        revisions_repeated: 0,
    };
    applied.revisions_repeated = write_outputs(connection, dialect, reads, zones).await?;
    Ok(applied)
}

/// Of the partitions that are to be moved, those that are not where this projector left them.
async fn lost(
    connection: &mut AnyConnection,
    dialect: Dialect,
    positions: &Positions,
    moves: &Positions,
) -> Result<BTreeSet<Partition>, ReadModelError> {
    let outputs = moves.keys().filter(|place| **place != SETTINGS);
    let partitions: BTreeSet<_> = outputs.map(|(_, partition)| *partition).collect();
    let stored = positions::lock(connection, dialect, &partitions).await?;
    let known = positions
        .iter()
        .filter(|(place, _)| **place != SETTINGS && partitions.contains(&place.1));
    let mut lost = BTreeSet::new();
    for (place, position) in known {
        let found = stored.get(place);
        if found == Some(position) {
            continue;
        }
        if !dialect.is_shared() {
            return Err(ReadModelError::GiveUp(format!(
                "{} {} was expected at offset {}, where this projector left it, found {}: another projects into this \
                 database, which has room for one; stop one of the two, or give them a PostgreSQL database to share",
                place.0,
                place.1,
                position.next,
                found.map_or("nothing".to_owned(), |found| found.next.to_string()),
            )));
        }
        lost.insert(place.1);
    }
    Ok(lost)
}

/// Writes the rows of outputs, and returns how many submissions had a revision that was there already.
async fn write_outputs(
    connection: &mut AnyConnection,
    dialect: Dialect,
    reads: Reads,
    zones: &mut Zones,
) -> Result<u64, ReadModelError> {
    let mut fold = Fold::default();
    let outputs = || reads.outputs.iter().flat_map(|(_, read)| &read.outputs);
    let workspaces: HashSet<_> = outputs().map(workspace_id).collect();
    zones.load(connection, dialect, &workspaces).await?;
    let ids: HashSet<_> = outputs().filter_map(request_id).collect();
    load_requests(connection, dialect, &ids, &mut fold).await?;
    for (_, read) in reads.outputs {
        fold.all(read.outputs, zones)?;
    }
    let revisions_repeated = fold.revisions_repeated;
    write_fold(connection, dialect, fold).await?;
    Ok(revisions_repeated)
}

fn workspace_id(sourced: &Sourced) -> &str {
    match &sourced.output {
        Output::RatingRequested(requested) => &requested.workspace_id,
        Output::RatingSubmitted(submitted) => &submitted.workspace_id,
        Output::EligibilityDecided(decided) => &decided.workspace_id,
        Output::AnswerRefused(refused) => &refused.workspace_id,
    }
}

/// The request whose row an output changes.
fn request_id(sourced: &Sourced) -> Option<&str> {
    match &sourced.output {
        Output::RatingRequested(requested) => Some(&requested.request_id),
        Output::RatingSubmitted(submitted) => Some(&submitted.request_id),
        Output::EligibilityDecided(_) | Output::AnswerRefused(_) => None,
    }
}

async fn load_requests(
    connection: &mut AnyConnection,
    dialect: Dialect,
    ids: &HashSet<&str>,
    fold: &mut Fold,
) -> Result<(), ReadModelError> {
    let mut ids: Vec<_> = ids.iter().copied().collect();
    ids.sort_unstable();
    let select = format!("SELECT {} FROM requests WHERE request_id", request::COLUMNS);
    for row in select_in(connection, dialect, &select, &ids).await? {
        let request = Request::from_row(&row)?;
        fold.requests
            .insert(request.request_id.clone(), (request, false));
    }
    Ok(())
}

async fn write_fold(
    connection: &mut AnyConnection,
    dialect: Dialect,
    fold: Fold,
) -> Result<(), ReadModelError> {
    let changed = fold.requests.values().filter(|(_, changed)| *changed);
    let mut requests: Vec<_> = changed.map(|(request, _)| request).collect();
    requests.sort_unstable_by(|a, b| a.request_id.cmp(&b.request_id));
    request::TABLE.write(connection, dialect, &requests).await?;
    SUBMISSIONS
        .write(connection, dialect, &fold.submissions)
        .await?;
    DECISIONS
        .write(connection, dialect, &fold.decisions)
        .await?;
    REFUSALS.write(connection, dialect, &fold.refusals).await?;
    QUEUED.write(connection, dialect, &fold.deliveries).await?;
    fold.closes.write(connection, dialect).await?;
    fold.sums.write(connection, dialect).await?;
    Ok(())
}
