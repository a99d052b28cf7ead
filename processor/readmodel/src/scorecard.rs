//! Scorecards: what a transaction adds to them, and their publication.
//!
//! The rows are sums, and a transaction adds to them in SQL rather than writing what it believes they are: so several
//! projectors, each with partitions of its own, meet in the rows.

use std::collections::BTreeMap;

use afterword_log::{Log, Record, Topic, partition_for};
use afterword_schemas::records::{Reaction, TeammateScorecard};
use afterword_schemas::{Framing, encode};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use crate::database::Dialect;
use crate::error::ReadModelError;
use crate::sql::{Row, Table, Values};

/// What a transaction adds to one scorecard. A change of reaction takes from one and adds to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub requests: i64,
    pub requests_answered: i64,
    pub reactions: [i64; Reaction::ALL.len()],
    pub comments: i64,
}

/// Workspace, teammate, day.
pub(crate) type Key = (String, String, String);

/// What a transaction adds, by scorecard; in order, so that two projectors lock the rows in the same one.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<Key, Sums>);

const TABLE: Table = Table {
    name: "scorecards",
    columns: &[
        "workspace_id",
        "teammate_id",
        "day",
        "requests",
        "requests_answered",
        "terrible",
        "bad",
        "ok",
        "great",
        "amazing",
        "comments",
        "revision",
    ],
    conflict: "ON CONFLICT (workspace_id, teammate_id, day) DO UPDATE SET \
         requests = scorecards.requests + excluded.requests, \
         requests_answered = scorecards.requests_answered + excluded.requests_answered, \
         terrible = scorecards.terrible + excluded.terrible, bad = scorecards.bad + excluded.bad, \
         ok = scorecards.ok + excluded.ok, great = scorecards.great + excluded.great, \
         amazing = scorecards.amazing + excluded.amazing, comments = scorecards.comments + excluded.comments, \
         revision = scorecards.revision + 1",
};

/// Every row is there: only the conflict's half ever happens.
const PUBLISHED: Table = Table {
    name: "scorecards",
    columns: &["workspace_id", "teammate_id", "day", "published_revision"],
    conflict: "ON CONFLICT (workspace_id, teammate_id, day) DO UPDATE SET \
         published_revision = excluded.published_revision \
         WHERE scorecards.published_revision < excluded.published_revision",
};

/// As above.
const UNPUBLISHED_AGAIN: Table = Table {
    name: "scorecards",
    columns: &["workspace_id", "teammate_id", "day", "published_revision"],
    conflict: "ON CONFLICT (workspace_id, teammate_id, day) DO UPDATE SET published_revision = 0",
};

/// An advisory lock of PostgreSQL, held to the end of the transaction: 1 when it was taken.
const TRY_LOCK: &str = "SELECT CAST(pg_try_advisory_xact_lock($1) AS INTEGER)";

/// Its number in the database: "afterwrd" in ASCII.
const LOCK: i64 = 0x6166_7465_7277_7264;

const UNPUBLISHED: &str = "SELECT workspace_id, teammate_id, day, requests, requests_answered, terrible, bad, ok, \
     great, amazing, comments, revision FROM scorecards WHERE published_revision < revision \
     ORDER BY workspace_id, teammate_id, day LIMIT $1";

/// How many scorecards are published in one append.
pub(crate) const PUBLISHED_AT_ONCE: usize = 1_000;

impl Changes {
    /// The sums of one scorecard, to be added to.
    pub fn of(&mut self, workspace_id: &str, teammate_id: &str, day: &str) -> &mut Sums {
        let key = (
            workspace_id.to_owned(),
            teammate_id.to_owned(),
            day.to_owned(),
        );
        self.0.entry(key).or_default()
    }

    /// Adds everything to the rows, and one to the revision of each row that it changes.
    pub async fn write(
        self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(), ReadModelError> {
        let changed = self
            .0
            .into_iter()
            .filter(|(_, sums)| *sums != Sums::default());
        let changed: Vec<_> = changed.collect();
        TABLE.write(connection, dialect, &changed).await?;
        Ok(())
    }
}

impl Row for (Key, Sums) {
    fn values(&self, values: &mut Values) {
        let ((workspace_id, teammate_id, day), sums) = self;
        values.text(workspace_id);
        values.text(teammate_id);
        values.text(day);
        values.integer(sums.requests);
        values.integer(sums.requests_answered);
        for count in sums.reactions {
            values.integer(count);
        }
        values.integer(sums.comments);
        values.integer(1);
    }
}

struct Published<'a>(&'a TeammateScorecard);

impl Row for Published<'_> {
    fn values(&self, values: &mut Values) {
        values.text(&self.0.workspace_id);
        values.text(&self.0.teammate_id);
        values.text(&self.0.day);
        values.integer(self.0.revision);
    }
}

/// Reads the columns of [`UNPUBLISHED`], in that order.
pub(crate) fn from_row(row: &AnyRow) -> Result<TeammateScorecard, ReadModelError> {
    Ok(TeammateScorecard {
        workspace_id: row.try_get(0)?,
        teammate_id: row.try_get(1)?,
        day: row.try_get(2)?,
        requests: row.try_get(3)?,
        requests_answered: row.try_get(4)?,
        terrible: row.try_get(5)?,
        bad: row.try_get(6)?,
        ok: row.try_get(7)?,
        great: row.try_get(8)?,
        amazing: row.try_get(9)?,
        comments: row.try_get(10)?,
        revision: row.try_get(11)?,
    })
}

/// Some of the scorecards that the topic may not hold as they are.
pub(crate) async fn unpublished(
    connection: &mut AnyConnection,
) -> Result<Vec<TeammateScorecard>, ReadModelError> {
    let query = sqlx::query(UNPUBLISHED).bind(PUBLISHED_AT_ONCE as i64);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(from_row).collect()
}

/// Remembers that the topic holds these.
pub(crate) async fn mark_published(
    connection: &mut AnyConnection,
    dialect: Dialect,
    scorecards: &[TeammateScorecard],
) -> Result<(), ReadModelError> {
    let rows: Vec<_> = scorecards.iter().map(Published).collect();
    PUBLISHED.write(connection, dialect, &rows).await?;
    Ok(())
}

/// Forgets that the topic holds these: they are published again, with whatever they are by then.
pub(crate) async fn mark_unpublished(
    connection: &mut AnyConnection,
    dialect: Dialect,
    scorecards: &[TeammateScorecard],
) -> Result<(), ReadModelError> {
    let rows: Vec<_> = scorecards.iter().map(Published).collect();
    UNPUBLISHED_AGAIN.write(connection, dialect, &rows).await?;
    Ok(())
}

/// Takes the publication for this transaction, if nobody else has it.
pub(crate) async fn try_lock(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<bool, ReadModelError> {
    // SQLite's transaction has locked the whole database when it began.
    if !dialect.is_shared() {
        return Ok(true);
    }
    let taken = sqlx::query(TRY_LOCK)
        .bind(LOCK)
        .fetch_one(connection)
        .await?;
    Ok(taken.try_get::<i32, _>(0)? == 1)
}

/// The key of `teammate-scorecards`: `/` and `%` in ids are percent-encoded, and nothing else, so that the parts can be told
/// apart and every id read back.
pub(crate) fn key(scorecard: &TeammateScorecard) -> String {
    let encoded = |id: &str| id.replace('%', "%25").replace('/', "%2F");
    let workspace = encoded(&scorecard.workspace_id);
    let teammate = encoded(&scorecard.teammate_id);
    format!("{workspace}/{teammate}/{}", scorecard.day)
}

/// Appends these to `teammate-scorecards`. Blocks.
pub(crate) fn append(
    log: &dyn Log,
    framing: Framing,
    now_ms: i64,
    scorecards: &[TeammateScorecard],
) -> Result<(), ReadModelError> {
    let partitions = log.partitions(Topic::TeammateScorecards);
    let record = |scorecard: &TeammateScorecard| {
        let key = key(scorecard);
        let mut value = Vec::new();
        encode(scorecard, framing, &mut value);
        let partition = partition_for(key.as_bytes(), partitions);
        (partition, Record::new(key, value, now_ms))
    };
    log.append(
        Topic::TeammateScorecards,
        scorecards.iter().map(record).collect(),
    )?;
    Ok(())
}
