//! One transaction: positions, settings, rows. All of it is committed or nothing.

use std::collections::HashSet;

use afterword_log::{Partition, Topic};
use afterword_schemas::records::Output;
use sqlx::{AnyConnection, Connection};

use crate::database::{Dialect, ReportDatabase};
use crate::error::ReadModelError;
use crate::fold::Fold;
use crate::output::{OutputsRead, SettingsRead, Sourced};
use crate::positions::{Place, Position, Positions, compare_and_set};
use crate::request::{self, Request};
use crate::rows::{DECISIONS, FUNNEL, REFUSALS, SUBMISSIONS};
use crate::settings::{self, Zones};
use crate::sql::{Row, select_in};

/// What was read of the log, for one transaction.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub settings: SettingsRead,
    pub outputs: Vec<(Place, OutputsRead)>,
}

/// What a committed transaction did besides its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub settings_refused: u64,
    pub revisions_repeated: u64,
}

impl Reads {
    /// The positions that this transaction moves, and where to.
    pub fn moves(&self, positions: &Positions) -> Positions {
        let settings_place = (Topic::WorkspaceSettings, Partition(0));
        let settings = std::iter::once((settings_place, self.settings.position));
        let outputs = self
            .outputs
            .iter()
            .map(|(place, read)| (*place, read.position));
        let moved = |(place, to): &(Place, Position)| positions.get(place) != Some(to);
        settings.chain(outputs).filter(moved).collect()
    }
}

/// Writes everything that was read, in one transaction.
///
/// # Errors
/// `GiveUp` when a position is not where this projector left it. After any error the transaction may still have been
/// committed, if it was the commit that failed: the stored positions say so.
pub(crate) async fn apply(
    database: &ReportDatabase,
    positions: &Positions,
    moves: &Positions,
    reads: Reads,
    zones: &mut Zones,
) -> Result<Applied, ReadModelError> {
    let mut connection = database.writer().await?;
    let dialect = database.dialect();
    let applied = async {
        let mut transaction = connection.begin_with(dialect.begin()).await?;
        for (place, position) in moves {
            let expected = positions.get(place).copied().unwrap_or_default();
            compare_and_set(&mut transaction, *place, &expected, position).await?;
        }
        let applied = write(&mut transaction, dialect, reads, zones).await?;
        transaction.commit().await?;
        Ok(applied)
    }
    .await;
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
    reads: Reads,
    zones: &mut Zones,
) -> Result<Applied, ReadModelError> {
    let versions = &reads.settings.versions;
    let settings_refused = settings::store(connection, dialect, versions, zones).await?;
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
    Ok(Applied {
        settings_refused,
        revisions_repeated,
    })
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

impl Row for &Request {
    fn values(&self, values: &mut crate::sql::Values) {
        (**self).values(values);
    }
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
    let funnel: Vec<_> = fold.funnel.into_iter().collect();
    FUNNEL.write(connection, dialect, &funnel).await?;
    fold.scorecards.write(connection, dialect).await
}
