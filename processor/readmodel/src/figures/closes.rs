//! Sums of decisions: the funnel by teammate, and how near to a threshold closes were. What a transaction adds to them.

use std::collections::BTreeMap;

use afterword_schemas::records::{Criterion, EligibilityDecided};
use sqlx::AnyConnection;

use crate::database::Dialect;
use crate::error::ReadModelError;
use crate::figures::sums::EVERYBODY;
use crate::fold::{FunnelKey, FunnelSums, mask};
use crate::rows::FUNNEL;
use crate::sql::{Row, Table, Values};

/// Closes held back by `too_short` alone, by characters.
pub(crate) const CHARACTERS: &str = "characters";
/// Closes held back by `stale` alone, by days since the last reply.
pub(crate) const STALE_DAYS: &str = "stale_days";
/// Closes that were asked about, by days since the last reply.
pub(crate) const ASKED_DAYS: &str = "asked_days";

/// Characters are rounded up to multiples of this.
pub(crate) const CHARACTERS_STEP: i64 = 25;
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Later than this many days is one bucket.
pub(crate) const LAST_DAY: i64 = 90;

/// Workspace, teammate, day, exactly which criteria failed.
type TeammateKey = (String, String, String, i64);
/// Workspace, teammate, day, measure, bucket.
type MeasuredKey = (String, String, String, &'static str, i64);

/// What a transaction adds.
#[derive(Debug, Default)]
pub(crate) struct Closes {
    all: BTreeMap<FunnelKey, FunnelSums>,
    teammates: BTreeMap<TeammateKey, FunnelSums>,
    measured: BTreeMap<MeasuredKey, i64>,
}

const TEAMMATES: Table = Table {
    name: "decision_teammate_days",
    columns: &[
        "workspace_id",
        "teammate_id",
        "day",
        "failed_mask",
        "decided",
        "requested",
    ],
    conflict: "ON CONFLICT (workspace_id, teammate_id, day, failed_mask) DO UPDATE SET \
         decided = decision_teammate_days.decided + excluded.decided, \
         requested = decision_teammate_days.requested + excluded.requested",
};

const MEASURED: Table = Table {
    name: "measured_days",
    columns: &[
        "workspace_id",
        "teammate_id",
        "day",
        "measure",
        "bucket",
        "decided",
    ],
    conflict: "ON CONFLICT (workspace_id, teammate_id, day, measure, bucket) DO UPDATE SET \
         decided = measured_days.decided + excluded.decided",
};

/// Days since the last reply, rounded up.
fn days(milliseconds: Option<i64>) -> i64 {
    let milliseconds = milliseconds.unwrap_or(0).max(0);
    if milliseconds > LAST_DAY * DAY_MS {
        return LAST_DAY + 1;
    }
    (milliseconds + DAY_MS - 1) / DAY_MS
}

/// The measure and the bucket of a close, if there is one to be had.
fn measured(decided: &EligibilityDecided) -> Option<(&'static str, i64)> {
    let since = decided.measured.milliseconds_since_last_reply;
    match decided.failed.as_slice() {
        [] if decided.requested => Some((ASKED_DAYS, days(since))),
        [Criterion::TooShort] => {
            let characters = i64::from(decided.measured.characters);
            let steps = (characters + CHARACTERS_STEP - 1) / CHARACTERS_STEP;
            Some((CHARACTERS, steps * CHARACTERS_STEP))
        }
        [Criterion::Stale] => Some((STALE_DAYS, days(since))),
        _ => None,
    }
}

impl Closes {
    /// Counts one close, under its teammate and under all.
    pub fn count(&mut self, decided: &EligibilityDecided, day: &str) {
        let (workspace, mask) = (&decided.workspace_id, mask(&decided.failed));
        let add = |sums: &mut FunnelSums| {
            sums.decided += 1;
            sums.requested += i64::from(decided.requested);
        };
        let all = (workspace.clone(), day.to_owned(), mask);
        add(self.all.entry(all).or_default());
        let teammate = decided.teammate_id.as_deref();
        if let Some(teammate) = teammate {
            let key = (workspace.clone(), teammate.to_owned(), day.to_owned(), mask);
            add(self.teammates.entry(key).or_default());
        }
        let Some((measure, bucket)) = measured(decided) else {
            return;
        };
        for teammate in std::iter::once(EVERYBODY).chain(teammate) {
            let key = (
                workspace.clone(),
                teammate.to_owned(),
                day.to_owned(),
                measure,
                bucket,
            );
            *self.measured.entry(key).or_default() += 1;
        }
    }

    /// Adds everything to the rows.
    pub async fn write(
        self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(), ReadModelError> {
        let all: Vec<_> = self.all.into_iter().collect();
        FUNNEL.write(connection, dialect, &all).await?;
        let teammates: Vec<_> = self.teammates.into_iter().collect();
        TEAMMATES.write(connection, dialect, &teammates).await?;
        let measured: Vec<_> = self.measured.into_iter().collect();
        MEASURED.write(connection, dialect, &measured).await?;
        Ok(())
    }
}

impl Row for (TeammateKey, FunnelSums) {
    fn values(&self, values: &mut Values) {
        let ((workspace_id, teammate_id, day, failed_mask), sums) = self;
        values.text(workspace_id);
        values.text(teammate_id);
        values.text(day);
        values.integer(*failed_mask);
        values.integer(sums.decided);
        values.integer(sums.requested);
    }
}

impl Row for (MeasuredKey, i64) {
    fn values(&self, values: &mut Values) {
        let ((workspace_id, teammate_id, day, measure, bucket), decided) = self;
        values.text(workspace_id);
        values.text(teammate_id);
        values.text(day);
        values.text(measure);
        values.integer(*bucket);
        values.integer(*decided);
    }
}
