//! Figures of a workspace.

use serde::Serialize;
use sqlx::Row as _;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::scorecard;

/// A teammate's sums of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scorecard {
    pub workspace_id: String,
    pub teammate_id: String,
    /// ISO date in the workspace's time zone.
    pub day: String,
    /// Sent that day.
    pub requests: i64,
    /// Of those, answered by now.
    pub requests_answered: i64,
    /// Ratings first given that day, by their present reaction.
    pub terrible: i64,
    pub bad: i64,
    pub ok: i64,
    pub great: i64,
    pub amazing: i64,
    /// Of those ratings, how many have a comment.
    pub comments: i64,
    pub revision: i64,
}

/// Sums over everything that is projected of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Closes that were judged.
    pub decided: i64,
    /// Requests that were sent.
    pub asked: i64,
    /// Requests that have been answered.
    pub answered: i64,
}

const SCORECARDS: &str = "SELECT workspace_id, teammate_id, day, requests, requests_answered, terrible, bad, ok, great, \
     amazing, comments, revision FROM scorecards \
     WHERE workspace_id = $1 AND day IN \
     (SELECT DISTINCT day FROM scorecards WHERE workspace_id = $1 ORDER BY day DESC LIMIT $2) \
     ORDER BY day DESC, teammate_id";

// From the sums, not from the rows of which there may be millions. PostgreSQL's SUM of BIGINT is NUMERIC.
const TOTALS: &str = "SELECT \
     (SELECT CAST(COALESCE(SUM(decided), 0) AS BIGINT) FROM decision_days WHERE workspace_id = $1), \
     (SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT) FROM scorecards WHERE workspace_id = $1), \
     (SELECT CAST(COALESCE(SUM(requests_answered), 0) AS BIGINT) FROM scorecards WHERE workspace_id = $1)";

const WORKSPACES: &str = "SELECT workspace_id FROM \
     (SELECT DISTINCT workspace_id FROM decision_days UNION SELECT DISTINCT workspace_id FROM scorecards \
     UNION SELECT DISTINCT workspace_id FROM settings_versions) AS known ORDER BY workspace_id LIMIT $1";

impl ReportDatabase {
    /// The scorecards of a workspace's latest days that have any, at most so many days: the newest day first, then by
    /// teammate.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn scorecards(
        &self,
        workspace_id: &str,
        days: u32,
    ) -> Result<Vec<Scorecard>, ReadModelError> {
        let query = sqlx::query(SCORECARDS)
            .bind(workspace_id)
            .bind(i64::from(days));
        let rows = query.fetch_all(self.readers()).await?;
        let read = |row| scorecard::from_row(row).map(Scorecard::from);
        rows.iter().map(read).collect()
    }

    /// How many closes of a workspace were decided, asked about, and answered; zeros for one that is not known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn totals(&self, workspace_id: &str) -> Result<Totals, ReadModelError> {
        let query = sqlx::query(TOTALS).bind(workspace_id);
        let row = query.fetch_one(self.readers()).await?;
        Ok(Totals {
            decided: row.try_get(0)?,
            asked: row.try_get(1)?,
            answered: row.try_get(2)?,
        })
    }

    /// The ids of the workspaces that anything is known of, in order, at most so many.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workspaces(&self, at_most: u32) -> Result<Vec<String>, ReadModelError> {
        let query = sqlx::query(WORKSPACES).bind(i64::from(at_most));
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

impl From<afterword_schemas::records::TeammateScorecard> for Scorecard {
    fn from(card: afterword_schemas::records::TeammateScorecard) -> Scorecard {
        Scorecard {
            workspace_id: card.workspace_id,
            teammate_id: card.teammate_id,
            day: card.day,
            requests: card.requests,
            requests_answered: card.requests_answered,
            terrible: card.terrible,
            bad: card.bad,
            ok: card.ok,
            great: card.great,
            amazing: card.amazing,
            comments: card.comments,
            revision: card.revision,
        }
    }
}
